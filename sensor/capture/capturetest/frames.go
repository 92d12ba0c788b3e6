package capturetest

import "encoding/binary"

// UDPFrames returns n different Ethernet frames, each of size octets (without
// FCS; 42 at least), with an IPv4 and a UDP header whose checksums are right. They are
// addressed to a machine that does not exist, so that no network stack answers; source
// address and port count up from 192.0.2.1:1024, and the payload is zeros.
func UDPFrames(n, size int) [][]byte {
	const headers = 14 + 20 + 8
	size = max(size, headers)
	frames := make([][]byte, n)
	for i := range frames {
		f := make([]byte, size)
		copy(f, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0})
		ip := f[14:]
		ip[0], ip[8], ip[9] = 0x45, 64, 17
		binary.BigEndian.PutUint16(ip[2:], uint16(size-14))
		binary.BigEndian.PutUint32(ip[12:], 0xc0000201+uint32(i)) // 192.0.2.1
		binary.BigEndian.PutUint32(ip[16:], 0xc6336401)           // 198.51.100.1
		binary.BigEndian.PutUint16(ip[10:], checksum(ip[:20]))
		udp := ip[20:]
		binary.BigEndian.PutUint16(udp, uint16(1024+i%60000))
		binary.BigEndian.PutUint16(udp[2:], 53)
		binary.BigEndian.PutUint16(udp[4:], uint16(size-14-20)) // checksum 0: none (RFC 768)
		frames[i] = f
	}
	return frames
}

// checksum is the Internet checksum (RFC 1071) of b, whose length is even.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
