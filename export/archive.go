package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// ArchiveConfig says which files an Archive makes. RefresherConfig's Resolve is
// required, and its Window, Every and Aside are not looked at.
type ArchiveConfig struct {
	RefresherConfig
	// Dated puts the day on which the window begins, in Zone, into the names of the files:
	// NAME-2026-11-20.html. So each window has files of its own.
	Dated bool
	Zone  *time.Location // nil: UTC
	Keep  int            // so many days' files are kept, older ones removed; 0: all
}

// Archive makes files of windows that are over, each once: of every day, as the next one
// has begun, or of one time in the past. It takes its time, so as to stay within its
// share of a core. Make one with NewArchive; Status may be called at any time.
type Archive struct {
	cfg ArchiveConfig

	mu     sync.Mutex
	status RefreshStatus
	inner  *Refresher // that makes files now, or has made the last ones; nil: none yet
}

// settled is how long after its end a window is thought to be complete: ticks are
// committed some seconds after they close, and late packets within two.
const settled = time.Minute

// NewArchive returns an Archive; Run starts it.
func NewArchive(cfg ArchiveConfig) *Archive {
	cfg.Aside = true
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	return &Archive{cfg: cfg, status: RefreshStatus{Name: cfg.Name, Dir: cfg.Dir, Files: []FileStatus{}}}
}

// Run makes the files that are missing, now and whenever another window is over, until
// ctx is done. A file that cannot be written is counted, logged and tried again after a
// minute.
func (a *Archive) Run(ctx context.Context) error {
	runtime.LockOSThread() // for costs
	defer runtime.UnlockOSThread()
	for {
		if err := a.make(ctx); err != nil && ctx.Err() == nil {
			a.failed(err)
		}
		if sleep(ctx, settled) != nil {
			return nil // what is missing is made at the next start
		}
	}
}

// make makes the files of the window that was over last, if they are missing.
func (a *Archive) make(ctx context.Context) error {
	now := a.cfg.Now()
	w := a.cfg.Resolve(now)
	if w.To.IsZero() || now.Before(w.To.Add(settled)) {
		return nil
	}
	name := a.cfg.Name
	if a.cfg.Dated {
		name += "-" + w.From.In(a.cfg.Zone).Format(time.DateOnly)
	}
	formats := slices.DeleteFunc(slices.Clone(a.cfg.Formats), func(f Format) bool {
		info, err := os.Stat(filepath.Join(a.cfg.Dir, name+"."+f.String()))
		return err == nil && !info.ModTime().Before(w.To.Add(settled))
	})
	if len(formats) == 0 {
		return nil
	}
	cov, err := a.cfg.Reader.Coverage(ctx, w)
	if err != nil {
		return fmt.Errorf("read coverage: %w", err)
	}
	if cov.First.IsZero() || !cov.First.Before(w.To) {
		return nil // the sensor was not there yet
	}
	cfg := a.cfg.RefresherConfig
	cfg.Name, cfg.Formats, cfg.Logger = name, formats, nil
	cfg.Resolve = func(time.Time) store.Window { return w }
	r := NewRefresher(cfg)
	r.rows.pace = (&pacer{clocks: r.costs.clocks, share: r.cfg.Share}).pace
	a.begin(r)
	err = r.rewrite(ctx)
	a.end(err)
	if err != nil {
		return err
	}
	return a.prune()
}

// begin counts the files of another window.
func (a *Archive) begin(r *Refresher) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inner = r
}

// end takes over what the inner refresher has counted.
func (a *Archive) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	said := a.status.LastError
	a.status, a.inner = a.sum(), nil
	if err != nil {
		a.status.LastError = said // failed says the new one, once
	}
}

// sum is the status of all windows together, with the files of the last one. a.mu is
// held.
func (a *Archive) sum() RefreshStatus {
	s := a.status
	if a.inner == nil {
		return s
	}
	i := a.inner.Status()
	s.Seconds, s.Used = i.Seconds, s.Used+i.Used
	s.Rewrites, s.Failures, s.LastError = s.Rewrites+i.Rewrites, s.Failures+i.Failures, i.LastError
	s.Files = i.Files
	return s
}

// Status returns what the Archive has done so far.
func (a *Archive) Status() RefreshStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sum()
	s.Files = slices.Clone(s.Files)
	return s
}

// failed notes an error, and logs one that is not the same as before.
func (a *Archive) failed(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status.LastError != err.Error() && a.cfg.Logger != nil {
		a.cfg.Logger.Warn("files of a job not written; trying again in a minute", "job", a.cfg.Name, "error", err)
	}
	a.status.LastError = err.Error()
}

// prune removes the oldest files beyond those that are to be kept.
func (a *Archive) prune() error {
	if !a.cfg.Dated || a.cfg.Keep <= 0 {
		return nil
	}
	entries, err := os.ReadDir(a.cfg.Dir)
	if err != nil {
		return fmt.Errorf("look for old files: %w", err)
	}
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(a.cfg.Name) + `-(\d{4}-\d\d-\d\d)\.(` + strings.Join(formatNames[:], "|") + `)$`)
	days := map[string][]string{}
	for _, e := range entries { // in order of their names
		if m := ours.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			days[m[1]] = append(days[m[1]], e.Name())
		}
	}
	var all []string
	for day := range days {
		all = append(all, day)
	}
	slices.Sort(all)
	var errs []error
	for _, day := range all[:max(0, len(all)-a.cfg.Keep)] {
		for _, name := range days[day] {
			errs = append(errs, os.Remove(filepath.Join(a.cfg.Dir, name)))
		}
	}
	return errors.Join(errs...)
}
