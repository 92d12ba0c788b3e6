package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

// Block types and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	pcapngMagic = "\x0a\x0d\x0d\x0a" // type of a section header, the same in both orders

	ngSection        = 0x0a0d0d0a
	ngInterface      = 1
	ngPacket         = 2 // obsolete
	ngSimplePacket   = 3
	ngStatistics     = 5
	ngEnhancedPacket = 6
	ngByteOrder      = 0x1a2b3c4d

	ngOptTSResol  = 9  // if_tsresol
	ngOptTSOffset = 14 // if_tsoffset
	ngOptFlags    = 2  // epb_flags
	ngOptIfDrop   = 5  // isb_ifdrop
	ngOptOSDrop   = 7  // isb_osdrop
)

// ngIface is one interface of the current section.
type ngIface struct {
	linkType uint16
	snaplen  uint32
	perSec   uint64 // units of a time stamp in a second
	offset   int64  // seconds to add to it
	lost     uint64 // frames, as its statistics said last
}

// ngReader reads the packets of a pcapng file.
type ngReader struct {
	file   *File
	in     *input
	order  binary.ByteOrder
	ifaces []ngIface
}

// openPcapng reads up to the first packet, so that a file that has nothing but
// unknown link types is refused at once.
func (f *File) openPcapng() error {
	n := &ngReader{file: f, in: f.in}
	f.next = n.next
	for {
		kind, block, err := n.peekBlock()
		if err == nil && kind != ngSection && n.order == nil {
			err = fmt.Errorf("%w: no section header", errDamaged)
		}
		if err != nil {
			if len(n.ifaces) > 0 || n.order != nil && errors.Is(err, io.EOF) {
				break // ReadBlock meets it again
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return errors.New("cut in its header")
			}
			return err
		}
		if kind == ngEnhancedPacket || kind == ngSimplePacket || kind == ngPacket {
			break
		}
		if _, err := n.block(kind, block, nil); err != nil {
			return err
		}
		n.in.skip(len(block))
	}
	var links []uint16
	for _, i := range n.ifaces {
		if knownLink(i.linkType) {
			return nil
		}
		links = append(links, i.linkType)
	}
	if len(links) > 0 {
		return refuseLinks(links)
	}
	return nil
}

// next reads blocks up to one that holds a frame.
func (n *ngReader) next(f *Frame) error {
	for {
		kind, block, err := n.peekBlock()
		if err != nil {
			return err
		}
		ok, err := n.block(kind, block, f)
		if err != nil {
			return err
		}
		n.in.skip(len(block))
		if ok {
			return nil
		}
	}
}

// peekBlock returns type and bytes of the next block, whose length is checked.
func (n *ngReader) peekBlock() (kind uint32, block []byte, err error) {
	head, err := n.in.peek(12)
	if err != nil {
		return 0, nil, err
	}
	order := n.order
	if string(head[:4]) == pcapngMagic {
		if order = sectionOrder(head[8:]); order == nil {
			return 0, nil, fmt.Errorf("%w: unknown byte order mark % x", errDamaged, head[8:12])
		}
	}
	if order == nil {
		return 0, nil, fmt.Errorf("%w: no section header", errDamaged)
	}
	size := order.Uint32(head[4:])
	if size < 12 || size > maxBlockLen || size%4 != 0 {
		return 0, nil, fmt.Errorf("%w: a block claims %d bytes", errDamaged, size)
	}
	if block, err = n.in.peek(int(size)); err != nil {
		return 0, nil, err
	}
	if tail := order.Uint32(block[size-4:]); tail != size {
		return 0, nil, fmt.Errorf("%w: a block has two lengths, %d and %d", errDamaged, size, tail)
	}
	return order.Uint32(block), block, nil // head may have moved
}

// sectionOrder returns the byte order that the mark of a section says.
func sectionOrder(mark []byte) binary.ByteOrder {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(mark) == ngByteOrder {
			return order
		}
	}
	return nil
}

// block takes one block in and reports whether it has put a frame into f.
func (n *ngReader) block(kind uint32, block []byte, f *Frame) (bool, error) {
	body := block[8 : len(block)-4]
	switch kind {
	case ngSection:
		return false, n.section(body)
	case ngInterface:
		return false, n.iface(body)
	case ngStatistics:
		n.statistics(body)
	case ngEnhancedPacket, ngPacket, ngSimplePacket:
		if n.packet(kind, body, f) {
			return true, nil
		}
		if n.file.malformed.Add(1) == 1 {
			n.file.warn("some packet blocks are malformed and left out")
		}
	}
	return false, nil
}

// section begins a section: a byte order and interfaces of its own.
func (n *ngReader) section(body []byte) error {
	if len(body) < 16 {
		return fmt.Errorf("%w: a section header has %d bytes", errDamaged, len(body))
	}
	n.order = sectionOrder(body)
	n.ifaces = n.ifaces[:0]
	// 1.2 was written by some and means the same.
	if major, minor := n.order.Uint16(body[4:]), n.order.Uint16(body[6:]); major != 1 || minor != 0 && minor != 2 {
		return fmt.Errorf("unsupported pcapng version %d.%d (1.0 is read)", major, minor)
	}
	return nil
}

// iface takes an interface description in.
func (n *ngReader) iface(body []byte) error {
	const maxIfaces = 1 << 16 // far above any tool; bounds the memory
	if len(body) < 8 || len(n.ifaces) >= maxIfaces {
		return fmt.Errorf("%w: interface description %d has %d bytes", errDamaged, len(n.ifaces), len(body))
	}
	i := ngIface{linkType: n.order.Uint16(body), snaplen: n.order.Uint32(body[4:]), perSec: 1e6}
	for code, value := range n.options(body[8:]) {
		switch {
		case code == ngOptTSResol && len(value) >= 1:
			i.perSec = resolution(value[0])
		case code == ngOptTSOffset && len(value) >= 8:
			i.offset = int64(n.order.Uint64(value))
		}
	}
	if i.perSec == 0 {
		return fmt.Errorf("%w: interface %d has an impossible time resolution", errDamaged, len(n.ifaces))
	}
	n.ifaces = append(n.ifaces, i)
	return nil
}

// statistics adds what the program that captured says to have lost. Its counts
// are since the start of the capture, and may come more than once.
func (n *ngReader) statistics(body []byte) {
	if len(body) < 12 || uint64(n.order.Uint32(body)) >= uint64(len(n.ifaces)) {
		return
	}
	i := &n.ifaces[n.order.Uint32(body)]
	var lost uint64
	for code, value := range n.options(body[12:]) {
		if (code == ngOptIfDrop || code == ngOptOSDrop) && len(value) >= 8 {
			lost += n.order.Uint64(value)
		}
	}
	if lost > i.lost {
		n.file.lost += lost - i.lost
		i.lost = lost
	}
}

// resolution reads if_tsresol: a negative power of ten, or of two if the highest
// bit is set. It returns units a second, 0 where 64 bits are not enough.
func resolution(v byte) uint64 {
	if v&0x80 != 0 {
		if v &= 0x7f; v > 63 {
			return 0
		}
		return 1 << v
	}
	if v > 19 {
		return 0
	}
	n := uint64(1)
	for range v {
		n *= 10
	}
	return n
}

// options yields code and value of each option until their end or the first
// that does not fit.
func (n *ngReader) options(b []byte) func(yield func(uint16, []byte) bool) {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, size := n.order.Uint16(b), int(n.order.Uint16(b[2:]))
			padded := 4 + (size+3)&^3
			if code == 0 || 4+size > len(b) || !yield(code, b[4:4+size]) || padded > len(b) {
				return
			}
			b = b[padded:]
		}
	}
}

// packet reads one of the three kinds of packet block; false if it is malformed.
func (n *ngReader) packet(kind uint32, body []byte, f *Frame) bool {
	var id, caplen, wirelen uint32
	var stamp uint64
	headerLen := 20
	switch {
	case kind == ngSimplePacket && len(body) >= 4: // no time, no length of what was kept
		headerLen = 4
		wirelen = n.order.Uint32(body)
		caplen = wirelen
	case kind != ngSimplePacket && len(body) >= headerLen:
		if id = n.order.Uint32(body); kind == ngPacket {
			id = uint32(n.order.Uint16(body)) // the other half counts drops
		}
		stamp = uint64(n.order.Uint32(body[4:]))<<32 | uint64(n.order.Uint32(body[8:]))
		caplen, wirelen = n.order.Uint32(body[12:]), n.order.Uint32(body[16:])
	default:
		return false
	}
	if uint64(id) >= uint64(len(n.ifaces)) {
		return false
	}
	i := &n.ifaces[id]
	data := body[headerLen:]
	if kind == ngSimplePacket {
		if i.snaplen != 0 {
			caplen = min(caplen, i.snaplen)
		}
		caplen = min(caplen, uint32(len(data)))
	}
	if uint64(caplen) > uint64(len(data)) {
		return false
	}
	*f = Frame{
		Data:    data[:caplen:caplen],
		WireLen: max(wirelen, caplen), Segments: 1,
		LinkType: i.linkType,
	}
	if kind != ngSimplePacket {
		f.Time = i.nanoseconds(stamp)
	}
	if padded := (int(caplen) + 3) &^ 3; kind == ngEnhancedPacket && padded < len(data) {
		f.PacketType = n.direction(data[padded:])
	}
	return true
}

// direction reads epb_flags: bits 0-1 direction, bits 2-4 kind of reception.
func (n *ngReader) direction(options []byte) uint8 {
	for code, value := range n.options(options) {
		if code != ngOptFlags || len(value) < 4 {
			continue
		}
		flags := n.order.Uint32(value)
		if flags&3 == 2 {
			return PacketOutgoing
		}
		switch flags >> 2 & 7 {
		case 2:
			return PacketMulticast
		case 3:
			return PacketBroadcast
		case 4:
			return PacketOtherHost
		}
	}
	return PacketHost
}

// nanoseconds turns a time stamp of the interface into nanoseconds since the
// epoch; one that int64 cannot hold (after 2262) becomes its limit.
func (i *ngIface) nanoseconds(stamp uint64) int64 {
	seconds, rest := stamp/i.perSec, stamp%i.perSec
	hi, lo := bits.Mul64(rest, 1e9)
	fraction, _ := bits.Div64(hi, lo, i.perSec) // rest < perSec, so that it fits
	const limit = math.MaxInt64/1e9 - 1
	switch total := float64(seconds) + float64(i.offset); {
	case total > limit:
		return math.MaxInt64
	case total < -limit:
		return math.MinInt64
	}
	return (int64(seconds)+i.offset)*1e9 + int64(fraction)
}
