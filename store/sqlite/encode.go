package sqlite

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/packetheat/packetheat/store"
)

// encoder turns points into the two parts of a block. It reuses its buffers and is
// used by one goroutine at a time.
type encoder struct {
	zstd    *zstd.Encoder
	order   []uint32 // indices of points, sorted
	sorting sortRoom
	cols    columns
	raw     []byte
	piece   []byte
	nums    []uint64
	columns [6][]uint64 // of samplesPart
	kinds   numbers[kind]
	peers   numbers[netip.Prefix]
	ports   numbers[uint16]
	ranks   []uint32 // of sortPeers
	located located
}

// newEncoder makes an encoder of tiers, which are kept for long. The next level makes
// them smaller by 0.6 %.
func newEncoder() (*encoder, error) { return newEncoderOf(zstd.SpeedDefault) }

// newBlockEncoder makes an encoder of blocks, which are kept until their ten minutes
// are sealed.
func newBlockEncoder() (*encoder, error) { return newEncoderOf(zstd.SpeedFastest) }

func newEncoderOf(level zstd.EncoderLevel) (*encoder, error) {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the seal has one
		zstd.WithWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	return &encoder{zstd: z}, nil
}

// encode returns the sealed parts of points. The functions give the ids of a place
// and of an AS. The results are the caller's.
func (e *encoder) encode(points []store.Point, placeID func(store.Place) uint32, asnID func(asOrg) uint32) (sums, ends []byte, err error) {
	if len(points) > maxPoints {
		return nil, nil, fmt.Errorf("%d points in one batch are too many: at most %d", len(points), maxPoints)
	}
	e.sort(points)
	e.fill(points, placeID, asnID)
	sums, ends = e.sumsPart(), e.endsPart()
	if len(points) > keepPoints {
		*e = encoder{zstd: e.zstd}
	}
	return sums, ends, nil
}

// keepPoints is the size of a batch from which on the room that it needed is given
// back: it was a flood, and the next tick may be quiet.
const keepPoints = 1 << 17

// fill sets e.cols to the sorted points.
func (e *encoder) fill(points []store.Point, placeID func(store.Place) uint32, asnID func(asOrg) uint32) {
	e.begin()
	e.located.begin()
	c := &e.cols
	var last *store.Point
	for _, k := range e.order {
		p := &points[k]
		if last == nil || p.Addr != last.Addr || p.Place != last.Place || p.ASN != last.ASN || p.ASOrg != last.ASOrg {
			place, asn := e.located.ids(p, placeID, asnID)
			c.addr, c.place, c.asn = append(c.addr, p.Addr), append(c.place, place), append(c.asn, asn)
			c.count = append(c.count, 0)
		}
		c.count[len(c.count)-1]++
		if last == nil || p.Peer != last.Peer {
			e.addPeer(p.Peer)
		} else { // the other direction of the same conversation
			c.peer = append(c.peer, c.peer[len(c.peer)-1])
		}
		last = p
		e.addPoint(kind{p.Proto, p.Direction, p.HasPort, p.Flags}, p.Port, p.Sum())
	}
	e.sortPeers()
	c.groups, c.points = len(c.addr), len(points)
}

// begin empties e.cols.
func (e *encoder) begin() {
	c := &e.cols
	e.kinds.reset()
	e.ports.reset()
	e.peers.reset()
	c.groups, c.points = 0, 0
	c.kinds, c.place, c.count, c.kind = c.kinds[:0], c.place[:0], c.count[:0], c.kind[:0]
	c.addr, c.asn, c.ports, c.port = c.addr[:0], c.asn[:0], c.ports[:0], c.port[:0]
	c.peers, c.peer, c.first, c.last = c.peers[:0], c.peer[:0], c.first[:0], c.last[:0]
	c.sampleStart, c.sampleTick = append(c.sampleStart[:0], 0), c.sampleTick[:0]
	for i := range c.amount {
		c.amount[i], c.sampleAmount[i] = c.amount[i][:0], c.sampleAmount[i][:0]
	}
}

// addPeer appends the peer of the next point. sortPeers must follow the last.
func (e *encoder) addPeer(p netip.Prefix) {
	e.cols.peer = append(e.cols.peer, e.peers.of(p, hashOf(p)))
}

// sortPeers makes the dictionary of peers and has the points' indices mean it.
func (e *encoder) sortPeers() {
	c := &e.cols
	c.peers = append(c.peers[:0], e.peers.list...)
	slices.SortFunc(c.peers, compareEndpoints)
	e.ranks = grow(e.ranks, len(c.peers))
	for rank, p := range c.peers {
		e.ranks[e.peers.of(p, hashOf(p))] = uint32(rank)
	}
	for i, n := range c.peer {
		c.peer[i] = e.ranks[n]
	}
}

// addPoint appends what is kept a point, except the peer.
func (e *encoder) addPoint(k kind, port uint16, sum store.Sum) {
	c := &e.cols
	index := e.kinds.of(k, k.hash())
	if int(index) == len(c.kinds) {
		c.kinds = append(c.kinds, k)
	}
	c.kind = append(c.kind, index)
	c.amount[packets] = append(c.amount[packets], sum.Packets)
	c.amount[octets] = append(c.amount[octets], sum.Bytes)
	c.amount[opens] = append(c.amount[opens], sum.Opens)
	if !k.hasPort {
		return
	}
	number := e.ports.of(port, mix(uint64(port)))
	if int(number) == len(c.ports) {
		c.ports = append(c.ports, port)
	}
	c.port = append(c.port, number)
}

// sumsPart lays out groups, points, kinds, then the lengths of the columns, then
// the columns: place, count, kind, packets, octets, opens.
func (e *encoder) sumsPart() []byte {
	c := &e.cols
	b := binary.AppendUvarint(e.raw[:0], uint64(c.groups))
	b = binary.AppendUvarint(b, uint64(c.points))
	b = binary.AppendUvarint(b, uint64(len(c.kinds)))
	for _, k := range c.kinds {
		bits := byte(k.direction)
		if k.hasPort {
			bits |= kindHasPort
		}
		b = append(b, k.proto, bits, byte(k.flags))
	}
	b = e.column(b, appendUvarints(e.piece[:0], c.place))
	b = e.column(b, appendUvarints(e.piece[:0], c.count))
	b = e.column(b, appendUvarints(e.piece[:0], c.kind))
	for _, amount := range c.amount {
		b = e.column(b, appendUvarints(e.piece[:0], amount))
	}
	e.raw = b
	return e.seal(partSums, b)
}

// kindHasPort is set in a kind's second byte beside the direction in its lowest bit.
const kindHasPort = 2

// endsPart lays out groups, points, then the columns: addr, asn, the dictionary of
// peers, peer, the dictionary of ports, port.
func (e *encoder) endsPart() []byte {
	c := &e.cols
	b := binary.AppendUvarint(e.raw[:0], uint64(c.groups))
	b = binary.AppendUvarint(b, uint64(c.points))
	b = e.column(b, appendEndpoints(e.piece[:0], c.addr))
	b = e.column(b, appendUvarints(e.piece[:0], c.asn))
	b = e.column(b, appendEndpoints(e.piece[:0], c.peers))
	b = e.column(b, appendRepeats(e.piece[:0], c.peer))
	b = e.column(b, appendUvarints(e.piece[:0], c.ports))
	b = e.column(b, appendRepeats(e.piece[:0], c.port))
	e.raw = b
	return e.seal(partEnds, b)
}

// column appends the length of piece and piece, and keeps piece's room for the next.
func (e *encoder) column(b, piece []byte) []byte {
	e.piece = piece
	return append(binary.AppendUvarint(b, uint64(len(piece))), piece...)
}

func (e *encoder) seal(part byte, raw []byte) []byte {
	b := beginSeal(make([]byte, 0, sealSize+len(raw)/2+64), part)
	return endSeal(e.zstd.EncodeAll(raw, b))
}
