// Package selftest holds a fleet's database against SQLite: the same batches go into
// both, and then both are asked the same random questions, whose answers must be equal
// to the last bit. It runs as a test, and on the user's own cluster as
// "packetheat fleet selftest".
package selftest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// Answerer is what is asked: an export.Reader without its announcements, and what readers of
// ours can do besides. Several goroutines ask at once.
type Answerer interface {
	Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error
	Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error
	Answered(ctx context.Context, f store.Filter) (store.Filter, error)
	CellsProgress(ctx context.Context, f store.Filter, step, every time.Duration, partial func([]store.Cell, float64)) ([]store.Cell, error)
	Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error)
	Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error)
	Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error)
	Coverage(ctx context.Context, w store.Window) (store.Coverage, error)
}

// Fleet is the database under test. It is written to: it should be a scratch one, with
// nothing in it.
type Fleet interface {
	Answerer
	Append(ctx context.Context, origin string, batches []*store.Batch) error
}

// Options say how much is tried. The zero value is a quick run.
type Options struct {
	Seed      uint64    // of the history and the questions; the same seed is the same run
	Questions int       // windows and filters; each asks for nine answers or more; 100 if 0
	Batches   int       // about how many are written; 400 if 0
	Start     time.Time // when the history begins, whole days; three days before now if zero
	Dir       string    // folder for the SQLite store; a temporary one if empty

	// Progress is called after each question, one call at a time, and with done 0 when all
	// batches have been written; nil: nobody is told.
	Progress func(done, of int)
}

// Report is what a run has come to.
type Report struct {
	Batches, Points int // written
	Questions       int // asked
	Answers         int // compared

	Differences []Difference // none, where all is well; ten or a few more are enough
}

// Difference is an answer that is not what SQLite says.
type Difference struct {
	Question string // the window and filter, as one would type them, and what was asked
	Diff     string // -SQLite +fleet
}

// mostDifferences is after how many of them a run ends.
const mostDifferences = 10

// Run writes a random history to fleet and to a store of SQLite, a part of it twice to
// fleet, and compares answers. Its error is about running; what differs is in the
// report.
func Run(ctx context.Context, fleet Fleet, o Options) (r Report, err error) {
	o = o.defaults()
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "packetheat-selftest-"); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	one, err := sqlite.Open(filepath.Join(o.Dir, "store"), sqlite.Options{NoMaintenance: true})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, one.Close()) }()
	p := NewPast(o.Seed, o.Batches, o.Start)
	if err := p.write(ctx, one, fleet); err != nil {
		return r, err
	}
	r.Batches, r.Points = len(p.Shipments), p.points
	if o.Progress != nil {
		o.Progress(0, o.Questions)
	}
	c := comparer{want: one, got: fleet, report: &r, progress: o.Progress}
	return r, c.all(ctx, p, o.Questions)
}

func (o Options) defaults() Options {
	if o.Questions == 0 {
		o.Questions = 100
	}
	if o.Batches == 0 {
		o.Batches = 400
	}
	if o.Start.IsZero() {
		o.Start = time.Now().Add(-3 * day)
	}
	o.Start = o.Start.UTC().Truncate(day)
	return o
}

const day = 24 * time.Hour

// write brings a history into both, in the order in which it came about. The fleet gets
// some of it again, as after an answer that was lost, and the SQLite store closes its
// tiers in the middle and at the end.
func (p *Past) write(ctx context.Context, one *sqlite.Store, fleet Fleet) error {
	const together = 100
	for from := 0; from < len(p.Shipments); from += together {
		some := p.Shipments[from:min(from+together, len(p.Shipments))]
		for _, s := range some {
			if err := one.Append(ctx, s.Batch); err != nil {
				return fmt.Errorf("write to SQLite: %w", err)
			}
		}
		for origin, batches := range byOrigin(some) {
			for range 1 + p.IntN(2) {
				if err := fleet.Append(ctx, origin, batches); err != nil {
					return fmt.Errorf("write to the fleet's database: %w", err)
				}
			}
		}
		if half := len(p.Shipments) / 2; from < half && half <= from+together {
			if err := one.Maintain(ctx, false); err != nil {
				return err
			}
		}
	}
	return one.Maintain(ctx, p.IntN(2) == 0)
}

func byOrigin(some []Shipment) map[string][]*store.Batch {
	m := map[string][]*store.Batch{}
	for _, s := range some {
		m[s.Origin] = append(m[s.Origin], s.Batch)
	}
	return m
}
