package sqlite

import (
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

// fillTier sets e.cols to n random keys, each the sum of ticks of its own.
func fillTier(r random, e *encoder, dicts *dicts, n int) {
	points := make([]store.Point, n)
	for i := range points {
		points[i] = r.point()
	}
	e.sort(points)
	e.fill(points, dicts.places.id, dicts.asns.id)
	c := &e.cols
	c.first, c.last = grow(c.first, n), grow(c.last, n)
	c.sampleStart, c.sampleTick = append(c.sampleStart[:0], 0), c.sampleTick[:0]
	for k := range c.amount {
		clear(c.amount[k])
		c.sampleAmount[k] = c.sampleAmount[k][:0]
	}
	for i := range n {
		opened, plain, dense := r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(2) == 0
		var ticks []uint16
		for tick := range 60 {
			if len(ticks) == 0 && tick == 59 || r.IntN(4) == 0 || dense && len(ticks) > 0 && tick < 40 {
				ticks = append(ticks, uint16(tick))
			}
		}
		c.first[i], c.last[i] = uint32(ticks[0]), uint32(ticks[len(ticks)-1])
		for _, tick := range ticks {
			p, o := r.amount()+1, uint64(0)
			if plain {
				p = 1
			}
			if opened {
				o = r.Uint64N(p) + 1
			}
			c.sampleTick = append(c.sampleTick, tick)
			for k, v := range []uint64{p, r.amount(), o} {
				c.sampleAmount[k] = append(c.sampleAmount[k], v)
				c.amount[k][i] += v
			}
		}
		c.sampleStart = append(c.sampleStart, uint32(len(c.sampleTick)))
	}
}

// columnsDiff compares what both hold; port is packed in an encoder.
func columnsDiff(want, got *columns) string {
	return gocmp.Diff(*want, *got, gocmp.AllowUnexported(columns{}, kind{}), sameAddresses, cmpopts.EquateEmpty(),
		cmpopts.IgnoreFields(columns{}, "port"))
}

func newCoders(t testing.TB) (*encoder, *decoder) {
	t.Helper()
	e, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

// TestTierRoundTrip encodes chunks of keys and reads all columns back.
func TestTierRoundTrip(t *testing.T) {
	e, d := newCoders(t)
	dicts := newDicts()
	dicts.index()
	r := newRandom(60)
	for _, n := range []int{1, 2, 700, 30} {
		fillTier(r, e, &dicts, n)
		var b tierBlobs
		e.encodeTier(&b, sourceKeys, true)
		if err := d.decodeTier(&b, sourceKeys, needAll|needTimes|needSamples); err != nil {
			t.Fatal(err)
		}
		if diff := columnsDiff(&e.cols, &d.cols); diff != "" {
			t.Errorf("%d keys (-want +got):\n%s", n, diff)
		}
	}
}

// TestTierView reads a view behind full keys: nothing of those is left.
func TestTierView(t *testing.T) {
	e, d := newCoders(t)
	dicts := newDicts()
	dicts.index()
	r := newRandom(61)
	fillTier(r, e, &dicts, 50)
	var b tierBlobs
	e.encodeTier(&b, sourceKeys, true)
	if err := d.decodeTier(&b, sourceKeys, needAll|needTimes); err != nil {
		t.Fatal(err)
	}
	e.encodeTier(&b, sourcePort, true)
	if err := d.decodeTier(&b, sourcePort, needAll|needTimes|needSamples); err != nil {
		t.Fatal(err)
	}
	want := columns{groups: e.cols.groups, points: e.cols.points, kinds: e.cols.kinds, place: e.cols.place, count: e.cols.count,
		kind: e.cols.kind, amount: e.cols.amount, first: e.cols.first, last: e.cols.last}
	if diff := columnsDiff(&want, &d.cols); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for part := range b {
		if (b[part] != nil) != slices.Contains([]int{1, 2, 3, 4, 9, 10}, part) {
			t.Errorf("part %d: %d bytes", part, len(b[part]))
		}
	}
}

// TestTierDamage cuts and swaps parts.
func TestTierDamage(t *testing.T) {
	e, d := newCoders(t)
	dicts := newDicts()
	dicts.index()
	r := newRandom(62)
	var whole, other tierBlobs
	fillTier(r, e, &dicts, 40)
	e.encodeTier(&other, sourceKeys, true)
	fillTier(r, e, &dicts, 50)
	e.encodeTier(&whole, sourceKeys, true)
	for part := 1; part <= partKeysSamples; part++ {
		for name, blob := range map[string][]byte{"missing": nil, "cut": whole[part][:len(whole[part])-1], "another's": other[part]} {
			b := whole
			b[part] = blob
			if err := d.decodeTier(&b, sourceKeys, needAll|needTimes|needSamples); err != errDamaged {
				t.Errorf("part %d %s: %v", part, name, err)
			}
		}
	}
	b := whole
	b[partKeysEnds], b[partKeysTimes], b[partKeysSamples] = nil, nil, nil
	if err := d.decodeTier(&b, sourceKeys, 0); err != nil {
		t.Errorf("sums alone: %v", err)
	}
}

// TestRuns is a table of coverage that is written and read back, or refused.
func TestRuns(t *testing.T) {
	const minute = time.Minute
	tests := []struct {
		name  string
		runs  []run
		level int64
		ok    bool
	}{
		{"one", []run{{store.StateData, 10 * minute, 0, 0}}, level10m, true},
		{"several", []run{{store.StateOff, 9*minute + 1, 0, 0}, {store.StateIdle, minute - 2, 7, 1 << 40}, {store.StateData, 1, 0, 3}}, level10m, true},
		{"a day off", []run{{store.StateOff, 24 * time.Hour, 0, 0}}, level1d, true},
		{"nothing", nil, level10m, false},
		{"too short", []run{{store.StateData, 9 * minute, 0, 0}}, level10m, false},
		{"too long", []run{{store.StateData, 9 * minute, 0, 0}, {store.StateOff, minute + 1, 0, 0}}, level10m, false},
		{"another state", []run{{store.StateData + 1, 10 * minute, 0, 0}}, level10m, false},
		{"an empty run", []run{{store.StateData, 10 * minute, 0, 0}, {}}, level10m, false},
	}
	for _, test := range tests {
		sealed := encodeRuns(test.runs)
		got, err := decodeRuns(sealed, test.level)
		if (err == nil) != test.ok || test.ok && !slices.Equal(got, test.runs) {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
		if _, err := decodeRuns(sealed[:len(sealed)-1], test.level); err == nil {
			t.Errorf("%s: cut, and read", test.name)
		}
	}
}

// FuzzTier gives the decoder contents with a right seal: no panic, no allocation
// beyond what the input can hold, and what it accepts adds up.
func FuzzTier(f *testing.F) {
	e, d := newCoders(f)
	dicts := newDicts()
	dicts.index()
	r := newRandom(63)
	for _, n := range []int{1, 5, 60} {
		fillTier(r, e, &dicts, n)
		var raw [4][]byte
		for i, part := range []func() []byte{e.sumsPart, e.endsPart, e.timesPart, e.samplesPart} {
			part()
			raw[i] = slices.Clone(e.raw)
		}
		f.Add(raw[0], raw[1], raw[2], raw[3])
	}
	f.Fuzz(func(t *testing.T, sums, ends, times, samples []byte) {
		c := &d.cols
		d.raw = sums
		if d.sums() != nil {
			return
		}
		d.raw = ends
		if d.ends(needAll) != nil {
			return
		}
		d.raw = times
		if d.times() != nil {
			return
		}
		d.raw = samples
		if d.samples() != nil {
			return
		}
		for i := range c.points {
			var sum store.Sum
			tick := int(c.first[i]) - 1
			for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
				sum.Add(store.Sum{Packets: c.sampleAmount[packets][s], Bytes: c.sampleAmount[octets][s], Opens: c.sampleAmount[opens][s]})
				if int(c.sampleTick[s]) <= tick {
					t.Fatalf("point %d: tick %d after %d", i, c.sampleTick[s], tick)
				}
				tick = int(c.sampleTick[s])
			}
			if sum != c.sum(i) || tick != int(c.last[i]) {
				t.Fatalf("point %d: samples add up to %v and end at %d, want %v, %d", i, sum, tick, c.sum(i), c.last[i])
			}
		}
		for _, want := range []tickSpan{{0, 60}, {0, 30}, {30, 60}, {7, 8}, {20, 41}, {59, 60}, {3, 3}} {
			checkClip(t, d, sums, samples, want)
		}
	})
}

// checkClip compares what clipSamples leaves in the amounts with the samples, which have
// been read.
func checkClip(t *testing.T, d *decoder, sums, samples []byte, span tickSpan) {
	t.Helper()
	c := &d.cols
	want := make([]store.Sum, c.points)
	for i := range c.points {
		for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
			if tick := int64(c.sampleTick[s]); tick >= span.from && tick < span.to {
				want[i].Add(store.Sum{Packets: c.sampleAmount[packets][s], Bytes: c.sampleAmount[octets][s], Opens: c.sampleAmount[opens][s]})
			}
		}
	}
	d.raw = samples
	if err := d.clipSamples(span); err != nil {
		t.Fatalf("clip %v: %v, samples are readable", span, err)
	}
	for i := range c.points {
		if got := c.sum(i); got != want[i] {
			t.Fatalf("clip %v: point %d has %v, its samples %v", span, i, got, want[i])
		}
	}
	d.raw = sums
	if err := d.sums(); err != nil {
		t.Fatal(err)
	}
}
