package selftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

// comparer asks both and notes what differs.
type comparer struct {
	want, got Answerer
	report    *Report
}

// ask asks for everything that there is to know about a question.
func (c *comparer) ask(ctx context.Context, q *question) error {
	asks := []struct {
		what string
		do   func(Answerer) (any, error)
	}{
		{"points", func(r Answerer) (any, error) { return allPoints(ctx, r, q.filter) }},
		{fmt.Sprintf("cells of %s", q.cellStep), func(r Answerer) (any, error) { return r.Cells(ctx, q.filter, q.cellStep) }},
		{fmt.Sprintf("series of %s", q.binStep), func(r Answerer) (any, error) { return r.Series(ctx, q.filter, q.binStep) }},
		{"coverage", func(r Answerer) (any, error) { return coverage(ctx, r, q.filter.Window) }},
	}
	for _, a := range asks {
		want, err := a.do(c.want)
		if err != nil {
			return fmt.Errorf("ask SQLite for %s %s: %w", a.what, q, err)
		}
		got, err := a.do(c.got)
		if err := c.compare(ctx, q, a.what, want, got, err); err != nil {
			return err
		}
	}
	for _, t := range q.tops {
		by, n := t.by, t.most
		what := fmt.Sprintf("top %d by %s", n, by)
		want, err := c.want.Top(ctx, q.filter, by, n)
		if err != nil {
			return fmt.Errorf("ask SQLite for %s %s: %w", what, q, err)
		}
		got, err := c.got.Top(ctx, q.filter, by, n)
		if err == nil {
			if err := c.excuse(ctx, q.filter, &want, &got); err != nil {
				return err
			}
		}
		if err := c.compare(ctx, q, what, want, got, err); err != nil {
			return err
		}
	}
	return nil
}

// compare notes a difference; an error of the fleet is one, that of a context that is
// done ends the run.
func (c *comparer) compare(ctx context.Context, q *question, what string, want, got any, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.report.Answers++
	diff := ""
	if err != nil {
		diff = "error: " + err.Error()
	} else {
		diff = gocmp.Diff(want, got, cmpopts.EquateEmpty(), gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
	}
	if diff == "" {
		return nil
	}
	if len(diff) > mostDiff {
		diff = strings.ToValidUTF8(diff[:mostDiff], "") + " …"
	}
	c.report.Differences = append(c.report.Differences, Difference{Question: what + " " + q.String(), Diff: diff})
	return nil
}

// mostDiff is how many bytes of a difference are shown.
const mostDiff = 4 << 10

// allPoints returns all points, in an order that depends on nothing but them. It is an
// error if they do not come in order of time, sensor and address.
func allPoints(ctx context.Context, r Answerer, f store.Filter) ([]store.Point, error) {
	var all []store.Point
	err := r.Points(ctx, f, func(points []store.Point) error {
		all = append(all, points...)
		return nil
	})
	if err == nil && !slices.IsSortedFunc(all, promised) {
		err = errors.New("points are not in order of time, sensor and address")
	}
	slices.SortFunc(all, func(a, b store.Point) int { return cmp.Or(promised(a, b), cmp.Compare(text(&a), text(&b))) })
	return all, err
}

// promised is the order that points come in.
func promised(a, b store.Point) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Bits(), b.Addr.Bits()))
}

// text tells points of one address and tick apart.
func text(p *store.Point) string {
	return fmt.Sprintf("%v", *p)
}

// coarseFrom is the length of windows from which on what was idle may be called data
// where it is short: see store/sqlite's Coverage.
const coarseFrom = 48 * time.Hour

// coverage returns what a window has data about, but for things that may differ: the
// zone of times, the order of sources, and the blocks of a file.
func coverage(ctx context.Context, r Answerer, w store.Window) (store.Coverage, error) {
	c, err := r.Coverage(ctx, w)
	for _, t := range []*time.Time{&c.Window.From, &c.Window.To, &c.Effective.From, &c.Effective.To, &c.First, &c.Last, &c.PointsFrom} {
		*t = t.UTC()
	}
	slices.SortFunc(c.Geo, func(a, b store.GeoSource) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	c.Damaged = 0
	if c.Effective.To.Sub(c.Effective.From) > coarseFrom {
		c.Spans = onAndOff(c.Spans)
	}
	return c, err
}

// onAndOff makes spans of data of those that are idle.
func onAndOff(spans []store.Span) (all []store.Span) {
	for _, s := range spans {
		if s.State == store.StateIdle {
			s.State = store.StateData
		}
		if n := len(all); n > 0 && all[n-1].Sensor == s.Sensor && all[n-1].State == s.State && all[n-1].To.Equal(s.From) {
			all[n-1].To, all[n-1].Drops, all[n-1].Folded = s.To, all[n-1].Drops+s.Drops, all[n-1].Folded+s.Folded
			continue
		}
		all = append(all, s)
	}
	return all
}

// excuse makes the words of two rows equal that say different things about the latest
// tick of the row, where both are true: an address may have been at two places in it.
func (c *comparer) excuse(ctx context.Context, f store.Filter, want, got *store.Top) error {
	for i := range min(len(want.Rows), len(got.Rows)) {
		a, b := &want.Rows[i], &got.Rows[i]
		if a.Key != b.Key || wordsOf(a) == wordsOf(b) || !a.Last.Equal(b.Last) {
			continue
		}
		answered := f // opened:unanswered is about all of the window
		if r, ok := c.want.(answering); ok {
			var err error
			if answered, err = r.Answered(ctx, f); err != nil {
				return err
			}
		}
		answered.Window = store.Window{From: a.Last.Add(-tick), To: a.Last}
		points, err := allPoints(ctx, c.want, answered)
		if err != nil {
			return err
		}
		if possible(points, want.By, a) && possible(points, want.By, b) {
			b.Label, b.Place, b.ASN, b.ASOrg = a.Label, a.Place, a.ASN, a.ASOrg
		}
	}
	return nil
}

type answering interface {
	Answered(ctx context.Context, f store.Filter) (store.Filter, error)
}

// words are what a row says about itself besides sums.
type words struct {
	label string
	place store.Place
	asn   uint32
	org   string
}

func wordsOf(r *store.Row) words { return words{r.Label, r.Place, r.ASN, r.ASOrg} }

// possible reports whether one of points, which are all of the latest tick, is of the
// row and says what the row does.
func possible(points []store.Point, by store.Dimension, r *store.Row) bool {
	return slices.ContainsFunc(points, func(p store.Point) bool {
		switch by {
		case store.ByIP:
			return store.PrefixString(p.Addr) == r.Key && p.Place == r.Place && p.ASN == r.ASN && p.ASOrg == r.ASOrg
		case store.ByASN:
			return fmt.Sprint(p.ASN) == r.Key && p.ASOrg == r.ASOrg && p.ASOrg == r.Label || p.ASOrg == "" && r.Label == r.Key
		case store.ByCity:
			return p.Place.City == r.Key && p.Place == r.Place && strings.HasPrefix(r.Label, p.Place.City)
		case store.ByPlace:
			return p.Place == r.Place && strings.HasPrefix(r.Label, cmp.Or(p.Place.City, p.Place.Region, p.Place.Country))
		}
		return false
	})
}

// Err returns the differences as one error, nil where there are none.
func (r *Report) Err() error {
	var all []error
	for _, d := range r.Differences {
		all = append(all, fmt.Errorf("%s (-SQLite +fleet):\n%s", d.Question, d.Diff))
	}
	return errors.Join(all...)
}
