package selftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

// atOnce is how many questions are asked at a time: while a server works on one, another's
// answer is compared.
const atOnce = 4

// comparer asks both and notes what differs.
type comparer struct {
	want, got Answerer
	progress  func(done, of int)

	mu     sync.Mutex
	report *Report
}

// all asks so many questions, or until enough answers differ. The order in which they are
// made up is that of the seed; that in which they are answered is not.
func (c *comparer) all(ctx context.Context, p *Past, n int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	questions := make(chan *question)
	var asking sync.WaitGroup
	for range atOnce {
		asking.Go(func() {
			for q := range questions {
				if err := c.ask(ctx, q); err != nil {
					stop(err)
					continue // the others are taken, and end at once
				}
				c.asked(n)
			}
		})
	}
	for range n {
		if ctx.Err() != nil || c.enough() {
			break
		}
		questions <- p.question()
	}
	close(questions)
	asking.Wait()
	return context.Cause(ctx)
}

func (c *comparer) enough() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.report.Differences) >= mostDifferences
}

// asked counts a question that has been answered.
func (c *comparer) asked(of int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Questions++
	if c.progress != nil {
		c.progress(c.report.Questions, of)
	}
}

// ask asks for everything that there is to know about a question.
func (c *comparer) ask(ctx context.Context, q *question) error {
	for _, a := range q.asks() {
		want, err := a.do(ctx, c.want)
		if err != nil {
			return fmt.Errorf("ask SQLite for %s %s: %w", a.what, q, err)
		}
		got, failed := a.do(ctx, c.got)
		if failed == nil {
			if want, got, err = c.excused(ctx, q, want, got); err != nil {
				return err
			}
		}
		if err := c.compare(ctx, q, a.what, want, got, failed); err != nil {
			return err
		}
	}
	return nil
}

// excused is excuse for tops; other answers come back as they are.
func (c *comparer) excused(ctx context.Context, q *question, want, got any) (any, any, error) {
	a, ok := want.(store.Top)
	if b, same := got.(store.Top); ok && same {
		err := c.excuse(ctx, q.filter, &a, &b)
		return a, b, err
	}
	return want, got, nil
}

// compare notes a difference; an error of the fleet is one, that of a context that is
// done ends the run.
func (c *comparer) compare(ctx context.Context, q *question, what string, want, got any, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	diff := ""
	switch {
	case err != nil:
		diff = "error: " + err.Error()
	case !reflect.DeepEqual(want, got): // what is not equal to the last bit may still say the same
		diff = gocmp.Diff(want, got, cmpopts.EquateEmpty(), gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
	}
	if len(diff) > mostDiff {
		diff = strings.ToValidUTF8(diff[:mostDiff], "") + " …"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Answers++
	if diff != "" {
		c.report.Differences = append(c.report.Differences, Difference{Question: what + " " + q.String(), Diff: diff})
	}
	return nil
}

// mostDiff is how many bytes of a difference are shown.
const mostDiff = 4 << 10

// excuse makes the words of two rows equal that say different things about the latest
// tick of the row, where both are true: an address may have been at two places in it.
func (c *comparer) excuse(ctx context.Context, f store.Filter, want, got *store.Top) error {
	for i := range min(len(want.Rows), len(got.Rows)) {
		a, b := &want.Rows[i], &got.Rows[i]
		if a.Key != b.Key || wordsOf(a) == wordsOf(b) || !a.Last.Equal(b.Last) {
			continue
		}
		answered, err := c.want.Answered(ctx, f) // opened:unanswered is about all of the window
		if err != nil {
			return err
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
