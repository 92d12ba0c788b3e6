package sqlite

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// tierHas is what a tier says of one key: text is the key, with its tick in samples.
type tierHas map[string]tierSum

func (h tierHas) add(key string, sum tierSum) {
	if old, ok := h[key]; ok {
		sum.merge(&old)
	}
	h[key] = sum
}

// contentOf decodes all that a tier has: keys, samples and views by their source.
func contentOf(t *testing.T, s *Store, row *tierRow) (keys, samples tierHas, views map[source]tierHas) {
	t.Helper()
	ctx := context.Background()
	_, d := newCoders(t)
	keys, samples, views = make(tierHas), make(tierHas), make(map[source]tierHas)
	if err := s.dicts.load(ctx, s.readers); err != nil {
		t.Fatal(err)
	}
	places, asns := s.dicts.places.snapshot(), s.dicts.asns.snapshot()
	var before rowKey
	for chunk := range row.chunks {
		n := needAll | needTimes
		if row.level == level10m {
			n |= needSamples
		}
		b, err := loadParts(ctx, s.readers, row.id, chunk, 1, 2, 3, 4)
		if err != nil {
			t.Fatal(err)
		}
		stream := chunkStream{dec: d, chunks: 1, load: func(context.Context, int64) error { return d.decodeTier(&b, sourceKeys, n) }}
		for i := 0; ; i++ {
			if ok, err := stream.next(ctx); err != nil {
				t.Fatal(err)
			} else if !ok {
				break
			}
			k, sum := stream.row()
			if k.compare(&before) <= 0 {
				t.Errorf("row %d of chunk %d is out of order", i, chunk)
			}
			before = *k
			key := keyText(k.addr().String(), k.peer().String(), k.kind(), k.port(), places[k.place()], asns[k.asn()])
			keys.add(fmt.Sprintf("%s opened %t", key, sum.Opens > 0), *sum)
			if n&needSamples == 0 {
				continue
			}
			for at := d.cols.sampleStart[i]; at < d.cols.sampleStart[i+1]; at++ {
				tick := uint32(d.cols.sampleTick[at])
				samples.add(fmt.Sprintf("%s tick %d", key, tick), tierSum{store.Sum{Packets: d.cols.sampleAmount[packets][at],
					Bytes: d.cols.sampleAmount[octets][at], Opens: d.cols.sampleAmount[opens][at]}, tick, tick})
			}
		}
	}
	for _, from := range viewSources {
		views[from] = make(tierHas)
		b, err := loadParts(ctx, s.readers, row.id, 0, from.sums(), from.times())
		if err != nil {
			t.Fatal(err)
		}
		if row.points == 0 && b[from.sums()] == nil {
			continue
		}
		if err := d.decodeTier(&b, from, needTimes); err != nil {
			t.Fatalf("view %d: %v", from, err)
		}
		c := &d.cols
		i := 0
		for g, n := range c.count {
			for range n {
				k := c.kinds[c.kind[i]]
				views[from].add(viewText(from, c.place[g], k, places, asns), tierSum{c.sum(i), c.first[i], c.last[i]})
				i++
			}
		}
	}
	return keys, samples, views
}

func keyText(addr, peer string, k kind, port uint16, place store.Place, as asOrg) string {
	return fmt.Sprintf("%s %s %v %d %v %v", addr, peer, k, port, place, as)
}

func viewText(from source, id uint32, k kind, places []store.Place, asns []asOrg) string {
	what := fmt.Sprint(id)
	switch from {
	case sourcePlace:
		what = fmt.Sprint(places[id])
	case sourceASN:
		what = fmt.Sprint(asns[id])
	}
	return fmt.Sprintf("%s %d %s", what, k.proto, k.direction)
}

// contentFrom is what contentOf should return, by brute force.
func contentFrom(h history, iv interval, sensor string, tick time.Duration) (keys, samples tierHas, views map[source]tierHas) {
	keys, samples, views = make(tierHas), make(tierHas), make(map[source]tierHas)
	for _, from := range viewSources {
		views[from] = make(tierHas)
	}
	of := make(map[string]string)
	for _, p := range h {
		at := p.Time.Unix()
		if p.Sensor != sensor || at < iv.start || at >= iv.end() {
			continue
		}
		n := uint32((at - iv.start) / int64(tick/time.Second))
		sum := tierSum{p.Sum(), n, n}
		key := keyText(p.Addr.String(), p.Peer.String(), kind{p.Proto, p.Direction, p.HasPort, p.Flags}, p.Port, p.Place, asOrg{p.ASN, p.ASOrg})
		of[fmt.Sprintf("%s tick %d", key, n)] = key
		samples.add(fmt.Sprintf("%s tick %d", key, n), sum)
		port := uint32(0)
		if p.HasPort {
			port = uint32(p.Port) + 1
		}
		for from, what := range map[source]string{sourcePlace: fmt.Sprint(p.Place), sourceASN: fmt.Sprint(asOrg{p.ASN, p.ASOrg}),
			sourcePort: fmt.Sprint(port), sourceKind: "0"} {
			views[from].add(fmt.Sprintf("%s %d %s", what, p.Proto, p.Direction), sum)
		}
	}
	for at, sum := range samples {
		keys.add(fmt.Sprintf("%s opened %t", of[at], sum.Opens > 0), sum)
	}
	if iv.level != level10m {
		samples = make(tierHas)
	}
	return keys, samples, views
}

// checkTiers compares every tier of s with brute force over h and batches, and makes
// sure that all intervals have one.
func checkTiers(t *testing.T, s *Store, h history, batches []*store.Batch) {
	t.Helper()
	ctx := context.Background()
	tiers := 0
	for id, sensor := range s.dicts.sensors.snapshot() {
		for _, level := range levels {
			want := make(map[int64]bool)
			for _, b := range batches {
				if b.Sensor == sensor {
					want[floorTo(b.Tick.Unix(), level)] = true
				}
			}
			rows, err := readTiers(ctx, s.readers, level, uint32(id), -1<<62, 1<<62)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				row := &rows[i]
				tiers++
				delete(want, row.start)
				checkTier(t, s, row, sensor, h, batches)
			}
			if len(want) > 0 {
				t.Errorf("%d intervals of %ds of %q without tier", len(want), level, sensor)
			}
		}
	}
	if tiers == 0 {
		t.Error("no tiers")
	}
	for query, want := range map[string]int64{
		"SELECT count(*) FROM open": 0, "SELECT count(*) FROM late": 0, "SELECT count(*) FROM blocks": 0,
		"SELECT count(*) FROM parts WHERE id / 65536 NOT IN (SELECT id FROM tiers)": 0,
	} {
		if n, err := number(ctx, s.readers, query); err != nil || n != want {
			t.Errorf("%s: %d, %v", query, n, err)
		}
	}
}

func checkTier(t *testing.T, s *Store, row *tierRow, sensor string, h history, batches []*store.Batch) {
	t.Helper()
	iv := row.interval()
	name := fmt.Sprintf("tier of %ds at %d of %q", iv.level, iv.start, sensor)
	keys, samples, views := contentOf(t, s, row)
	wantKeys, wantSamples, wantViews := contentFrom(h, iv, sensor, s.Tick())
	for what, d := range map[string]string{"keys": mapDiff(wantKeys, keys), "samples": mapDiff(wantSamples, samples),
		"places": mapDiff(wantViews[sourcePlace], views[sourcePlace]), "ASs": mapDiff(wantViews[sourceASN], views[sourceASN]),
		"ports": mapDiff(wantViews[sourcePort], views[sourcePort]), "kinds": mapDiff(wantViews[sourceKind], views[sourceKind])} {
		if d != "" {
			t.Errorf("%s: %s (-want +got):\n%s", name, what, d)
		}
	}
	var want, got totals
	var rows []batchRow
	n, points := int64(0), int64(0)
	for _, b := range batches {
		if at := b.Tick.Unix(); b.Sensor != sensor || at < iv.start || at >= iv.end() {
			continue
		}
		books := totalsOf(b)
		want.add(&books)
		on, off := b.Captured()
		rows = append(rows, batchRow{tick: b.Tick.Unix(), seq: b.Seq, on: int64(on), off: int64(off), points: int64(len(b.Points)), books: books.encode()})
		n++
		points += int64(len(b.Points))
	}
	if err := got.decode(row.books); err != nil || got != want {
		t.Errorf("%s: books are %+v, want %+v (%v)", name, got, want, err)
	}
	if row.batches != n || row.points != points || row.keys != int64(len(keys)) {
		t.Errorf("%s: %d batches, %d points, %d keys, want %d, %d, %d", name, row.batches, row.points, row.keys, n, points, len(keys))
	}
	checkRuns(t, s, row, name, rows)
}

// checkRuns compares coverage with that of the batches: exactly, in ten minutes, else
// in what never changes: time off, drops and what was folded.
func checkRuns(t *testing.T, s *Store, row *tierRow, name string, rows []batchRow) {
	t.Helper()
	slices.SortFunc(rows, func(a, b batchRow) int {
		if a.tick != b.tick {
			return int(a.tick - b.tick)
		}
		return int(a.seq) - int(b.seq)
	})
	want := runsOf(row.interval(), s.Tick(), rows)
	got, err := decodeRuns(row.spans, row.level)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	sum := func(runs []run) (off, on time.Duration, drops, folded uint64) {
		for _, r := range runs {
			if r.state == store.StateOff {
				off += r.length
			} else {
				on += r.length
			}
			drops, folded = drops+r.drops, folded+r.folded
		}
		return off, on, drops, folded
	}
	a, b, c, d := sum(want)
	e, f, g, h := sum(got)
	if row.level == level10m && !slices.Equal(want, got) || a != e || b != f || c != g || d != h {
		t.Errorf("%s: runs are %v, want %v", name, got, want)
	}
}

func mapDiff(want, got tierHas) string {
	for k, v := range want {
		if w, ok := got[k]; !ok || w != v {
			return diff(want, got)
		}
	}
	if len(want) != len(got) {
		return diff(map[string]tierSum(want), map[string]tierSum(got))
	}
	return ""
}
