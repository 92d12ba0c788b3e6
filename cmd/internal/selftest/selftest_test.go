package selftest

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

var start = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)

// twin is a fleet that is a store of SQLite, without tiers: the one that the suite is
// tried on.
type twin struct{ *sqlite.Store }

func newTwin(t *testing.T) *twin {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "twin"), sqlite.Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &twin{s}
}

func (s *twin) Append(ctx context.Context, _ string, batches []*store.Batch) error {
	for _, b := range batches {
		if err := s.Store.Append(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// TestEqual holds SQLite against itself: with tiers, and without.
func TestEqual(t *testing.T) {
	t.Parallel()
	asked := 0
	r, err := Run(t.Context(), newTwin(t), Options{Seed: 1, Questions: 30, Batches: 200, Start: start, Progress: func(done, _ int) { asked = done }})
	if err != nil || r.Err() != nil {
		t.Fatal(err, r.Err())
	}
	if r.Questions != 30 || asked != 30 || r.Answers < 30*(5+topsAsked) || r.Answers > 30*(7+topsAsked) || r.Batches < 200 || r.Points < 500 {
		t.Errorf("%+v, told of %d questions", r, asked)
	}
}

// liar changes answers.
type liar struct {
	*twin
	points func([]store.Point) []store.Point
	top    func(*store.Top)
	cover  func(*store.Coverage)
	flows  func([]store.Point)
	cells  func([]store.Cell)
}

func (l *liar) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	return l.twin.Flows(ctx, f, step, begin, func(p []store.Point) error {
		if l.flows != nil {
			l.flows(p)
		}
		return yield(p)
	})
}

func (l *liar) CellsProgress(ctx context.Context, f store.Filter, step, every time.Duration, partial func([]store.Cell, float64)) ([]store.Cell, error) {
	cells, err := l.twin.CellsProgress(ctx, f, step, every, partial)
	if l.cells != nil {
		l.cells(cells)
	}
	return cells, err
}

func (l *liar) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	return l.twin.Points(ctx, f, func(p []store.Point) error {
		if l.points != nil {
			p = l.points(p)
		}
		return yield(p)
	})
}

func (l *liar) Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error) {
	top, err := l.twin.Top(ctx, f, by, n)
	if l.top != nil {
		l.top(&top)
	}
	return top, err
}

func (l *liar) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	c, err := l.twin.Coverage(ctx, w)
	if l.cover != nil {
		l.cover(&c)
	}
	return c, err
}

// TestDifferences: whatever is not so is found and named.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*liar{
		"points":   {points: func(p []store.Point) []store.Point { return p[:len(p)-1] }},
		"coverage": {cover: func(c *store.Coverage) { c.Books.Drops++ }},
		"flows":    {flows: func(p []store.Point) { p[0].Bytes++ }},
		"cells bit by bit": {cells: func(c []store.Cell) {
			for i := range c {
				c[i].Packets++
			}
		}},
		"top count": {top: func(t *store.Top) { t.Count++ }},
		"top total": {top: func(t *store.Top) { t.Total.Opens++ }},
		"city label": {top: func(t *store.Top) {
			if t.By == store.ByCity && len(t.Rows) > 0 {
				t.Rows[0].Label = "Atlantis"
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.twin = newTwin(t)
			r, err := Run(t.Context(), l, Options{Seed: 2, Questions: 80, Batches: 60, Start: start})
			if err != nil || len(r.Differences) < mostDifferences || r.Err() == nil {
				t.Fatalf("%v, %+v", err, r)
			}
			what, _, _ := strings.Cut(name, " ")
			if name == "city label" {
				what = "top"
			}
			if q := r.Differences[0].Question; !strings.HasPrefix(q, what) || !strings.Contains(q, "from ") {
				t.Errorf("said of %q", q)
			}
		})
	}
}

// TestSameSeed: a run can be had again.
func TestSameSeed(t *testing.T) {
	a, b, c := NewPast(5, 80, start), NewPast(5, 80, start), NewPast(6, 80, start)
	if !reflect.DeepEqual(a.Shipments, b.Shipments) || reflect.DeepEqual(a.Shipments, c.Shipments) {
		t.Error("the history does not depend on the seed alone")
	}
	for range 50 {
		if x, y := a.question().String(), b.question().String(); x != y {
			t.Fatalf("%q against %q", x, y)
		}
	}
}

// TestHistory: what is to be tried is there.
func TestHistory(t *testing.T) {
	p := NewPast(3, 400, start)
	var idle, late, networks, folded, same, part, drops int
	origins := map[string]map[string]bool{}
	for _, s := range p.Shipments {
		b := s.Batch
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if origins[b.Sensor] == nil {
			origins[b.Sensor] = map[string]bool{}
		}
		origins[b.Sensor][s.Origin] = true
		count := func(n *int, is bool) {
			if is {
				*n++
			}
		}
		count(&idle, len(b.Points) == 0)
		count(&late, b.Seq > 0)
		count(&part, !b.From.Equal(b.Tick))
		count(&drops, b.Books.Drops > 0)
		for i, x := range b.Points {
			count(&networks, !x.Addr.IsSingleIP())
			count(&folded, !x.Peer.IsValid())
			count(&same, i > 0 && x.Addr == b.Points[i-1].Addr)
		}
	}
	for name, n := range map[string]int{"idle": idle, "late": late, "networks": networks, "folded": folded, "same": same, "part": part, "drops": drops} {
		if n < 5 {
			t.Errorf("%s: only %d", name, n)
		}
	}
	if len(origins) != len(sensors) || len(origins[sensors[0]]) != 2 {
		t.Errorf("origins %v", origins)
	}
}
