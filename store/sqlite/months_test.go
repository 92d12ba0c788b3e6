package sqlite

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// months is the past that newMonths copies: closing months takes longer than the tests.
var months struct {
	sync.Mutex
	past          *past
	tiered, plain []byte // files
}

// newMonths is a past of 66 days in which two sensors saw something every day, the
// second but for one day. Its months are closed. All tests have the same; seed is of the
// questions that are asked.
func newMonths(t *testing.T, seed uint64) *past {
	t.Helper()
	months.Lock()
	defer months.Unlock()
	if months.past == nil {
		p := makeMonths(t)
		months.tiered, months.plain = fileOf(t, p.tiered), fileOf(t, p.plain)
		months.past = p
	}
	p := *months.past
	p.t, p.random = t, newRandom(seed)
	p.tiered, p.plain = openFile(t, months.tiered), openFile(t, months.plain)
	p.points, p.batches, p.seqs = slices.Clone(p.points), slices.Clone(p.batches), maps.Clone(p.seqs)
	return &p
}

// fileOf is what a store has committed, as one file.
func fileOf(t *testing.T, s *Store) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), FileName)
	if err := s.Backup(context.Background(), name, false, nil); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openFile opens a copy of a store.
func openFile(t *testing.T, file []byte) *Store {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, FileName), file)
	return openIn(t, dir, Options{NoMaintenance: true})
}

func makeMonths(t *testing.T) *past {
	p := newPast(t, 900, 66*24*time.Hour)
	for day := range 67 {
		for i, sensor := range randomSensors[:2] {
			if i == 1 && day == 40 {
				continue
			}
			for range 1 + p.IntN(2) {
				at := floorTo(p.first.Unix(), level1d) + int64(day)*level1d + p.Int64N(level1d/10)*10
				p.add(sensor, time.Unix(max(at, p.first.Unix()), 0).UTC())
			}
		}
	}
	p.maintain(false)
	return p
}

// monthsRead returns how many months a question reads.
func monthsRead(t *testing.T, s *Store, f store.Filter, step time.Duration) (n int) {
	t.Helper()
	_, c, err := s.plan(context.Background(), &f, question{views: propPlace, step: step})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range c.rest {
		for _, piece := range u.tiers {
			if piece.level == levelMonth {
				n++
			}
		}
	}
	return n
}

// askLong compares what a store says about sums by place with the one without tiers.
func (p *past) askLong(s *Store, name string) {
	p.t.Helper()
	ctx := context.Background()
	for i := range 6 {
		var f store.Filter
		var step time.Duration
		if i > 0 { // first all of it
			step = pick(p.random, 0, 24*time.Hour, 30*24*time.Hour, 60*24*time.Hour)
			if p.IntN(3) == 0 {
				f = p.filter(p.t, p.first, p.span)
			}
			f.Window = p.window()
		}
		name := name + ": " + f.Window.String() + " " + f.String() + " by " + step.String()
		want, err := p.plain.Cells(ctx, f, step)
		if err != nil {
			p.t.Fatal(err)
		}
		got, err := s.Cells(ctx, f, step)
		if err != nil {
			p.t.Fatal(err)
		}
		same(p.t, name+": cells", want, got)
		top, err := p.plain.Top(ctx, f, store.ByCountry, 0)
		if err != nil {
			p.t.Fatal(err)
		}
		s.maxKeys = -1 // views, not keys
		views, err := s.Top(ctx, f, store.ByCountry, 0)
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range top.Rows { // not counted from views
			top.Rows[i].Addresses = 0
		}
		for i := range views.Rows {
			views.Rows[i].Addresses = 0
		}
		same(p.t, name+": top", top.Rows, views.Rows)
	}
}

// TestMonths asks about long windows while months are right, stale, damaged and gone.
// Of the two sensors, the first has a month of the one day before 1970 and two whole
// ones; the second lacks a day of the last.
func TestMonths(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 900)
	s := p.tiered
	read := func(name string, want int) {
		t.Helper()
		if n := monthsRead(t, s, store.Filter{}, 0); n != want {
			t.Errorf("%s: %d months are read, want %d", name, n, want)
		}
		p.askLong(s, name)
	}
	read("closed", 5)
	for step, want := range map[time.Duration]int{30 * 24 * time.Hour: 5, 60 * 24 * time.Hour: 5, 24 * time.Hour: 0, 45 * 24 * time.Hour: 0} {
		if n := monthsRead(t, s, store.Filter{}, step); n != want {
			t.Errorf("bins of %s: %d months are read, want %d", step, n, want)
		}
	}
	const length = time.Duration(levelMonth) * time.Second
	month := time.Unix(levelMonth, 0).UTC()
	for _, w := range []struct {
		from, to time.Duration
		want     int
	}{{-length, 0, 2}, {10 * time.Second, length, 0}, {0, length, 1}, {0, length - 10*time.Second, 0}} {
		f := store.Filter{Window: store.Window{From: month.Add(w.from), To: month.Add(w.to)}}
		if n := monthsRead(t, s, f, 0); n != w.want {
			t.Errorf("%s: %d months are read, want %d", f.Window, n, w.want)
		}
	}

	p.add(randomSensors[0], time.Unix(20*level1d+70, 0).UTC())
	read("late", 4)
	if err := s.sealBefore(context.Background(), 60*level1d); err != nil {
		t.Fatal(err)
	}
	read("made again", 5)

	execute(t, s, "UPDATE months SET sums = substr(sums, 1, length(sums) - 1) || x'2a' WHERE start = 0")
	p.askLong(s, "damaged")
	read("known to be damaged", 3)
	if err := s.sealBefore(context.Background(), 60*level1d); err != nil {
		t.Fatal(err)
	}
	read("repaired", 5)

	execute(t, s, "DELETE FROM tiers WHERE level = 86400 AND start = 864000 AND sensor = 1")
	read("without a day", 4)
	p.maintain(false)
	s.maint.months = true
	p.maintain(false)
	if n := count(t, s, "SELECT count(*) FROM months"); n != 4 {
		t.Errorf("%d months, want 4: the one without all of its days was to be deleted", n)
	}
	read("deleted", 4)
}

// TestMonthsNeedNoTable reads a copy of format 2, which has no months.
func TestMonthsNeedNoTable(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 901)
	path := p.tiered.path
	copied := filepath.Join(t.TempDir(), FileName)
	if err := p.tiered.Backup(context.Background(), copied, false, nil); err != nil {
		t.Fatal(err)
	}
	execOn(t, copied, "DROP TABLE months")
	execOn(t, copied, "DROP TABLE addresses")
	execOn(t, copied, "DROP TABLE address_chunks")
	execOn(t, copied, "DROP TABLE outbox")
	execOn(t, copied, "DELETE FROM about WHERE key = 'id'")
	execOn(t, copied, "PRAGMA user_version = 2")
	s, err := OpenReadOnly(filepath.Dir(copied), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.askLong(s, "format 2")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w, err := Open(filepath.Dir(copied), Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Maintain(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if n := monthsRead(t, w, store.Filter{}, 0); n != 5 {
		t.Errorf("%d months after migrating %s, want 5", n, path)
	}
	p.askLong(w, "migrated")
}
