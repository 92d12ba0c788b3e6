package main

import (
	"context"
	"fmt"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

// exporter keeps some files: an export.Refresher or an export.Archive.
type exporter interface {
	Run(ctx context.Context) error
	Status() export.RefreshStatus
}

// jobRows is how many rows a job keeps in memory, about: 5 MB. The main files, which
// everybody looks at, may have more.
const jobRows = 150_000

// jobKind says when the files of a job are written.
type jobKind uint8

const (
	jobRolling jobKind = iota // again and again: its window ends now, or has yet to end
	jobOnce                   // once: its window is over
	jobDaily                  // once for each window: its words mean another day tomorrow
)

// kindOf finds out by asking what the words mean now, and what in eight days: on another
// day of the week.
func kindOf(spec store.WindowSpec, now time.Time, zone *time.Location) (jobKind, error) {
	w, err := spec.Resolve(now, zone)
	if err != nil {
		return 0, err
	}
	if spec.Last != "" || w.To.IsZero() || !w.To.Before(now) {
		return jobRolling, nil
	}
	later, err := spec.Resolve(now.AddDate(0, 0, 8), zone)
	if err != nil || later.From.Equal(w.From) {
		return jobOnce, err
	}
	return jobDaily, nil
}

// newJob makes what does a job, from the configuration of the main files and with a share
// of a core of its own.
func newJob(j *config.Job, main export.RefresherConfig, share float64, zone *time.Location) (exporter, error) {
	kind, err := kindOf(j.Window, main.Now(), zone)
	if err != nil {
		return nil, fmt.Errorf("job %q of export.jobs: %w", j.Name, err)
	}
	cfg := main
	cfg.Name, cfg.Share, cfg.Aside, cfg.Rows = j.Name, share, true, jobRows
	if len(j.Formats) > 0 {
		cfg.Formats = formatsOf(j.Formats)
	}
	if j.Refresh > 0 {
		cfg.Every = j.Refresh
	}
	if cfg.Options.Filter, err = store.ParseFilterWith(j.Filter, cfg.Options.Labels); err != nil {
		return nil, fmt.Errorf("filter of job %q of export.jobs: %w", j.Name, err)
	}
	spec, meant := j.Window, store.Window{}
	cfg.Resolve = func(now time.Time) store.Window {
		w, err := spec.Resolve(now, zone)
		if err != nil { // hardly: it has been possible before
			return meant
		}
		meant = w
		return w
	}
	if kind == jobRolling {
		return export.NewRefresher(cfg), nil
	}
	return export.NewArchive(export.ArchiveConfig{RefresherConfig: cfg, Dated: kind == jobDaily, Zone: zone, Keep: j.Keep}), nil
}

// formatsOf are the formats of names that the configuration has let through.
func formatsOf(names []string) (list []export.Format) {
	for _, name := range names {
		if format, err := export.ParseFormat(name); err == nil {
			list = append(list, format)
		}
	}
	return list
}

// newJobs makes the jobs of a configuration. The main files keep half of the share, all
// of it where there are no jobs; each job has an equal part of the other half.
func newJobs(c *config.Loaded, main *export.RefresherConfig) (jobs []exporter, err error) {
	list := c.Export.Jobs
	if len(list) == 0 {
		return nil, nil
	}
	main.Share /= 2
	for i := range list {
		job, err := newJob(&list[i], *main, main.Share/float64(len(list)), time.Local)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// exports is the status of the main files with the counts of jobs added, as metrics have
// them.
func (r *live) exports() export.RefreshStatus {
	s := r.refresher.Status()
	for _, one := range r.jobStatus() {
		s.Rewrites, s.Failures, s.Skipped, s.Used = s.Rewrites+one.Rewrites, s.Failures+one.Failures, s.Skipped+one.Skipped, s.Used+one.Used
	}
	return s
}

func (r *live) jobStatus() []export.RefreshStatus {
	list := []export.RefreshStatus{}
	for _, job := range r.jobs {
		list = append(list, job.Status())
	}
	return list
}
