package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// question is the window and filter that most commands take.
type question struct {
	spec   store.WindowSpec
	zone   string
	utc    bool
	filter string
	fleet  bool // is asked in place of the store; see fleetFlag
}

const windowHelp = `
Windows: --last 24h, or --from and --to, or --at TIME --for 30m; none: all there is.
Times: 2026-11-21, "2026-11-21 14:00", 2026-11-21T14:00:00Z, yesterday, "tue 15:00", -2h;
without an offset they are in the system's time zone (--tz and --utc change it).`

const filterHelp = `
Filters: space is and, comma is or, - is not:
  --filter 'proto:tcp port:443,8443 ip:1.2.3.0/24 country:DE,FR -port:53 dir:in opened:them -label:cloud'
Labels: cloud and anycast are built in, geo.labels adds lists, geo.networks its names.`

// flags adds the flags of a question to a command.
func (q *question) flags(cmd *cobra.Command) {
	q.windowFlags(cmd)
	cmd.Flags().StringVar(&q.filter, "filter", "", "`CONDITIONS`, for example 'proto:tcp port:443 -country:DE'")
	cmd.Long += filterHelp
}

// windowFlags adds those of the window alone.
func (q *question) windowFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&q.spec.Last, "last", "", "window: the last `DURATION`, for example 24h or 7d")
	f.StringVar(&q.spec.From, "from", "", "window: from this `TIME` on")
	f.StringVar(&q.spec.To, "to", "", "window: up to this `TIME`, which is no longer in it")
	f.StringVar(&q.spec.At, "at", "", "window: from this `TIME` on, for the duration of --for")
	f.StringVar(&q.spec.For, "for", "", "`DURATION` of the window of --at (a day for a date, else 30m)")
	f.StringVar(&q.zone, "tz", "", "time `ZONE` of times without an offset, for example Europe/Berlin")
	f.BoolVar(&q.utc, "utc", false, "times without an offset are UTC")
	cmd.Long += "\n" + windowHelp
}

// location returns the zone that times are read and shown in.
func (q *question) location() (*time.Location, error) {
	switch {
	case q.utc && q.zone != "":
		return nil, usagef("--tz and --utc say two things: give one of them")
	case q.utc:
		return time.UTC, nil
	case q.zone == "":
		return time.Local, nil
	}
	zone, err := time.LoadLocation(q.zone)
	if err != nil {
		return nil, usagef("time zone %q is unknown: write a name such as Europe/Berlin", q.zone)
	}
	return zone, nil
}

// resolve reads the texts; what is wrong with them is a mistake of the user.
func (q *question) resolve(now time.Time, labels store.Labels) (store.Filter, *time.Location, error) {
	zone, err := q.location()
	if err != nil {
		return store.Filter{}, nil, err
	}
	window, err := q.spec.Resolve(now, zone)
	if err != nil {
		return store.Filter{}, nil, usageError{err}
	}
	filter, err := store.ParseFilterWith(q.filter, labels)
	if err != nil {
		return store.Filter{}, nil, usageError{err}
	}
	filter.Window = window
	return filter, zone, nil
}

// asked is a question with what is needed to answer it. Close it.
type asked struct {
	answerer
	fleet    bool // answers, not a store
	config   *config.Loaded
	filter   store.Filter
	zone     *time.Location
	coverage store.Coverage
}

// ask loads the configuration, opens the store for reading, and says on standard
// error which window the answer is about.
func (p *program) ask(cmd *cobra.Command, q *question) (*asked, error) {
	c, err := p.load(cmd, "out")
	if err != nil {
		return nil, err
	}
	labels, err := q.labels(c)
	if err != nil {
		return nil, err
	}
	filter, zone, err := q.resolve(time.Now(), labels)
	if err != nil {
		return nil, err
	}
	s, err := p.openAsked(cmd, q, c)
	if err != nil {
		return nil, err
	}
	a := &asked{answerer: s, fleet: q.fleet, config: c, filter: filter, zone: zone}
	a.coverage, err = s.Coverage(cmd.Context(), filter.Window)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read coverage of %s: %w", a.name(), err), s.Close())
	}
	p.sayWindow(a)
	return a, nil
}

// openStore opens a store for reading, in words for somebody who has none yet.
func (p *program) openStore(dir string) (*sqlite.Store, error) {
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store in %q: start one with packetheat run or packetheat replay FILE --data %s, or name another with --data", dir, dir)
	}
	return sqlite.OpenReadOnly(dir, sqlite.Options{})
}

// shown is the asked window in the user's zone, its open sides closed by the data.
func (a *asked) shown() store.Window { return closed(a.filter.Window, &a.coverage, a.zone) }

// closed returns a window in a zone, its open sides closed by the data.
func closed(w store.Window, c *store.Coverage, zone *time.Location) store.Window {
	if w.From.IsZero() {
		w.From = c.First
	}
	if w.To.IsZero() {
		w.To = c.Last
	}
	if !w.From.IsZero() {
		w.From = w.From.In(zone)
	}
	if !w.To.IsZero() {
		w.To = w.To.In(zone)
	}
	return w
}

func (p *program) sayWindow(a *asked) {
	if a.coverage.Last.IsZero() {
		p.say("window: %s is empty", a.name())
		return
	}
	p.say("window: %s", a.shown())
	w := a.filter.Window
	if !w.From.IsZero() && !w.From.Before(a.coverage.Last) || !w.To.IsZero() && !a.coverage.First.Before(w.To) {
		p.say("no data in this window: %s has %s", a.name(), store.Window{From: a.coverage.First.In(a.zone), To: a.coverage.Last.In(a.zone)})
	}
}

// sayCoverage says what is to be known about an answer, if anything is.
func (p *program) sayCoverage(c *store.Coverage, zone *time.Location) {
	if line := coverageLine(c, zone); line != "" {
		p.say("coverage: %s", line)
	}
}

// pointsReader calls back after each chunk of points, to show progress.
type pointsReader struct {
	answerer
	seen func(points int)
}

func (r pointsReader) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	return r.answerer.Points(ctx, f, r.watched(yield))
}

func (r pointsReader) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	return r.answerer.Flows(ctx, f, step, begin, r.watched(yield))
}

func (r pointsReader) watched(yield func([]store.Point) error) func([]store.Point) error {
	return func(points []store.Point) error {
		r.seen(len(points))
		return yield(points)
	}
}
