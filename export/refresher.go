package export

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// RefresherConfig says which files a Refresher keeps. Reader and Dir are required.
type RefresherConfig struct {
	Reader  Reader             // answers in the caller's goroutine, or Share is not kept to
	Dir     string             // made where it is missing
	Name    string             // of the files, before the extension; empty: ip_heatmap
	Formats []Format           // none: HTML and CSV
	Window  time.Duration      // that the files are about, up to now; 0: 1 h
	Every   time.Duration      // shortest time between two rewrites; 0: 10 s
	Budget  int64              // bytes a file; 0: 32 MiB
	Share   float64            // of one core that rewriting may take; 0: 0.05
	Owner   *Owner             // of files and folder; nil: ours
	Options Options            // Filter's window is set by the refresher
	Home    func() *page.Home  // in place of Options.Home, asked before each rewrite; may be nil
	Links   func() []page.Link // the same for Options.Links
	Logger  *slog.Logger       // nil: silent
	Now     func() time.Time

	// Resolve returns the window at a moment, in place of the last Window; an open end is
	// that moment. It is asked before each rewrite.
	Resolve func(now time.Time) store.Window
	// Aside says that the files are not the first that somebody waits for: points are read
	// no quicker than Share allows, and at stop what would take long is left as it is.
	Aside bool
	Rows  int // that are kept in memory, about; 0: as many as Budget has room for
}

// Refresher keeps standing files fresh: the last hour as page and CSV, rewritten by
// rename when something changed. It never rewrites more often than every ten
// seconds, nor so often that it would take more than its share of a core, and sums
// rows over longer times rather than let a file outgrow its budget. Make one with
// NewRefresher; Status may be called at any time.
type Refresher struct {
	cfg     RefresherConfig
	files   []*standing
	rows    *recent
	patient int // rewrites to wait before a finer level is tried again
	costs   costs
	heavy   bool // the last rewrite took so much that the next should be coarser
	cheap   bool // or so little that it may be finer

	mu       sync.Mutex
	status   RefreshStatus
	interval time.Duration // between the starts of two rewrites
	took     time.Duration // the last one
	news     news
	wake     chan struct{}
}

// standing is one of the files. Only Run's goroutine uses it.
type standing struct {
	path   string
	format Format
	first  time.Time
	rows   uint64
	known  bool // the last file was about a store with ticks
	kept   kept // of CSV
}

// news is what commits have told since the last rewrite.
type news struct {
	changed bool      // points or drops came
	idle    bool      // a tick without any came
	end     time.Time // of the last tick
	ticks   []time.Time
}

// NewRefresher returns a Refresher; Run starts it.
func NewRefresher(cfg RefresherConfig) *Refresher {
	cfg.Name = def(cfg.Name, "ip_heatmap")
	cfg.Window = def(cfg.Window, time.Hour)
	cfg.Every = def(cfg.Every, 10*time.Second)
	cfg.Budget = def(cfg.Budget, 32<<20)
	cfg.Share = def(cfg.Share, 0.05)
	cfg.Logger = def(cfg.Logger, slog.New(slog.DiscardHandler))
	if len(cfg.Formats) == 0 {
		cfg.Formats = []Format{HTML, CSV}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Refresher{cfg: cfg, interval: cfg.Every, wake: make(chan struct{}, 1), costs: costs{clocks: machine()}}
	w := r.window()
	r.rows = newRecent(cfg.Reader, cfg.Options.Filter, def(cfg.Rows, int(cfg.Budget/leastRow)), w.To.Sub(w.From))
	r.status = RefreshStatus{Name: cfg.Name, Dir: cfg.Dir, Every: cfg.Every.Seconds(), Interval: cfg.Every.Seconds()}
	for _, f := range cfg.Formats {
		path := filepath.Join(cfg.Dir, cfg.Name+"."+f.String())
		r.files = append(r.files, &standing{path: path, format: f})
		r.status.Files = append(r.status.Files, FileStatus{Path: path, Format: f.String()})
	}
	return r
}

func def[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Run writes the files at once, then again whenever commits changed what is in
// them, until ctx is done; then once more, with half a minute of its own, so that
// the last ticks are in. A file that cannot be written is counted, logged and tried
// again; Run goes on. It returns the error of the last rewrite, if there was one.
func (r *Refresher) Run(ctx context.Context) error {
	runtime.LockOSThread() // for costs
	defer runtime.UnlockOSThread()
	if r.cfg.Aside {
		r.rows.pace = (&pacer{clocks: r.costs.clocks, share: r.cfg.Share}).pace
	}
	var watching sync.WaitGroup
	commits := r.cfg.Reader.Watch(ctx)
	watching.Go(func() { r.listen(commits) })
	defer watching.Wait()
	r.removeStale()
	defer func() {
		for _, s := range r.files {
			s.kept.close()
		}
	}()

	failed := r.rewrite(ctx) != nil
	timer := time.NewTimer(r.pause())
	defer timer.Stop()
	waited := false // the interval is over
	for {
		select {
		case <-ctx.Done():
			return r.finish(ctx)
		case <-timer.C:
			waited = true
		case <-r.wake:
		}
		if !waited || !(failed || r.due()) {
			continue
		}
		failed = r.rewrite(ctx) != nil
		waited = false
		timer.Reset(r.pause())
	}
}

// lastLimit is how long the last rewrite may take; asideLimit how much of a core it may
// have taken before where nobody waits for the files.
const (
	lastLimit  = 30 * time.Second
	asideLimit = time.Second
)

// finish writes the files for the last time.
func (r *Refresher) finish(ctx context.Context) error {
	if r.cfg.Aside {
		s := r.Status()
		if s.Rewrites == 0 || s.Seconds > asideLimit.Seconds() || !r.due() {
			return nil
		}
		r.rows.pace = nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLimit)
	defer cancel()
	return r.rewrite(last)
}

// listen takes commits as they come, so that none is lost while files are written.
func (r *Refresher) listen(commits <-chan store.Commit) {
	for c := range commits {
		r.mu.Lock()
		if r.cfg.Resolve != nil && !r.window().Contains(c.Tick) {
			r.mu.Unlock()
			continue
		}
		if c.Points > 0 || c.Drops > 0 {
			r.news.changed = true
		} else {
			r.news.idle = true
		}
		r.news.ticks = append(r.news.ticks, c.Tick)
		if end := c.Tick.Add(c.Interval); end.After(r.news.end) {
			r.news.end = end
		}
		r.mu.Unlock()
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// due reports whether a rewrite would change a file: points came; or, in an idle
// tick, old ones have left the window; or the file knows of no tick at all.
func (r *Refresher) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.news.changed {
		return true
	}
	if !r.news.idle {
		return false
	}
	from := r.window().From
	for _, s := range r.files {
		if !s.known || s.rows > 0 && s.first.Before(from) {
			return true
		}
	}
	r.news.idle = false
	r.status.Skipped++
	return false
}

// window is the last hour, in packet time where that is ahead of the clock. A clock
// more than a day behind is not believed to be so: one bad time stamp must not
// empty the files. Its ends are whole seconds. r.mu is held.
func (r *Refresher) window() store.Window {
	now := r.cfg.Now().UTC()
	end := now
	if ahead := r.news.end.Sub(now); ahead > 0 && ahead < 24*time.Hour {
		end = r.news.end
	}
	if end = end.Truncate(time.Second); end.Before(now) {
		end = end.Add(time.Second)
	}
	if r.cfg.Resolve == nil {
		return store.Window{From: end.Add(-r.cfg.Window), To: end}
	}
	w := r.cfg.Resolve(end)
	if w.To.IsZero() {
		w.To = end
	}
	return store.Window{From: w.From.UTC(), To: w.To.UTC()}
}

// slack is how much of the interval is enough: a bit less than all of it, so that
// ticks as long as the interval are each written as soon as they are committed.
const slack = 0.95

// pause is how long to wait from the end of a rewrite to the next.
func (r *Refresher) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, time.Duration(float64(r.interval)*slack)-r.took)
}

func (r *Refresher) refresh() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.interval
}

// removeStale removes what a killed run has left of its temporary files.
func (r *Refresher) removeStale() {
	for _, s := range r.files {
		dir, base := filepath.Split(s.path)
		stale, _ := filepath.Glob(filepath.Join(dir, "."+base+".*.tmp"))
		for _, path := range stale {
			_ = os.Remove(path)
		}
	}
}
