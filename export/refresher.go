package export

import (
	"context"
	"errors"
	"fmt"
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
	Reader  Reader
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
	r := &Refresher{cfg: cfg, interval: cfg.Every, wake: make(chan struct{}, 1)}
	r.rows = newRecent(cfg.Reader, cfg.Options.Filter, int(cfg.Budget/leastRow))
	r.status = RefreshStatus{Dir: cfg.Dir, Every: cfg.Every.Seconds(), Interval: cfg.Every.Seconds()}
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
	runtime.LockOSThread() // for stopwatch
	defer runtime.UnlockOSThread()
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
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			return r.rewrite(last)
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

// listen takes commits as they come, so that none is lost while files are written.
func (r *Refresher) listen(commits <-chan store.Commit) {
	for c := range commits {
		r.mu.Lock()
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
	return store.Window{From: end.Add(-r.cfg.Window), To: end}
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

// rewrite writes all files and works out when it may do so again.
func (r *Refresher) rewrite(ctx context.Context) error {
	r.mu.Lock()
	window := r.window()
	again := r.news.ticks
	r.news.changed, r.news.idle, r.news.ticks = false, false, nil
	r.mu.Unlock()
	stop := stopwatch()
	err := makeFolder(r.cfg.Dir, r.cfg.Owner)
	if err == nil {
		err = r.update(ctx, window, again)
	}
	for err == nil {
		if err = r.rewriteFiles(ctx); errors.Is(err, errBudget) && r.coarser() {
			err = r.update(ctx, window, nil)
			continue
		}
		break
	}
	if ctx.Err() != nil {
		return err // stopped half-way: nobody's fault, and another rewrite follows
	}
	wall, cost := stop()
	r.account(wall, cost, err)
	return err
}

// stopwatch returns a function that says how long ago it was made, and how much of
// a core this thread has used since. Capture goes on meanwhile, so neither the clock
// nor the whole process would say what rewriting costs. What the store reads in
// goroutines of its own is left out: the ticks since the last rewrite.
func stopwatch() func() (wall, cost time.Duration) {
	start, used := time.Now(), cpuTime()
	return func() (wall, cost time.Duration) {
		wall = time.Since(start)
		if cost = cpuTime() - used; cost <= 0 || cost > wall {
			cost = wall
		}
		return wall, cost
	}
}

// account counts a rewrite and stretches the interval where it took too much.
func (r *Refresher) account(wall, cost time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := &r.status
	r.took = wall
	r.interval = max(r.cfg.Every, time.Duration(float64(cost)/(slack*r.cfg.Share)))
	st.Interval, st.Seconds = r.interval.Seconds(), cost.Seconds()
	if err == nil {
		st.Rewrites++
		st.LastError = ""
		return
	}
	st.Failures++
	if st.LastError != err.Error() { // once, not every ten seconds
		r.cfg.Logger.Warn("standing files not written; trying again", "error", err, "every", r.interval)
	}
	st.LastError = err.Error()
}

// update brings the rows up to date. Where they are too many, they get coarser.
func (r *Refresher) update(ctx context.Context, w store.Window, again []time.Time) error {
	before := r.rows.level
	if err := r.rows.update(ctx, w, again); err != nil {
		return fmt.Errorf("read points for standing files: %w", err)
	}
	if r.rows.level > before {
		r.patient = 30
	}
	return nil
}

// coarser goes up a level, if there is one.
func (r *Refresher) coarser() bool {
	if r.rows.level == levelPlaces {
		return false
	}
	r.rows.regroup(r.rows.level + 1)
	r.patient = 30
	return true
}

// rewriteFiles writes every file from the rows. A file that cannot be written does
// not keep the others from it.
func (r *Refresher) rewriteFiles(ctx context.Context) (err error) {
	var longest int64
	for i, s := range r.files {
		rep, e := replaceFile(s.path, r.cfg.Owner, func(f *os.File) (Report, error) {
			return writeStanding(ctx, f, r.rows, s, r.options(s))
		})
		if e != nil {
			s.kept.close() // what was written may not be what is there
		}
		if errors.Is(e, errBudget) {
			if r.rows.level < levelPlaces {
				return e
			}
			e = fmt.Errorf("write %q: even sums by place are longer than export.budget (%d bytes): raise it", s.path, r.cfg.Budget)
		}
		if err = errors.Join(err, e); e == nil {
			s.first, s.rows, s.known = rep.First, rep.Rows, !rep.Coverage.Last.IsZero()
			longest = max(longest, rep.Bytes)
			r.wrote(i, rep)
		}
	}
	if err == nil {
		r.relax(longest)
	}
	return err
}

// relax goes a level finer where the files would very likely fit: the next level
// has at most ten times the rows. It is tried every thirty rewrites at most.
func (r *Refresher) relax(longest int64) {
	if r.patient--; r.rows.level > levelTick && r.patient < 0 && longest < r.cfg.Budget/12 {
		r.rows.setLevel(r.rows.level - 1)
		r.patient = 30
	}
}

func (r *Refresher) options(s *standing) Options {
	o := r.cfg.Options
	if r.cfg.Home != nil {
		o.Home = r.cfg.Home()
	}
	if r.cfg.Links != nil {
		o.Links = r.cfg.Links()
	}
	o.Filter.Window = r.rows.window
	o.coarse, o.budget = r.rows.level, r.cfg.Budget
	o.Written = r.cfg.Now().UTC()
	o.Refresh = r.refresh()
	if o.Refresh > r.cfg.Every {
		o.pace = fmt.Sprintf("the file is rewritten every %s, to take no more than %.3g %% of a core",
			o.Refresh.Round(time.Second), 100*r.cfg.Share)
	}
	if s.format == HTML && r.rows.level >= levelAddresses {
		o.Detail = DetailPlaces
		o.MaxRows = 10_000
	}
	return o
}

// writeStanding is Write, with what a standing CSV can take over from the last one,
// and the byte budget also for SQLite, whose length is only known when it is whole.
func writeStanding(ctx context.Context, f *os.File, rows *recent, s *standing, o Options) (Report, error) {
	switch s.format {
	case CSV:
		return writeKept(ctx, f, rows, o, &s.kept)
	case SQLite:
		rep, err := writeSQLite(ctx, f.Name(), rows, o)
		if err == nil && rep.Bytes > o.budget {
			err = errBudget
		}
		return rep, err
	}
	return Write(ctx, f, rows, s.format, o)
}

func (r *Refresher) wrote(i int, rep Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.status.Files[i]
	f.Written, f.Bytes, f.Rows = r.cfg.Now().UTC(), rep.Bytes, rep.Rows
	f.Step, f.Coarsened = rep.Step.Seconds(), rep.Coarsened
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
