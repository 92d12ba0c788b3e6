// Package decode reads the headers of one captured frame into a Packet: who
// sent it to whom, by which protocol and ports, and through which tunnels.
//
// It is made for a live, untrusted wire. Decode never panics, never allocates,
// never keeps a reference to the frame and always says one of three things
// about it (Status), so that the caller's books balance. Nothing is invented:
// a field that the captured bytes do not show stays zero. Checksums are not
// validated, because frames seen before a network card's offloading carry
// unfinished ones.
//
// Tunnels are unwrapped where their headers leave no doubt: GRE, PPTP, ERSPAN,
// IP in IP of all versions, VXLAN, Geneve and GTP-U, these three by their UDP
// destination port and only if all that is inside fits together. Not unwrapped
// are those that merely quote packets (ICMP errors, sFlow) or hide them (ESP,
// IPComp), nor Teredo, L2TP, CAPWAP, PIM registers and MPLS in UDP.
//
// How much of a frame is needed: 128 bytes for the outermost packet and for
// most tunnels, 192 for IPv6 in IPv6 with options or an Ethernet header between.
//
// Every function is safe for concurrent use with distinct Packets; the package
// has no state.
package decode

// Status says what Decode made of a frame. Exactly one holds for every frame.
type Status uint8

const (
	// Undecodable is a frame that is cut before the end of the fixed IP header
	// (or before it is known whether there is one), whose IP header is invalid
	// (version, header length, total length), or whose link type is not
	// Supported. It is the zero value.
	Undecodable Status = iota
	// NonIP is a frame that carries no IP packet: ARP, LLDP, STP, PPP control …
	NonIP
	// Decoded is a frame with an IP packet whose addresses are in the Packet.
	Decoded
)

// String returns the name of the status as the counters have it.
func (s Status) String() string {
	switch s {
	case Decoded:
		return "decoded"
	case NonIP:
		return "non_ip"
	}
	return "undecodable"
}

// The kinds of tunnels in Packet.TunnelKinds.
const (
	TunnelGRE    uint16 = 1 << iota // RFC 2784, 2890 and the IP, Ethernet or MPLS in it
	TunnelPPTP                      // GRE version 1 with PPP, RFC 2637
	TunnelERSPAN                    // mirrored Ethernet in GRE, types I to III
	TunnelIPIP                      // IPv4 in IPv4, RFC 2003
	Tunnel6in4                      // IPv6 in IPv4, RFC 4213 (6to4, 6rd, ISATAP too)
	Tunnel4in6                      // IPv4 in IPv6, RFC 2473 (DS-Lite, MAP-E too)
	Tunnel6in6                      // IPv6 in IPv6, RFC 2473
	TunnelVXLAN                     // RFC 7348, UDP ports 4789 and 8472; with GPE 4790
	TunnelGeneve                    // RFC 8926, UDP port 6081
	TunnelGTPU                      // 3GPP TS 29.281 G-PDU, UDP port 2152
)

// MaxTunnels is how many nested tunnels are unwrapped at most; what is deeper
// is left alone and the packet is that of the fourth tunnel.
const MaxTunnels = 4

// Packet is what the headers of one frame say. With tunnels it is the
// innermost IP packet; the outermost one is in the Outer fields. A Packet has
// no pointers and is comparable. The zero value is a packet of which nothing
// is known, as after any status but Decoded.
type Packet struct {
	// Src and Dst are the addresses of the IP header.
	Src, Dst Addr
	// OuterSrc and OuterDst are those of the outermost IP header when
	// Tunnels > 0, else zero.
	OuterSrc, OuterDst Addr
	// SrcPort and DstPort are set when HasPorts is.
	SrcPort, DstPort uint16
	// OuterSrcPort and OuterDstPort are set when OuterHasPorts is.
	OuterSrcPort, OuterDstPort uint16
	// TunnelKinds is the set of kinds that were unwrapped, of the Tunnel bits.
	TunnelKinds uint16
	// Tunnels is how many tunnel headers were unwrapped, at most MaxTunnels.
	Tunnels uint8
	// Proto is the IANA number of the upper layer, after IPv6 extension headers
	// and AH. Where that chain is cut or too long it is the number of the first
	// header that could not be read; for a later fragment, what its own header
	// announces. 59 (no next header) after a Mobility, HIP or Shim6 header is
	// replaced by that header's number, for there it says nothing.
	Proto uint8
	// OuterProto is that of the outermost IP header when Tunnels > 0.
	OuterProto uint8
	// V6 is the IP version of Src and Dst: an IPv6 packet with v4-mapped
	// addresses has it, too.
	V6 bool
	// OuterV6 is the version of OuterSrc and OuterDst.
	OuterV6 bool
	// HasPorts is true when both ports of a TCP, UDP or SCTP header were
	// captured and lie inside the IP packet: not for later fragments, not for
	// other protocols.
	HasPorts bool
	// OuterHasPorts is the same for the outermost packet when Tunnels > 0 (a
	// UDP tunnel).
	OuterHasPorts bool
	// SYN is a TCP segment that opens: SYN without ACK. The flags lie ten bytes
	// behind the ports and may be cut where those are not.
	SYN bool
	// Fragment is a later fragment: its offset is not zero. Tunnels in later
	// fragments cannot be unwrapped.
	Fragment bool
}
