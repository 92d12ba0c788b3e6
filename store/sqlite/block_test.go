package sqlite

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// decoded returns the points of a block, as the visitor of Points makes them.
func decoded(t testing.TB, d *decoder, dicts *dicts, sums, ends []byte) ([]store.Point, error) {
	t.Helper()
	if err := d.decode(sums, ends, needAll); err != nil {
		return nil, err
	}
	dicts.places.publish()
	dicts.asns.publish()
	v := &view{columns: d.cols, sensors: []string{""}, places: dicts.places.snapshot(), asns: dicts.asns.snapshot(),
		match: matcher{filter: newFilter(nil)}}
	v.match.open(v)
	w := &pointWriter{}
	err := w.add(v, false)
	return w.points, err
}

// TestBlocksRoundTrip encodes blocks of many shapes one after the other with one
// encoder, whose buffers must not leak from one to the next.
func TestBlocksRoundTrip(t *testing.T) {
	t.Parallel()
	e, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	dicts := newDicts()
	dicts.index()
	r := newRandom(20)
	shapes := []struct {
		name  string
		n     int
		shape func(*store.Point)
	}{
		{"one", 1, func(*store.Point) {}},
		{"anything", 900, func(*store.Point) {}},
		{"one address", 300, func(p *store.Point) { p.Addr = netip.MustParsePrefix("9.9.9.9/32") }},
		{"only IPv4 addresses", 300, func(p *store.Point) {
			p.Addr = netip.PrefixFrom(netip.AddrFrom4([4]byte{9, 9, 9, byte(p.Bytes)}), 32)
		}},
		{"only IPv4 networks", 300, func(p *store.Point) {
			p.Addr = netip.PrefixFrom(netip.AddrFrom4([4]byte{9, 9, 9, byte(p.Bytes)}), int(p.Bytes%33))
		}},
		{"no peers, no ports", 300, func(p *store.Point) { p.Peer, p.Port, p.HasPort = netip.Prefix{}, 0, false }},
		{"only ports", 9000, func(p *store.Point) { p.HasPort, p.Port = true, uint16(r.Uint64()) }},
		{"every kind", 3000, func(p *store.Point) { p.Proto, p.Flags = uint8(r.Uint64()), store.Flags(r.Uint64()) }},
	}
	for _, shape := range shapes {
		points := make([]store.Point, shape.n)
		for i := range points {
			points[i] = r.point()
			shape.shape(&points[i])
		}
		sums, ends, err := e.encode(points, dicts.places.id, dicts.asns.id)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decoded(t, d, &dicts, sums, ends)
		if err != nil {
			t.Fatalf("%s: %v", shape.name, err)
		}
		if !promised(anyTime(got)) {
			t.Errorf("%s: out of order", shape.name)
		}
		same(t, shape.name, inOrder(anyTime(points)), inOrder(anyTime(got)))
	}
}

// anyTime makes times and sensors equal, which blocks do not hold.
func anyTime(points []store.Point) []store.Point {
	points = slices.Clone(points)
	for i := range points {
		points[i].Time, points[i].Interval, points[i].Sensor = benchStart, defaultTick, ""
	}
	return points
}

// TestSealSeesEveryBit flips each bit of a sealed blob.
func TestSealSeesEveryBit(t *testing.T) {
	b := endSeal(append(beginSeal(nil, partSums), "the content"...))
	if got, err := unseal(b, partSums); err != nil || string(got) != "the content" {
		t.Fatalf("%q, %v", got, err)
	}
	for i := range len(b) * 8 {
		b[i/8] ^= 1 << (i % 8)
		if _, err := unseal(b, partSums); err == nil {
			t.Errorf("bit %d may be flipped", i)
		}
		b[i/8] ^= 1 << (i % 8)
	}
	for n := range b {
		if _, err := unseal(b[:n], partSums); err == nil {
			t.Errorf("%d bytes are enough", n)
		}
	}
	if _, err := unseal(b, partEnds); err == nil {
		t.Error("one part passes for the other")
	}
}

// TestRepeats is a table of what appendRepeats makes of columns.
func TestRepeats(t *testing.T) {
	tests := []struct {
		indices []uint32
		want    []byte
	}{
		{nil, nil},
		{[]uint32{0}, []byte{1}},
		{[]uint32{0, 0, 0, 1, 1, 0}, []byte{1, 0, 0, 2, 0, 1}},
		{[]uint32{200, 200}, []byte{201, 1, 0}},
	}
	for _, test := range tests {
		got := appendRepeats(nil, test.indices)
		if !bytes.Equal(got, test.want) {
			t.Errorf("%v becomes %v, want %v", test.indices, got, test.want)
		}
		back := make([]uint32, len(test.indices))
		if !readRepeats(back, got, 201) || !slices.Equal(back, test.indices) {
			t.Errorf("%v is read as %v", got, back)
		}
	}
	if readRepeats(make([]uint32, 1), []byte{0}, 5) {
		t.Error("a repetition of nothing is read")
	}
	if readRepeats(make([]uint32, 1), []byte{6}, 5) {
		t.Error("an index that is too high is read")
	}
}

// TestPlanes is a table of columns whose values have more or fewer bytes.
func TestPlanes(t *testing.T) {
	for _, values := range [][]uint64{nil, {0}, {255, 0}, {256}, {65535, 1}, {65536}, {1, 1 << 63, 3, 1<<64 - 1, 65537}, {1 << 17, 1 << 18}} {
		b := appendPlanes(nil, values)
		r := reader{b: append(b, 77)}
		got := readPlanes(&r, make([]uint64, 3))
		if r.bad || !slices.Equal(got, values) || !slices.Equal(r.b, []byte{77}) {
			t.Errorf("%v is read as %v, %t, before %v", values, got, r.bad, r.b)
		}
		for n := range b {
			if r := (reader{b: b[:n]}); len(readPlanes(&r, nil)) > n || !r.bad {
				t.Errorf("%v: %d bytes are enough", values, n)
			}
		}
	}
}

// FuzzDecode gives the decoder contents with a right seal: no panic, no allocation
// beyond what the input can hold, and what it accepts adds up.
func FuzzDecode(f *testing.F) {
	e, err := newEncoder()
	if err != nil {
		f.Fatal(err)
	}
	dicts := newDicts()
	dicts.index()
	r := newRandom(30)
	for _, n := range []int{1, 5, 60} {
		points := make([]store.Point, n)
		for i := range points {
			points[i] = r.point()
		}
		e.sort(points)
		e.fill(points, dicts.places.id, dicts.asns.id)
		e.sumsPart()
		sums := slices.Clone(e.raw)
		e.endsPart()
		f.Add(sums, slices.Clone(e.raw))
	}
	huge := binary.AppendUvarint(nil, 1<<24)
	f.Add(append(slices.Clone(huge), huge...), huge)
	d, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sums, ends []byte) {
		d.raw = sums
		if d.sums() != nil {
			return
		}
		c := &d.cols
		if len(c.place) != c.groups || len(c.kind) != c.points || len(c.amount[opens]) != c.points {
			t.Fatalf("%d groups, %d points: %d places, %d kinds", c.groups, c.points, len(c.place), len(c.kind))
		}
		d.raw = ends
		if d.ends(needAll) != nil {
			return
		}
		v := &view{columns: *c}
		for i := range c.points {
			v.portOf(i)
			_ = c.peers[c.peer[i]]
		}
		if len(c.addr) != c.groups || len(c.asn) != c.groups {
			t.Fatalf("%d groups: %d addresses, %d ASs", c.groups, len(c.addr), len(c.asn))
		}
	})
}
