package alert

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Reader is the part of a store that alerts are made from.
type Reader interface {
	Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error
	Coverage(ctx context.Context, w store.Window) (store.Coverage, error)
	Watch(ctx context.Context) <-chan store.Commit
}

// Rules say what deserves an alert.
type Rules struct {
	Filter []store.Term     // what a point must be to be looked at at all
	Allow  []store.Filter   // points that any of them matches are never news
	New    []string         // of as, country, place
	Labels map[string]Match // lists that nobody should be on, by name
}

// Config says where alerts come from and go to. Reader, Dir and Rules are required.
type Config struct {
	Reader Reader
	Dir    string // of the store, where the state is kept
	Sensor string

	Rules    func() (Rules, error) // what deserves an alert now; asked at every commit
	Learning time.Duration         // in which firsts are learned silently
	Keep     time.Duration         // alerts are kept; 0: for ever, as many as there is room for

	Trouble func() []Trouble // what is wrong with the sensor now; nil: not watched
	Webhook *Webhook         // nil: none
	Logger  *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Match decides whether an address is on a list; see store.Matcher.
type Match = store.Matcher

// Watcher makes alerts. Run it once; List may be called by any goroutine.
type Watcher struct {
	cfg Config

	rules Rules // of the goroutine that looks
	mu    sync.Mutex
	state state
	hook  *sender

	systems   map[uint32]bool
	countries map[string]bool
	places    map[[2]int32]bool
	labelled  map[string]bool
	hours     map[string]quota
	troubled  map[string]time.Time // when each kind was last so
	dirty     bool                 // something was said that is not saved
	learned   bool                 // something is known that is not saved
	said      map[string]uint64    // since the start, by kind
}

// quota is how many alerts of a kind there have been in an hour.
type quota struct {
	hour int64
	n    int
}

// mostAnHour is how many alerts of a kind are listed in an hour; one more says that
// there were more.
const mostAnHour = 30

// New reads the state of the folder. A state that cannot be read is an error: nothing
// may be called new because what was known was lost.
func New(cfg Config) (*Watcher, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{cfg: cfg, systems: map[uint32]bool{}, countries: map[string]bool{}, places: map[[2]int32]bool{}, labelled: map[string]bool{}, hours: map[string]quota{},
		troubled: map[string]time.Time{}, said: map[string]uint64{}}
	var err error
	if w.state, err = load(cfg.Dir); err != nil {
		return nil, err
	}
	for _, n := range w.state.Systems {
		w.systems[n] = true
	}
	for _, c := range w.state.Countries {
		w.countries[c] = true
	}
	for _, p := range w.state.Places {
		w.places[p] = true
	}
	for _, key := range w.state.Labelled {
		w.labelled[key] = true
	}
	if cfg.Webhook != nil {
		w.hook = newSender(w, cfg.Webhook)
	}
	return w, nil
}

// List returns what has been said.
func (w *Watcher) List() List {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.state.list()
	if w.cfg.Now().After(l.Learning) {
		l.Learning = time.Time{}
	}
	if w.hook != nil {
		l.Failure = w.hook.failure
	}
	return l
}

// How often trouble is looked for, and the state saved if it has only learned.
const (
	troubleEvery = 10 * time.Second
	saveEvery    = time.Minute
)

// Run looks at every commit until ctx is done.
func (w *Watcher) Run(ctx context.Context) error {
	commits := w.cfg.Reader.Watch(ctx)
	if w.hook != nil {
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.hook.run(ctx)
		}()
		defer func() { <-done }()
	}
	if err := w.learn(ctx); err != nil {
		w.complain(ctx, err)
		w.mu.Lock()
		if w.state.Learning.IsZero() { // nothing is known: all would be news
			w.state.Learning = w.cfg.Now().Add(w.cfg.Learning).UTC()
		}
		w.mu.Unlock()
	}
	ticker := time.NewTicker(troubleEvery)
	defer ticker.Stop()
	saved := w.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			w.mu.Lock()
			w.learned = true // how far it has looked
			w.mu.Unlock()
			w.save(true)
			return nil
		case c, open := <-commits:
			if !open {
				commits = nil
				continue
			}
			if err := w.look(ctx, c.Tick.Add(c.Interval)); err != nil {
				w.complain(ctx, err)
			}
		case <-ticker.C:
			if w.cfg.Trouble != nil {
				w.troubles(w.cfg.Trouble())
			}
		}
		if w.save(w.cfg.Now().Sub(saved).Abs() >= saveEvery) {
			saved = w.cfg.Now()
		}
	}
}

func (w *Watcher) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		w.cfg.Logger.Warn("alerts: a part of the traffic was not looked at", "err", err)
	}
}

// save writes the state: at once where something was said, and what was learned when it
// is time.
func (w *Watcher) save(time bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty && !(time && w.learned) {
		return false
	}
	s := w.state
	s.Systems, s.Countries, s.Places, s.Labelled = keys(w.systems), keys(w.countries), keys(w.places), keys(w.labelled)
	slices.Sort(s.Systems)
	slices.Sort(s.Countries)
	slices.Sort(s.Labelled)
	slices.SortFunc(s.Places, func(a, b [2]int32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	if err := s.save(w.cfg.Dir); err != nil {
		w.cfg.Logger.Warn("alerts: what is known now may be said again after a restart", "err", err)
		return false
	}
	w.dirty, w.learned = false, false
	return true
}

func keys[K comparable](m map[K]bool) []K {
	list := make([]K, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	return list
}

// learn takes what is in the store already for known, the first time. A store that has
// been filled for longer than the learning period has taught enough.
func (w *Watcher) learn(ctx context.Context) error {
	if !w.state.Through.IsZero() {
		return nil
	}
	coverage, err := w.cfg.Reader.Coverage(ctx, store.Window{})
	if err != nil {
		return err
	}
	now := w.cfg.Now()
	if w.rules, err = w.cfg.Rules(); err != nil {
		return err
	}
	begun := now
	if !coverage.First.IsZero() && coverage.First.Before(begun) {
		begun = coverage.First
	}
	w.mu.Lock()
	w.state.Learning = begun.Add(w.cfg.Learning).UTC()
	w.mu.Unlock()
	if coverage.Last.IsZero() {
		return nil
	}
	err = w.eachPoint(ctx, store.Window{From: coverage.Last.Add(-learnMost), To: coverage.Last}, func(p *store.Point) { w.firsts(p) })
	if err == nil {
		w.mu.Lock()
		w.state.Through, w.dirty = coverage.Last, true
		w.mu.Unlock()
	}
	return err
}

// eachPoint calls do, with w.mu held, with each point of a window that the rules' filter
// lets pass.
func (w *Watcher) eachPoint(ctx context.Context, window store.Window, do func(*store.Point)) error {
	return w.cfg.Reader.Points(ctx, store.Filter{Terms: w.rules.Filter, Window: window}, func(points []store.Point) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i := range points {
			do(&points[i])
		}
		return nil
	})
}

// learnMost is how much of what is there already is read.
const learnMost = 14 * 24 * time.Hour

// catchUp is how far back a watcher that was away looks.
const catchUp = time.Hour

// look looks at the points that have come up to a moment. Announcements may be lost where
// there are many: the window closes the gap.
func (w *Watcher) look(ctx context.Context, to time.Time) error {
	rules, err := w.cfg.Rules()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.rules = rules
	from := w.state.Through
	w.mu.Unlock()
	if !from.Before(to) {
		from = to.Add(-time.Minute) // a late batch; what it has is known mostly
	}
	if least := to.Add(-catchUp); from.Before(least) {
		from = least
	}
	err = w.eachPoint(ctx, store.Window{From: from, To: to}, w.point)
	if err == nil {
		w.mu.Lock()
		if w.state.Through.Before(to) {
			w.state.Through = to
		}
		w.mu.Unlock()
	}
	return err
}

// say lists an alert, logs it and hands it to the webhook. w.mu is held.
func (w *Watcher) say(a Alert) {
	w.said[a.Kind]++
	if !a.Trouble() {
		hour := w.cfg.Now().Unix() / 3600
		q := w.hours[a.Kind]
		if q.hour != hour {
			q = quota{hour: hour}
		}
		q.n++
		w.hours[a.Kind] = q
		switch {
		case q.n == mostAnHour+1:
			a = Alert{Time: a.Time, Sensor: a.Sensor, Kind: More,
				Text: fmt.Sprintf("more than %d alerts of the kind %s in an hour: the others are not listed", mostAnHour, a.Kind)}
		case q.n > mostAnHour:
			w.dirty = true
			return
		}
	}
	a.ID = w.state.NextID
	w.state.NextID++
	w.state.Alerts = append(w.state.Alerts, a)
	w.trim()
	w.dirty = true
	level := slog.LevelInfo
	if a.Trouble() || a.Kind == Label {
		level = slog.LevelWarn
	}
	w.cfg.Logger.Log(context.Background(), level, "alert: "+a.Text, "kind", a.Kind, "id", a.ID)
	if w.hook != nil {
		w.hook.add(a.ID)
	}
}

// trim forgets alerts that are too old or too many, but not trouble that lasts.
func (w *Watcher) trim() {
	old := time.Time{}
	if w.cfg.Keep > 0 {
		old = w.cfg.Now().Add(-w.cfg.Keep)
	}
	extra := len(w.state.Alerts) - mostAlerts
	w.state.Alerts = slices.DeleteFunc(w.state.Alerts, func(a Alert) bool {
		lasts := a.Trouble() && a.Ended.IsZero()
		if !lasts && (extra > 0 || a.Time.Before(old)) {
			extra--
			return true
		}
		return false
	})
}
