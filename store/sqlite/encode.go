package sqlite

import (
	"cmp"
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
	keys    []sortKey
	v4      []uint64
	cols    columns
	raw     []byte
	piece   []byte
	nums    []uint64
	columns [6][]uint64 // of samplesPart
	kinds   map[kind]uint32
	peers   map[netip.Prefix]uint32
	ports   map[uint16]uint32
}

// sortKey is a point's address in a form that compares fast, and its index.
type sortKey struct {
	family uint8
	bits   uint8
	point  uint32
	hi, lo uint64
}

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault), // the next one makes tiers smaller by 0.6 %
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // the seal has one
		zstd.WithWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	return &encoder{
		zstd:  z,
		kinds: make(map[kind]uint32),
		peers: make(map[netip.Prefix]uint32),
		ports: make(map[uint16]uint32),
	}, nil
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
		*e = encoder{zstd: e.zstd, kinds: make(map[kind]uint32), peers: make(map[netip.Prefix]uint32), ports: make(map[uint16]uint32)}
	}
	return sums, ends, nil
}

// keepPoints is the size of a batch from which on the room that it needed is given
// back: it was a flood, and the next tick may be quiet.
const keepPoints = 1 << 17

// sort sets e.order to the points' indices by address and, within one, so that equal
// places, ports and peers are neighbours. The caller's points stay as they are.
func (e *encoder) sort(points []store.Point) {
	e.v4, e.keys, e.order = e.v4[:0], e.keys[:0], e.order[:0]
	networks := false
	for i := range points {
		if p := points[i].Addr; p.Addr().Is4() {
			a := p.Addr().As4()
			e.v4 = append(e.v4, uint64(binary.BigEndian.Uint32(a[:]))<<32|uint64(i))
			networks = networks || p.Bits() != 32
		}
	}
	if networks { // few ticks have any
		e.v4 = e.v4[:0]
	}
	slices.Sort(e.v4) // several times as fast as a comparing function
	for _, v := range e.v4 {
		e.order = append(e.order, uint32(v))
	}
	singles := len(e.order)
	for start := 0; start < singles; {
		end := start + 1
		for end < singles && e.v4[end]>>32 == e.v4[start]>>32 {
			end++
		}
		slices.SortFunc(e.order[start:end], func(a, b uint32) int { return compareRest(&points[a], &points[b]) })
		start = end
	}
	if singles < len(points) {
		e.sortOthers(points, networks)
	}
}

// sortOthers appends the points that sort has not: those with IPv6 addresses, and
// where there are IPv4 networks, all.
func (e *encoder) sortOthers(points []store.Point, all bool) {
	for i := range points {
		p := points[i].Addr
		if p.Addr().Is4() && !all {
			continue
		}
		k := sortKey{family: uint8(family(p)), bits: uint8(p.Bits()), point: uint32(i)}
		a := p.Addr().As16()
		k.hi, k.lo = binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
		e.keys = append(e.keys, k)
	}
	slices.SortFunc(e.keys, func(a, b sortKey) int {
		switch {
		case a.family != b.family:
			return int(a.family) - int(b.family)
		case a.hi != b.hi:
			return cmp.Compare(a.hi, b.hi)
		case a.lo != b.lo:
			return cmp.Compare(a.lo, b.lo)
		case a.bits != b.bits:
			return int(a.bits) - int(b.bits)
		}
		return compareRest(&points[a.point], &points[b.point])
	})
	for _, k := range e.keys {
		e.order = append(e.order, k.point)
	}
}

// compareRest orders points of one address.
func compareRest(a, b *store.Point) int {
	switch {
	case a.Place != b.Place:
		return comparePlaces(a.Place, b.Place)
	case a.ASN != b.ASN:
		return cmp.Compare(a.ASN, b.ASN)
	case a.ASOrg != b.ASOrg:
		return cmp.Compare(a.ASOrg, b.ASOrg)
	case a.Proto != b.Proto:
		return cmp.Compare(a.Proto, b.Proto)
	case a.Port != b.Port:
		return cmp.Compare(a.Port, b.Port)
	case a.HasPort != b.HasPort: // port 0 is a port
		if b.HasPort {
			return -1
		}
		return 1
	case a.Peer != b.Peer:
		return compareEndpoints(a.Peer, b.Peer)
	}
	return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Flags, b.Flags))
}

// comparePlaces orders places; the zero Place is not always first (latitudes may
// be negative), which nothing needs.
func comparePlaces(a, b store.Place) int {
	return cmp.Or(
		cmp.Compare(a.Latitude, b.Latitude), cmp.Compare(a.Longitude, b.Longitude),
		cmp.Compare(a.Country, b.Country), cmp.Compare(a.Region, b.Region), cmp.Compare(a.City, b.City),
		cmp.Compare(a.Precision, b.Precision), cmp.Compare(a.AccuracyKM, b.AccuracyKM))
}

// fill sets e.cols to the sorted points.
func (e *encoder) fill(points []store.Point, placeID func(store.Place) uint32, asnID func(asOrg) uint32) {
	e.begin()
	c := &e.cols
	e.fillPeers(points)
	var last *store.Point
	for _, k := range e.order {
		p := &points[k]
		if last == nil || p.Addr != last.Addr || p.Place != last.Place || p.ASN != last.ASN || p.ASOrg != last.ASOrg {
			c.addr = append(c.addr, p.Addr)
			c.place = append(c.place, placeID(p.Place))
			c.asn = append(c.asn, asnID(asOrg{p.ASN, p.ASOrg}))
			c.count = append(c.count, 0)
			last = p
		}
		c.count[len(c.count)-1]++
		e.fillPoint(p)
	}
	c.groups, c.points = len(c.addr), len(points)
}

// begin empties e.cols.
func (e *encoder) begin() {
	c := &e.cols
	clear(e.kinds)
	clear(e.ports)
	c.groups, c.points = 0, 0
	c.kinds, c.place, c.count, c.kind = c.kinds[:0], c.place[:0], c.count[:0], c.kind[:0]
	c.addr, c.asn, c.ports, c.port = c.addr[:0], c.asn[:0], c.ports[:0], c.port[:0]
	c.peers, c.peer, c.first, c.last = c.peers[:0], c.peer[:0], c.first[:0], c.last[:0]
	c.sampleStart, c.sampleTick = append(c.sampleStart[:0], 0), c.sampleTick[:0]
	for i := range c.amount {
		c.amount[i], c.sampleAmount[i] = c.amount[i][:0], c.sampleAmount[i][:0]
	}
}

// fillPeers makes the dictionary of peers and the column of indices into it.
func (e *encoder) fillPeers(points []store.Point) {
	c := &e.cols
	clear(e.peers)
	for i := range points {
		e.addPeer(points[i].Peer)
	}
	e.sortPeers()
	c.peer = grow(c.peer, len(points))
	for i, k := range e.order {
		c.peer[i] = e.peers[points[k].Peer]
	}
}

// indexPeers is fillPeers for a list of the points' peers in order.
func (e *encoder) indexPeers(peers []netip.Prefix) {
	c := &e.cols
	clear(e.peers)
	for _, p := range peers {
		e.addPeer(p)
	}
	e.sortPeers()
	c.peer = c.peer[:0]
	for _, p := range peers {
		c.peer = append(c.peer, e.peers[p])
	}
}

func (e *encoder) addPeer(p netip.Prefix) {
	if _, ok := e.peers[p]; !ok {
		e.peers[p] = 0
		e.cols.peers = append(e.cols.peers, p)
	}
}

// sortPeers numbers the peers in order.
func (e *encoder) sortPeers() {
	slices.SortFunc(e.cols.peers, compareEndpoints)
	for i, p := range e.cols.peers {
		e.peers[p] = uint32(i)
	}
}

// fillPoint appends what is kept a point, except the peer.
func (e *encoder) fillPoint(p *store.Point) {
	e.addPoint(kind{p.Proto, p.Direction, p.HasPort, p.Flags}, p.Port, p.Sum())
}

func (e *encoder) addPoint(k kind, port uint16, sum store.Sum) {
	c := &e.cols
	index, ok := e.kinds[k]
	if !ok {
		index = uint32(len(c.kinds))
		e.kinds[k] = index
		c.kinds = append(c.kinds, k)
	}
	c.kind = append(c.kind, index)
	c.amount[packets] = append(c.amount[packets], sum.Packets)
	c.amount[octets] = append(c.amount[octets], sum.Bytes)
	c.amount[opens] = append(c.amount[opens], sum.Opens)
	if !k.hasPort {
		return
	}
	number, ok := e.ports[port]
	if !ok {
		number = uint32(len(c.ports))
		e.ports[port] = number
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
