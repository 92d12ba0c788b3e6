package capture

import "encoding/binary"

// Layout of a TPACKET_V3 block, from include/uapi/linux/if_packet.h. All fields
// are in the machine's byte order but sll_protocol.
const (
	// struct tpacket_block_desc: version, offset_to_priv, then tpacket_hdr_v1.
	blockStatusOff = 8
	blockCountOff  = 12 // num_pkts
	blockFirstOff  = 16 // offset_to_first_pkt
	blockHeaderLen = 48

	// struct tpacket3_hdr.
	recNextOff   = 0
	recSecOff    = 4
	recNsecOff   = 8
	recSnapOff   = 12
	recLenOff    = 16
	recStatusOff = 20
	recMacOff    = 24
	recTCIOff    = 32
	recTPIDOff   = 36
	// struct sockaddr_ll follows at TPACKET_ALIGN(sizeof(struct tpacket3_hdr)).
	recProtoOff   = 48 + 2
	recPktTypeOff = 48 + 10
	recHeaderLen  = 48 + 20

	statusUser      = 1 << 0
	statusVLAN      = 1 << 4
	statusVLANProto = 1 << 6

	vlanTagLen   = 4
	etherTypeTag = 0x8100
)

// Block is a run of frames handed out by one ReadBlock. Its frames are valid
// until the next ReadBlock or Close of the source. The zero Block is empty. A
// Block belongs to the goroutine that read it.
type Block struct {
	mem       []byte // ring: the whole block, ours until released
	frames    []Frame
	next      int    // ring: offset of the next record; file: index of the next frame
	left      uint32 // records not yet walked
	malformed uint32
	linkType  uint16
	noLink    bool // the interface has no link header: report sll_protocol
	vnet      bool // a struct virtio_net_hdr precedes every frame
}

// NewBlock returns a block of frames, which it keeps: for sources made of other ones.
func NewBlock(frames []Frame) *Block { return &Block{frames: frames} }

// resetRing makes b walk the block in mem, which must be ours (status USER).
func (b *Block) resetRing(mem []byte) {
	b.mem, b.frames, b.malformed = mem, nil, 0
	b.left, b.next = 0, 0
	if len(mem) < blockHeaderLen {
		return
	}
	b.left = binary.NativeEndian.Uint32(mem[blockCountOff:])
	b.next = int(binary.NativeEndian.Uint32(mem[blockFirstOff:]))
	// A record takes recHeaderLen bytes at least: a larger count is a lie.
	if limit := uint32(len(mem) / recHeaderLen); b.left > limit {
		b.malformed = b.left - limit
		b.left = limit
	}
}

// Malformed returns how many records of the part walked so far were skipped
// because an offset or length lay outside the block.
func (b *Block) Malformed() uint32 { return b.malformed }

// Next fills f with the next frame and reports whether there was one. It skips
// malformed records, and never panics nor allocates, whatever the memory holds.
func (b *Block) Next(f *Frame) bool {
	if b.mem == nil {
		return b.nextFile(f)
	}
	for b.left > 0 {
		b.left--
		off := b.next
		if off < 0 || off > len(b.mem)-recHeaderLen {
			return b.cut(1)
		}
		rec := b.mem[off:]
		head := (*[recHeaderLen]byte)(rec) // one check for the whole header
		next := int(binary.NativeEndian.Uint32(head[recNextOff:]))
		switch {
		case next >= recHeaderLen:
			b.next = off + next
		case b.left > 0: // 0 stands only in the last record; anything else would overlap
			b.cut(0)
		}
		status := binary.NativeEndian.Uint32(head[recStatusOff:])
		if status&statusUser == 0 {
			// tpacket_rcv gave up on the frame after it had taken its place
			// (no virtio_net_hdr for it) and has counted it as dropped.
			continue
		}
		if b.fill(f, rec, head, status) {
			return true
		}
		b.malformed++
	}
	return false
}

// cut gives up on the rest of the block, and on n records before it.
func (b *Block) cut(n uint32) bool {
	b.malformed += b.left + n
	b.left = 0
	return false
}

// fill reads one record, which begins with head.
func (b *Block) fill(f *Frame, rec []byte, head *[recHeaderLen]byte, status uint32) bool {
	start := int(binary.NativeEndian.Uint16(head[recMacOff:]))
	end := start + int(binary.NativeEndian.Uint32(head[recSnapOff:]))
	if start < recHeaderLen || end < start || end > len(rec) {
		return false
	}
	f.Data = rec[start:end:end]
	// Seconds are unsigned in the kernel's header: good until 2106.
	f.Time = int64(binary.NativeEndian.Uint32(head[recSecOff:]))*1e9 +
		int64(binary.NativeEndian.Uint32(head[recNsecOff:])) + skew()
	f.WireLen = binary.NativeEndian.Uint32(head[recLenOff:])
	f.Segments = 1
	f.LinkType = b.linkType
	f.EtherType = 0
	if b.noLink {
		f.EtherType = binary.BigEndian.Uint16(head[recProtoOff:])
	}
	f.PacketType = head[recPktTypeOff]
	if b.vnet && start >= recHeaderLen+vnetHeaderLen {
		if vh := rec[start-vnetHeaderLen : start]; vh[1] != 0 {
			f.WireLen, f.Segments = segments(vh, f)
		}
	}
	f.VLAN, f.VLANProto = 0, 0
	if status&statusVLAN != 0 {
		f.VLAN = uint16(binary.NativeEndian.Uint32(head[recTCIOff:]))
		f.VLANProto = etherTypeTag // kernels before 3.14 do not say
		if status&statusVLANProto != 0 {
			f.VLANProto = binary.NativeEndian.Uint16(head[recTPIDOff:])
		}
		f.WireLen += vlanTagLen * f.Segments // the tag was on every segment
	}
	return true
}

// nextFile hands out the frames that a file reader has put into b.
func (b *Block) nextFile(f *Frame) bool {
	if b.next >= len(b.frames) {
		return false
	}
	*f = b.frames[b.next]
	b.next++
	return true
}
