package capture

// Link types of frames, by their number in the registry of capture files
// (LINKTYPE_). Rings have LinkEthernet or LinkRaw; frames of files may have still
// others, which package decode knows.
const (
	LinkNull     uint16 = 0   // BSD loopback: address family in the byte order of the writer
	LinkEthernet uint16 = 1   // Ethernet II and 802.3
	LinkRaw      uint16 = 101 // IPv4 or IPv6, told apart by the version nibble
	LinkLoop     uint16 = 108 // OpenBSD loopback: address family in network byte order
	LinkSLL      uint16 = 113 // Linux cooked, version 1
	LinkSLL2     uint16 = 276 // Linux cooked, version 2
)

// Values of Frame.PacketType: sll_pkttype of packet(7).
const (
	PacketHost      uint8 = 0 // addressed to this machine
	PacketBroadcast uint8 = 1 // link-layer broadcast
	PacketMulticast uint8 = 2 // link-layer multicast
	PacketOtherHost uint8 = 3 // to another host, seen in promiscuous mode
	PacketOutgoing  uint8 = 4 // sent by this machine
)

// Frame is one captured frame. The zero value is ready to be filled by
// Block.Next; a Frame belongs to one goroutine.
type Frame struct {
	// Data holds the captured bytes from the link header on. It is valid until
	// the next ReadBlock or Close of its source and must not be written to.
	Data []byte
	// Time is in nanoseconds since the Unix epoch, UTC.
	Time int64
	// WireLen is the number of octets on the wire as tcpdump -e prints it: link
	// header and VLAN tags, also the one the kernel took out, but no FCS. For a
	// super-frame it is the sum over its true segments. On a ring without a link
	// header (LinkRaw) it is the length of the IP packet.
	WireLen uint32
	// Segments is the number of true packets in a GRO or TSO super-frame, else 1.
	Segments uint32
	// LinkType says what Data begins with (a LINKTYPE_ number).
	LinkType uint16
	// EtherType is sll_protocol where the interface has no link header, else 0.
	EtherType uint16
	// VLAN is the tag control information of the outer tag that the kernel took
	// out of Data. It means something only if VLANProto is not 0.
	VLAN uint16
	// VLANProto is the TPID of that tag (0x8100, 0x88a8), 0 for none. Tags that
	// are still in Data are not reported here.
	VLANProto uint16
	// PacketType is sll_pkttype: PacketHost … PacketOutgoing. Files that do not
	// record it have PacketHost.
	PacketType uint8
}

// Stats counts what happened on one source since it was opened. Sums are 64
// bits wide; the kernel's own are 32 and cleared by reading.
type Stats struct {
	Packets   uint64 // frames that passed the filter, Drops included (tp_packets)
	Drops     uint64 // of these, lost because the ring was full (tp_drops)
	Freezes   uint64 // times the ring was full and the kernel stopped (tp_freeze_q_cnt)
	Malformed uint64 // records skipped because a length or an offset was outside the block or file
	Skipped   uint64 // frames of a file whose link type is not known
	Blocks    uint64 // blocks handed out
}
