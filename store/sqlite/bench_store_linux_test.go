package sqlite

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestBenchStore prints the figures of a store of a year, of 2,000 and of 40,000 points
// a tick, and beside them those of plain rows in the same SQLite: `make bench-store`.
// Hours of the first day are made and sealed for real, the rest of the year is copies
// of their tiers. It takes minutes and some GB, so it runs with
// PACKETHEAT_BENCH_STORE=1 only; PACKETHEAT_BENCH_HOURS changes how many hours are made
// of the busier store.
func TestBenchStore(t *testing.T) {
	if os.Getenv("PACKETHEAT_BENCH_STORE") != "1" {
		t.Skip("set PACKETHEAT_BENCH_STORE=1: it takes minutes")
	}
	hours := 1
	if n, err := strconv.Atoi(os.Getenv("PACKETHEAT_BENCH_HOURS")); err == nil {
		hours = n
	}
	quiet := newBenchStore(t, 2000, 24)
	quiet.measure()
	quiet.compareRows()
	quiet.close()
	if hours > 0 {
		busy := newBenchStore(t, 40000, hours)
		busy.measure()
		busy.close()
		for _, name := range []string{"cells 24h", "cells 1y", "cells 24h country:AB", "cells 24h country:AB port:443", "cells 30d country:AB port:443"} {
			t.Logf("40,000 against 2,000 points a tick, %s: %.1fx", name, float64(busy.took[name])/float64(quiet.took[name]))
		}
	}
}

// benchStore is a store of a year that ends with benchDay.
type benchStore struct {
	t       *testing.T
	random  random
	s       *Store
	rate    int
	traffic *traffic
	points  int64 // made for real
	took    map[string]time.Duration
}

// benchDay is the newest day of a benchStore.
var benchDay = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func newBenchStore(t *testing.T, rate, hours int) *benchStore {
	s, err := Open(filepath.Join(t.TempDir(), "data"), Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &benchStore{t: t, random: newRandom(9), s: s, rate: rate, traffic: newTraffic(3), took: make(map[string]time.Duration)}
	for len(b.traffic.talks) < rate/2 {
		b.traffic.talks = append(b.traffic.talks, b.traffic.talk())
	}
	start := time.Now()
	b.exec("PRAGMA synchronous = OFF")
	b.fill(hours)
	b.copyTiers(hours)
	b.exec("PRAGMA synchronous = FULL")
	t.Logf("%d points a tick: %d hours made for real, a year in %s", rate, hours, time.Since(start).Round(time.Second))
	return b
}

func (b *benchStore) close() {
	if err := b.s.Close(); err != nil {
		b.t.Error(err)
	}
	os.RemoveAll(filepath.Dir(b.s.path))
}

func (b *benchStore) exec(query string, args ...any) {
	b.t.Helper()
	if _, err := b.s.w.ExecContext(context.Background(), query, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *benchStore) number(query string, args ...any) int64 {
	b.t.Helper()
	n, err := number(context.Background(), b.s.readers, query, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// cpu returns what the process has used by now.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill appends the newest hours of the year and closes their tiers.
func (b *benchStore) fill(hours int) {
	ctx := context.Background()
	first := benchDay.Add(time.Duration(24-hours) * time.Hour)
	var used, sealing time.Duration
	ticks := hours * 360
	for i := range ticks {
		batch := b.traffic.batch(first.Add(time.Duration(i)*b.s.Tick()), b.s.Tick())
		before := cpu()
		appendAll(b.t, b.s, batch)
		used += cpu() - before
		b.points += int64(len(batch.Points))
		if i%60 == 3 {
			before, start := cpu(), time.Now()
			if err := b.s.Maintain(ctx, false); err != nil {
				b.t.Fatal(err)
			}
			used += cpu() - before
			sealing = max(sealing, time.Since(start))
		}
	}
	before := cpu()
	if err := b.s.Maintain(ctx, true); err != nil {
		b.t.Fatal(err)
	}
	used += cpu() - before
	if _, err := b.s.w.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		b.t.Fatal(err)
	}
	size := b.number("SELECT sum(length(data)) FROM parts")
	samples := b.number("SELECT sum(length(data)) FROM parts JOIN tiers ON tiers.id = parts.id / ?1 WHERE level = 600 AND (parts.id & 15) BETWEEN 1 AND 4", partRoom)
	pages := b.number("PRAGMA page_count") - b.number("PRAGMA freelist_count")
	b.t.Logf("ingest with all tiers: %.2f M points a CPU second; longest Maintain %s", float64(b.points)/1e6/used.Seconds(), sealing.Round(time.Millisecond))
	b.t.Logf("bytes a point: file %.2f (without free pages), tiers %.2f, sealed points of 10m alone %.2f",
		float64(pages*4096)/float64(b.points), float64(size)/float64(b.points), float64(samples)/float64(b.points))
}

// copyTiers makes the rest of the year: the day that was made for real again before
// it, of the 30 days before that the full keys, of the year views, and the finer tiers
// of the days that windows begin in.
func (b *benchStore) copyTiers(hours int) {
	const day = 24 * 60 * 60
	for hour := 24 - hours - 1; hour >= 0; hour-- { // the newest day is whole
		b.copyTier(level10m, 3600, benchDay.Unix()+int64(hour+1)*3600, -3600, false)
		b.copyTier(level1h, 3600, benchDay.Unix()+int64(hour+1)*3600, -3600, false)
	}
	b.exec("DELETE FROM tiers WHERE level = 86400")
	b.exec("INSERT OR IGNORE INTO open SELECT start, sensor FROM tiers WHERE level = 600")
	b.exec("DELETE FROM open")
	if err := b.buildDay(); err != nil {
		b.t.Fatal(err)
	}
	for n := int64(1); n <= 366; n++ {
		viewsOnly := n > 30
		b.copyTier(level1d, day, benchDay.Unix(), -n*day, viewsOnly)
		if n == 1 || n == 30 || n == 29 || n >= 365 {
			b.copyTier(level1h, day, benchDay.Unix(), -n*day, viewsOnly)
		}
		if n == 1 || n == 30 || n == 29 {
			b.copyTier(level10m, day, benchDay.Unix(), -n*day, viewsOnly)
		}
	}
	b.exec("INSERT INTO kept VALUES ('points', ?), ('600', ?)", benchDay.Unix()-30*day, benchDay.Unix()-90*day)
	b.exec("UPDATE kept SET start = start + 1 WHERE what = 'generation'")
	before := cpu()
	if err := b.s.refreshMonths(context.Background(), math.MinInt64); err != nil {
		b.t.Fatal(err)
	}
	if n := b.number("SELECT count(*) FROM months"); n > 0 {
		b.t.Logf("%d months in %.0f ms of CPU each, %d bytes each", n, ms(cpu()-before)/float64(n),
			b.number("SELECT CAST(avg(length(sums) + length(times)) AS INTEGER) FROM months"))
	}
	b.exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

// buildDay closes the newest day, which now has all of its hours.
func (b *benchStore) buildDay() error {
	l, err := newSealer(b.s)
	if err != nil {
		return err
	}
	return l.coarse(context.Background(), interval{level1d, benchDay.Unix(), 1})
}

// copyTier copies the tiers of a level that start within length of from to where they
// are shifted by.
func (b *benchStore) copyTier(level, length, from, shift int64, viewsOnly bool) {
	next := max(b.number("SELECT max(id) FROM tiers"), b.number("SELECT max(id) / ?1 FROM parts", partRoom)) + 1
	first := b.number("SELECT min(id) FROM tiers WHERE level = ? AND start >= ? AND start < ?", level, from, from+length)
	add := next - first
	keys, parts := "keys, chunks", ""
	if viewsOnly {
		keys, parts = "0, 0", " AND (parts.id & 15) >= 5"
	}
	b.exec("INSERT INTO parts SELECT parts.id + ?1 * ?2, data FROM tiers JOIN parts ON parts.id >= tiers.id * ?2 AND parts.id < (tiers.id + 1) * ?2"+
		" WHERE level = ?3 AND start >= ?4 AND start < ?5"+parts, add, partRoom, level, from, from+length)
	b.exec("INSERT INTO tiers SELECT id + ?1, level, start + ?2, sensor, last, batches, points, "+keys+", geo, books, spans FROM tiers"+
		" WHERE level = ?3 AND start >= ?4 AND start < ?5", add, shift, level, from, from+length)
}

// measure asks, with windows that begin and end at any tick.
func (b *benchStore) measure() {
	const day = 24 * time.Hour
	for _, q := range []struct {
		name, filter string
		length       time.Duration
		times        int
	}{
		{"cells 24h", "", day, 15},
		{"cells 1y", "", 365 * day, 7},
		{"cells 24h country:AB", "country:AB", day, 9},
		{"cells 24h country:AB port:443", "country:AB port:443", day, 9},
		{"cells 24h opened:them", "opened:them", day, 5},
		{"cells 30d country:AB port:443", "country:AB port:443", 30*day - 2*time.Hour, 3},
	} {
		f, err := store.ParseFilter(q.filter)
		if err != nil {
			b.t.Fatal(err)
		}
		b.ask(q.name, q.times, func() error {
			f.Window = b.window(q.length)
			_, err := b.s.Cells(context.Background(), f, 0)
			return err
		})
	}
	b.firstAnswer()
	b.ask("cells 24h by hour", 5, func() error {
		_, err := b.s.Cells(context.Background(), store.Filter{Window: b.window(day)}, time.Hour)
		return err
	})
	b.ask("series 24h by minute", 3, func() error {
		_, err := b.s.Series(context.Background(), store.Filter{Window: b.window(day)}, time.Minute)
		return err
	})
	b.ask("series 1y by day", 5, func() error {
		_, err := b.s.Series(context.Background(), store.Filter{Window: b.window(365 * day)}, day)
		return err
	})
	for _, by := range []store.Dimension{store.ByCountry, store.ByASN, store.ByIP, store.ByPort} {
		b.ask("top 24h "+by.String(), 3, func() error {
			_, err := b.s.Top(context.Background(), store.Filter{Window: b.window(day)}, by, 20)
			return err
		})
	}
	b.ask("coverage 24h", 5, func() error {
		_, err := b.s.Coverage(context.Background(), b.window(day))
		return err
	})
	b.ask("coverage 1y", 5, func() error {
		_, err := b.s.Coverage(context.Background(), b.window(365*day))
		return err
	})
	b.readPoints()
	b.commits()
}

// window is one of a length that ends somewhere in the newest day.
func (b *benchStore) window(length time.Duration) store.Window {
	to := benchDay.Add(2*time.Hour + time.Duration(b.random.IntN(20*360))*b.s.Tick() + 3*time.Second)
	return store.Window{From: to.Add(-length), To: to}
}

// ask prints the median of some runs and notes it.
func (b *benchStore) ask(name string, times int, do func() error) {
	b.t.Helper()
	var all []time.Duration
	before := cpu()
	for range times {
		start := time.Now()
		if err := do(); err != nil {
			b.t.Fatalf("%s: %v", name, err)
		}
		all = append(all, time.Since(start))
	}
	used := (cpu() - before) / time.Duration(times)
	slices.Sort(all)
	b.took[name] = all[len(all)/2]
	b.t.Logf("%6d points a tick  %-32s %8.1f ms  (%.1f to %.1f; %.1f ms of CPU)", b.rate, name, ms(all[len(all)/2]), ms(all[0]), ms(all[len(all)-1]), ms(used))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// firstAnswer measures when the first sums of a long question are there.
func (b *benchStore) firstAnswer() {
	f, err := store.ParseFilter("country:AB port:443")
	if err != nil {
		b.t.Fatal(err)
	}
	f.Window = b.window(30*24*time.Hour - 2*time.Hour)
	start := time.Now()
	first := time.Duration(0)
	_, err = b.s.CellsProgress(context.Background(), f, 0, 100*time.Millisecond, func([]store.Cell, float64) {
		if first == 0 {
			first = time.Since(start)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%6d points a tick  first answer of 30d country:AB port:443: %.0f ms of %.0f ms", b.rate, ms(first), ms(time.Since(start)))
}

// readPoints reads points of sealed and unclosed ten minutes at full detail.
func (b *benchStore) readPoints() {
	n := 0
	start := time.Now()
	err := b.s.Points(context.Background(), store.Filter{Window: b.window(min(time.Hour, time.Duration(2000*3600/b.rate)*time.Second))}, func(points []store.Point) error {
		n += len(points)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%6d points a tick  Points: %.2f M rows a second", b.rate, float64(n)/1e6/time.Since(start).Seconds())
}

// commits measures how long a commit takes while two goroutines ask for a day's map and
// a filtered one.
func (b *benchStore) commits() {
	ctx, cancel := context.WithCancel(context.Background())
	b.exec("PRAGMA wal_autocheckpoint = " + strconv.Itoa(mostLogPages)) // as a store that maintains itself
	if err := b.s.startLogKeeper(); err != nil {
		b.t.Fatal(err)
	}
	f, err := store.ParseFilter("port:443")
	if err != nil {
		b.t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, f := range []store.Filter{{}, f} {
		f.Window = b.window(24 * time.Hour)
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = b.s.Cells(ctx, f, 0)
			}
		})
	}
	var all []time.Duration
	for i := range 200 {
		batch := b.traffic.batch(benchDay.Add(24*time.Hour+time.Duration(i)*b.s.Tick()), b.s.Tick())
		start := time.Now()
		appendAll(b.t, b.s, batch)
		all = append(all, time.Since(start))
		time.Sleep(2 * time.Millisecond)
	}
	cancel()
	group.Wait()
	slices.Sort(all)
	b.t.Logf("%6d points a tick  commit beside two readers: median %.1f ms, p99 %.1f ms", b.rate, ms(all[len(all)/2]), ms(all[len(all)*99/100]))
}
