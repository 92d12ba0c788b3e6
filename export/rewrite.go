package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/packetheat/packetheat/store"
)

// rewrite writes all files and works out when it may do so again.
func (r *Refresher) rewrite(ctx context.Context) error {
	r.mu.Lock()
	window := r.window()
	again := r.news.ticks
	r.news.changed, r.news.idle, r.news.ticks = false, false, nil
	r.mu.Unlock()
	stop := r.costs.measure()
	if r.heavy && r.rows.level < levelWindow { // beyond that, it is rows that are missed
		r.coarser()
	}
	full := r.rows.full
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
	r.heavy = err == nil && r.rows.full == full && r.refresh() > max(time.Minute, 6*r.cfg.Every)
	r.cheap = cost.Seconds()*finer < r.cfg.Share*r.cfg.Every.Seconds()
	return err
}

// finer is how many times the rows, and the work, of a level the next finer one may have.
const finer = 12

// account counts a rewrite and stretches the interval where it took too much.
func (r *Refresher) account(wall, cost time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := &r.status
	r.took = wall
	r.interval = max(r.cfg.Every, time.Duration(float64(cost)/(slack*r.cfg.Share)))
	st.Interval, st.Seconds = r.interval.Seconds(), cost.Seconds()
	st.Used += cost.Seconds()
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
	if r.patient--; r.rows.level > levelTick && r.patient < 0 && longest < r.cfg.Budget/finer && r.cheap {
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
	o.coarse, o.long, o.budget = r.rows.level, r.rows.long, r.cfg.Budget
	o.Written = r.cfg.Now().UTC()
	if r.cfg.Resolve == nil || o.Written.Before(r.rows.window.To.Add(time.Second)) { // else it is over
		o.Refresh = r.refresh()
	}
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
