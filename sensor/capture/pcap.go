package capture

import (
	"encoding/binary"
	"fmt"
)

// Magic numbers of pcap files in the byte order of their writer
// (draft-ietf-opsawg-pcap, libpcap's sf-pcap.c).
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Alexey Kuznetzov's, of old Red Hat: longer record headers

	pcapHeaderLen = 24
	versionLBL    = 543 // "version 543.0" with swapped lengths, of old DG/UX
)

// pcapReader reads the records of a pcap file.
type pcapReader struct {
	in        *input
	order     binary.ByteOrder
	unit      int64 // nanoseconds of what the fraction counts
	headerLen int
	swapped   func(caplen, wirelen uint32) bool // whether the lengths are the other way round
	linkType  uint16
}

// openPcap reads the header of a pcap file, which begins with magic.
func (f *File) openPcap(magic []byte) error {
	p := &pcapReader{in: f.in, headerLen: 16, unit: 1000}
	var kind uint32
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch kind = order.Uint32(magic); kind {
		case magicNano:
			p.unit = 1
		case magicModified:
			p.headerLen = 24
		case magicMicro:
		default:
			continue
		}
		p.order = order
		break
	}
	if p.order == nil {
		return fmt.Errorf("not a capture file (begins with % x%s; pcap and pcapng are read, plain, gzip, zstd or bzip2)", magic, foreign(magic))
	}
	h, err := f.in.peek(pcapHeaderLen)
	if err != nil {
		return fmt.Errorf("cut in its header (%d of %d bytes%s)", len(h), pcapHeaderLen, because(err))
	}
	major, minor := p.order.Uint16(h[4:]), p.order.Uint16(h[6:])
	if p.swapped, err = lengthOrder(major, minor); err != nil {
		return err
	}
	// The six highest bits are about the FCS; ten more are reserved.
	link := p.order.Uint32(h[20:]) & 0x03ffffff
	if link > 0xffff {
		return fmt.Errorf("cannot read link type %d (there are 65536)", link)
	}
	p.linkType = uint16(link)
	if !knownLink(p.linkType) {
		return refuseLinks([]uint16{p.linkType})
	}
	f.in.skip(pcapHeaderLen)
	f.next = p.next
	return nil
}

// foreign names other formats that people take for captures.
func foreign(magic []byte) string {
	switch string(magic) {
	case "snoo":
		return ", Solaris snoop: convert with editcap -F pcap"
	case "\xfd7zX":
		return ", xz: unpack with xz -d"
	case "\x04\x22\x4d\x18":
		return ", lz4: unpack with lz4 -d"
	case "PK\x03\x04":
		return ", zip: unpack it first"
	}
	return ""
}

// lengthOrder tells whether a version of the format has the two lengths of a
// record swapped: up to 2.2 yes, in 2.3 as it happens (sf-pcap.c).
func lengthOrder(major, minor uint16) (func(caplen, wirelen uint32) bool, error) {
	switch {
	case major == versionLBL && minor == 0, major == 2 && minor < 3:
		return func(_, _ uint32) bool { return true }, nil
	case major == 2 && minor == 3:
		return func(caplen, wirelen uint32) bool { return caplen > wirelen }, nil
	case major == 2 && minor == 4:
		return func(_, _ uint32) bool { return false }, nil
	}
	return nil, fmt.Errorf("unsupported pcap version %d.%d (2.0 to 2.4 are read)", major, minor)
}

// next reads one record.
func (p *pcapReader) next(f *Frame) error {
	h, err := p.in.peek(p.headerLen)
	if err != nil {
		return err
	}
	caplen, wirelen := p.order.Uint32(h[8:]), p.order.Uint32(h[12:])
	if p.swapped(caplen, wirelen) {
		caplen, wirelen = wirelen, caplen
	}
	if caplen > maxRecordLen {
		return fmt.Errorf("%w: a record claims %d bytes", errDamaged, caplen)
	}
	rec, err := p.in.peek(p.headerLen + int(caplen))
	if err != nil {
		return err
	}
	*f = Frame{
		Data: rec[p.headerLen:],
		Time: int64(p.order.Uint32(rec))*1e9 + int64(p.order.Uint32(rec[4:]))*p.unit,
		// Octets that were captured were on the wire, whatever the record says.
		WireLen:  max(wirelen, caplen),
		Segments: 1,
		LinkType: p.linkType,
	}
	if p.headerLen == 24 { // struct pcap_sf_patched_pkthdr: index, protocol, pkt_type
		f.PacketType = rec[22]
	}
	p.in.skip(len(rec))
	return nil
}
