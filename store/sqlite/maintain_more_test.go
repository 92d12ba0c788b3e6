package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

func count(t testing.TB, s *Store, query string) int64 {
	t.Helper()
	n, err := number(context.Background(), s.readers, query)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func execute(t testing.TB, s *Store, query string) {
	t.Helper()
	if err := s.transaction(context.Background(), func(tx *sql.Tx) error {
		if _, err := tx.Exec(query); err != nil {
			return err
		}
		return nextGeneration(context.Background(), tx)
	}); err != nil {
		t.Fatal(err)
	}
}

// checkAnswers compares some answers with brute force.
func (h *sealedHistory) checkAnswers(t *testing.T) {
	t.Helper()
	compareAnswers(t, h.s, store.Filter{}, h.points, "everything", h.random)
	for range 3 {
		f := h.filter(t, h.start, 3*time.Hour)
		compareAnswers(t, h.s, f, h.points.match(f), f.Window.String()+" "+f.String(), h.random)
	}
}

// checkSums is checkAnswers without tops, which count no addresses in a flood.
func (h *sealedHistory) checkSums(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	for i := range 4 {
		var f store.Filter
		if i > 0 {
			f = h.filter(t, h.start, 3*time.Hour)
		}
		want := h.points.match(f)
		name := f.Window.String() + " " + f.String()
		same(t, name+": points", inOrder(want), inOrder(pointsOf(t, h.s, f)))
		for _, step := range []time.Duration{0, h.s.Tick(), 10 * time.Minute, time.Hour} {
			cells, err := h.s.Cells(ctx, f, step)
			if err != nil {
				t.Fatal(err)
			}
			same(t, name+": cells of "+step.String(), want.cells(step), cells)
		}
		series, err := h.s.Series(ctx, f, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name+": series", want.series(time.Hour), series)
	}
}

func (h *sealedHistory) maintain(t testing.TB, force bool) {
	t.Helper()
	if err := h.s.Maintain(context.Background(), force); err != nil {
		t.Fatal(err)
	}
}

// TestFlood seals intervals with too many points, and with too many keys: they have
// views and keep their blocks, and so do those that come late.
func TestFlood(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*sealer){
		"points": func(l *sealer) { l.points = 30 },
		"keys":   func(l *sealer) { l.keys = 30 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newSealedHistory(t, 2300, Options{})
			var err error
			if h.s.maint.sealer, err = newSealer(h.s); err != nil {
				t.Fatal(err)
			}
			limit(h.s.maint.sealer)
			for round := range 3 {
				for range 15 {
					h.append(t, 2, 60)
				}
				h.maintain(t, true)
				h.checkSums(t)
				if n := count(t, h.s, "SELECT count(*) FROM late") + count(t, h.s, "SELECT count(*) FROM open"); n != 0 {
					t.Errorf("round %d: %d are open or late", round, n)
				}
			}
			floods := count(t, h.s, "SELECT count(*) FROM tiers WHERE level = 600 AND keys = 0 AND points > 0")
			blocks := count(t, h.s, "SELECT count(*) FROM blocks")
			held := count(t, h.s, `SELECT count(*) FROM batches b JOIN blocks USING (id) JOIN tiers t ON t.level = 600
				AND t.sensor = b.sensor AND t.start <= b.tick AND b.tick < t.start + 600 AND t.keys = 0`)
			days := count(t, h.s, "SELECT count(*) FROM tiers WHERE level = 86400 AND keys > 0")
			if floods == 0 || floods == h.floodless(t) || blocks == 0 || held != blocks || days == 3 {
				t.Errorf("%d floods, %d blocks, %d of them of floods, %d days with keys", floods, blocks, held, days)
			}
		})
	}
}

// floodless is how many intervals there are.
func (h *sealedHistory) floodless(t testing.TB) int64 {
	return count(t, h.s, "SELECT count(*) FROM tiers WHERE level = 600")
}

// TestLateWithoutFiner adds late batches to an hour and a day whose finer tiers are
// gone.
func TestLateWithoutFiner(t *testing.T) {
	h := newSealedHistory(t, 2400, Options{})
	for range 40 {
		h.append(t, 3, 40)
	}
	h.maintain(t, true)
	execute(t, h.s, "DELETE FROM parts WHERE id / 65536 IN (SELECT id FROM tiers WHERE level = 600)")
	execute(t, h.s, "DELETE FROM tiers WHERE level = 600")
	for range 10 {
		h.append(t, 3, 40)
	}
	h.maintain(t, true)
	for id, sensor := range h.s.dicts.sensors.snapshot() {
		for _, level := range []int64{level1h, level1d} {
			rows, err := readTiers(context.Background(), h.s.readers, level, uint32(id), -1<<62, 1<<62)
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				keys, _, views := contentOf(t, h.s, &rows[i])
				_, _, want := contentFrom(h.points, rows[i].interval(), sensor, h.s.Tick())
				for from, view := range views {
					if d := mapDiff(want[from], view); d != "" {
						t.Errorf("%ds of %q, view %d (-want +got):\n%s", level, sensor, from, d)
					}
				}
				var total, all store.Sum
				for _, sum := range keys {
					total.Add(sum.Sum)
				}
				for _, sum := range want[sourceKind] {
					all.Add(sum.Sum)
				}
				if total != all {
					t.Errorf("%ds of %q: keys add up to %v, want %v", level, sensor, total, all)
				}
			}
		}
	}
	if n := count(t, h.s, "SELECT count(*) FROM late"); n != 0 {
		t.Errorf("%d are late", n)
	}
}

// TestDamagedBlockIsSealed: the others of its interval are, the tier counts it.
func TestDamagedBlockIsSealed(t *testing.T) {
	h := newSealedHistory(t, 2500, Options{})
	for range 20 {
		h.append(t, 1, 40)
	}
	var id int64
	for i, b := range h.batches {
		if len(b.Points) > 0 {
			id = int64(i + 1)
			break
		}
	}
	execute(t, h.s, "UPDATE blocks SET sums = zeroblob(length(sums)) WHERE id = "+joinIDs([]int64{id}))
	bad := h.batches[id-1]
	var rest history
	for i, b := range h.batches {
		if i != int(id-1) {
			rest = append(rest, b.Points...)
		}
	}
	h.points = rest
	h.maintain(t, true)
	same(t, "points", inOrder(rest), inOrder(pointsOf(t, h.s, store.Filter{})))
	damaged := uint64(0)
	for sensor := range h.s.dicts.sensors.snapshot() {
		rows, err := readTiers(context.Background(), h.s.readers, level1d, uint32(sensor), -1<<62, 1<<62)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			var books totals
			if err := books.decode(row.books); err != nil {
				t.Fatal(err)
			}
			damaged += books.damaged
		}
	}
	if st := h.s.Maintenance(); damaged != 1 || st.Damaged != 1 {
		t.Errorf("tiers count %d damaged blocks, want that of %q at %s", damaged, bad.Sensor, bad.Tick)
	}
}

// TestBooksAreChecked: an interval whose points are not what its counters say stays as
// it is, and is not tried again.
func TestBooksAreChecked(t *testing.T) {
	h := newSealedHistory(t, 2600, Options{})
	for range 10 {
		h.append(t, 1, 40)
	}
	var other totals
	other.points.Packets = 1
	b := h.batches[0]
	err := h.s.transaction(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE batches SET books = ? WHERE points > 0 AND tick = ? AND sensor = 1", other.encode(), b.Tick.Unix())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		h.maintain(t, true)
		if st := h.s.Maintenance(); st.Failed != 1 || st.Open != 1 {
			t.Fatalf("%+v", st)
		}
	}
	h.checkAnswers(t)
}

// TestMaintainBrokenOff breaks sealing off at every step: by cancelling, as Close does,
// and by leaving a process behind that is gone. Nothing is lost, nothing remains.
func TestMaintainBrokenOff(t *testing.T) {
	t.Parallel()
	h := newSealedHistory(t, 2700, Options{})
	for range 60 {
		h.append(t, 3, 100)
	}
	for steps := 0; ; steps++ {
		ctx := &brokenContext{Context: context.Background()}
		ctx.left.Store(int64(steps))
		err := h.s.Maintain(ctx, true)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("step %d: %v", steps, err)
		}
		steps += steps / 4
		if steps%5 == 0 {
			same(t, "points", inOrder(h.points), inOrder(pointsOf(t, h.s, store.Filter{})))
		}
	}
	h.maintain(t, true)
	checkTiers(t, h.s, h.points, h.batches)
}

// brokenContext is done when it has been asked a number of times.
type brokenContext struct {
	context.Context
	left atomic.Int64
}

func (c *brokenContext) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestUnfinishedTierIsSwept: what a process wrote of a tier before it was killed is
// removed by the next one.
func TestUnfinishedTierIsSwept(t *testing.T) {
	t.Parallel()
	h := newSealedHistory(t, 2800, Options{})
	for range 30 {
		h.append(t, 2, 100)
	}
	w, err := h.s.newTier(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for chunk := range int64(3) {
		if err := w.add(context.Background(), chunk, &tierBlobs{1: make([]byte, stageBytes)}); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Dir(h.s.path)
	if err := h.s.Close(); err != nil {
		t.Fatal(err)
	}
	if h.s, err = Open(dir, Options{NoMaintenance: true}); err != nil {
		t.Fatal(err)
	}
	defer h.s.Close()
	if n := count(t, h.s, "SELECT count(*) FROM parts"); n != 3 {
		t.Fatalf("%d parts", n)
	}
	h.maintain(t, true)
	checkTiers(t, h.s, h.points, h.batches)
}

// TestStaleTierIsGivenUp: what is deleted while a tier is built from it.
func TestStaleTierIsGivenUp(t *testing.T) {
	h := newSealedHistory(t, 2900, Options{})
	h.append(t, 1, 10)
	w, err := h.s.newTier(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	execute(t, h.s, "DELETE FROM blocks")
	if err := w.finish(context.Background(), &tierRow{}, nil, nil); err != errStale {
		t.Errorf("finish: %v", err)
	}
}

// TestUpkeepRuns waits for the goroutine to seal an hour that has gone by, and closes
// the store while it works on more.
func TestUpkeepRuns(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRandom(3000)
	var want history
	for i := range 65 {
		b := r.batch("gw1", benchStart.Add(time.Duration(i)*time.Minute), s.Tick(), 0, 30)
		appendAll(t, s, b)
		want = append(want, b.Points...)
	}
	for start := time.Now(); s.Maintenance().Sealed[1] == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("nothing is sealed: %+v", s.Maintenance())
		}
	}
	if st := s.Maintenance(); st.Sealed[0] != 6 || st.Failed != 0 || st.Err != nil {
		t.Errorf("%+v", st)
	}
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Maintain(context.Background(), true); err == nil {
		t.Error("a closed store is maintained")
	}
	again, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same(t, "points", inOrder(want), inOrder(pointsOf(t, again, store.Filter{})))
	if err := again.Maintain(context.Background(), true); !errors.Is(err, errReadOnly) {
		t.Errorf("reading only: %v", err)
	}
}
