package capture

import (
	"encoding/binary"
	"math"
)

// struct virtio_net_hdr, which PACKET_VNET_HDR puts before every frame
// (include/uapi/linux/virtio_net.h), in the machine's byte order:
// flags, gso_type, hdr_len, gso_size, csum_start, csum_offset.
const (
	vnetHeaderLen  = 10
	vnetNeedsCsum  = 1 // flags: csum_start is set
	vnetGSOTCPv4   = 1
	vnetGSOUDPFrag = 3
	vnetGSOTCPv6   = 4
	vnetGSOUDP     = 5
	vnetGSOECN     = 0x80
)

// segments returns octets on the wire and number of the true packets of the
// super-frame f, whose virtio_net_hdr is vh. Every segment repeats the headers:
// with h octets of headers, p of payload and s of payload a segment, there are
// n = ceil(p/s) segments, of p + n*h octets. hdr_len of the virtio_net_hdr is
// not used: it is what is linear in the kernel's buffer, not the headers.
func segments(vh []byte, f *Frame) (octets, n uint32) {
	size := uint32(binary.NativeEndian.Uint16(vh[4:]))
	headers, ok := gsoHeaders(vh, f)
	if !ok || size == 0 || headers >= f.WireLen || f.WireLen > maxSuperFrame {
		return f.WireLen, 1
	}
	payload := f.WireLen - headers
	if isJumbogram(f) {
		headers -= jumboLen
	}
	n = (payload + size - 1) / size
	sum := uint64(payload) + uint64(n)*uint64(headers)
	if sum > math.MaxUint32 { // headers as long as the frame on each of its octets
		return f.WireLen, 1
	}
	return uint32(sum), n
}

// maxSuperFrame is above the longest that kernels make (GSO_MAX_SIZE, 8 × 65,535, and
// link headers); what claims to be longer is taken for one packet.
const maxSuperFrame = 1 << 20

// jumboLen is the length of the hop-by-hop header that says how long a jumbogram is.
const jumboLen = 8

// isJumbogram reports whether f has the header that kernels put into super-frames
// of over 64 KB (BIG TCP) and take out again from their segments
// (ipv6_hopopt_jumbo_remove): IPv6 payload length 0, a jumbo payload option (RFC 2675).
func isJumbogram(f *Frame) bool {
	off := 0
	if f.LinkType == LinkEthernet {
		off = networkOffset(f.Data)
	}
	if off < 0 || len(f.Data) < off+40+jumboLen {
		return false
	}
	ip := f.Data[off:]
	return ip[0]>>4 == 6 && ip[4] == 0 && ip[5] == 0 && ip[6] == 0 && ip[41] == 0 && ip[42] == 0xc2
}

// gsoHeaders returns the number of header octets that each segment of f has.
func gsoHeaders(vh []byte, f *Frame) (uint32, bool) {
	kind := vh[1] &^ vnetGSOECN
	l4, proto, ok := transportOffset(f.Data, f.LinkType)
	switch kind {
	case vnetGSOTCPv4, vnetGSOTCPv6:
		if !ok || proto != protoTCP {
			l4, ok = checksumStart(vh) // a tunnel: the checksum is the inner TCP's
		}
		if !ok {
			return 0, false
		}
		return uint32(l4 + tcpHeaderLen(f.Data, l4)), true
	case vnetGSOUDP:
		if !ok || proto != protoUDP {
			l4, ok = checksumStart(vh)
		}
		return uint32(l4 + 8), ok
	case vnetGSOUDPFrag: // segments are IP fragments: only the first has a UDP header
		return uint32(l4), ok
	}
	return 0, false
}

// checksumStart returns csum_start, the offset of the innermost TCP or UDP
// header. GRO and TSO leave the checksum to be completed (CHECKSUM_PARTIAL), so
// that it is nearly always there.
func checksumStart(vh []byte) (int, bool) {
	start := int(binary.NativeEndian.Uint16(vh[6:]))
	return start, vh[0]&vnetNeedsCsum != 0 && start > 0
}

const (
	protoTCP = 6
	protoUDP = 17
)

// tcpHeaderLen returns the length of the TCP header at off. Where the capture
// was cut before its data offset, it is taken to have the 12 octets of a
// timestamp option, as nearly all segments of a stream do.
func tcpHeaderLen(data []byte, off int) int {
	const usual = 32
	if off < 0 || off+13 > len(data) {
		return usual
	}
	n := int(data[off+12]>>4) * 4
	if n < 20 {
		return usual
	}
	return n
}

// transportOffset finds the transport header of an untunnelled packet.
func transportOffset(data []byte, linkType uint16) (off int, proto uint8, ok bool) {
	if linkType == LinkEthernet {
		if off = networkOffset(data); off < 0 {
			return 0, 0, false
		}
	}
	if off >= len(data) {
		return 0, 0, false
	}
	switch ip := data[off:]; ip[0] >> 4 {
	case 4:
		if len(ip) < 20 {
			return 0, 0, false
		}
		return off + int(ip[0]&15)*4, ip[9], true
	case 6:
		n, next, ok := skipIPv6(ip)
		return off + n, next, ok
	}
	return 0, 0, false
}

// networkOffset returns where the IP header of an Ethernet frame begins, behind
// any VLAN tags that are still in it, or -1.
func networkOffset(data []byte) int {
	for off := 12; off+2 <= len(data); off += vlanTagLen {
		switch binary.BigEndian.Uint16(data[off:]) {
		case etherTypeTag, 0x88a8, 0x9100:
		case 0x0800, 0x86dd:
			return off + 2
		default:
			return -1
		}
	}
	return -1
}

// skipIPv6 returns the offset and the protocol of what follows the IPv6 header
// and its extension headers (RFC 8200, section 4).
func skipIPv6(ip []byte) (off int, next uint8, ok bool) {
	if len(ip) < 40 {
		return 0, 0, false
	}
	off, next = 40, ip[6]
	for off+8 <= len(ip) {
		switch next {
		case 0, 43, 60: // hop-by-hop, routing, destination options
			next, off = ip[off], off+8+int(ip[off+1])*8
		case 44: // fragment
			next, off = ip[off], off+8
		default:
			return off, next, true
		}
	}
	return off, next, next == protoTCP || next == protoUDP
}
