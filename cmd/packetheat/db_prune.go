package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

func (p *program) dbPruneCommand() *cobra.Command {
	var before, keep string
	var yes, try bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Give up old points now: by the configured retention, or before a time",
		Long: `Delete points with their addresses and ports, and give the room back. Sums by place, network,
port and protocol stay: the map of that time still works, in steps of 10 minutes, an hour or a
day. Without flags, what store.retention does not keep goes at once; a running sensor does the
same little by little, so no sensor may write to the store.

Exit status: 0 done, 1 failed, 2 wrong usage.`,
		Example: `  packetheat db prune --dry-run
  packetheat db prune --keep-points 7d --yes
  packetheat db prune --before 2026-11-01`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if before != "" && keep != "" {
				return usagef("--before and --keep-points say two things: give one of them")
			}
			return p.dbPrune(cmd, before, keep, yes, try)
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "give up points before this `TIME`")
	cmd.Flags().StringVar(&keep, "keep-points", "", "give up points older than this `DURATION` before the newest, for example 7d")
	destroying(cmd, &yes, &try)
	return cmd
}

func (p *program) dbPrune(cmd *cobra.Command, before, keep string, yes, try bool) (err error) {
	s, err := p.openWriting(cmd, !try, "a running sensor gives up what store.retention says by itself: change that, and kill -HUP")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	retention := retentionOf(s.config)
	coverage, err := s.Coverage(s.ctx, store.Window{})
	if err != nil {
		return err
	}
	if coverage.Last.IsZero() {
		p.say("the store is empty")
		return nil
	}
	end, err := pruneEnd(before, keep, coverage.Last, retention.Points)
	if err != nil {
		return err
	}
	points, from, err := s.prunable(end)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s from %s to %s", counted(points, "point"), from.Local().Format("2006-01-02 15:04"), end.Local().Format("2006-01-02 15:04 MST"))
	if points == 0 {
		what = "no points"
	}
	byRetention := before == "" && keep == ""
	if byRetention {
		what += ", sums older than store.retention.views, and what there is no room for"
	}
	if try {
		p.say("would give up %s", what)
		return nil
	}
	if err := p.confirm(yes, "Give up %s, for ever?", what); err != nil {
		return err
	}
	size := storeBytes(s.config.Store.Path)
	if byRetention {
		s.SetRetention(retention)
		err = s.Prune(s.ctx)
	} else {
		err = s.PruneBefore(s.ctx, end)
	}
	if err != nil {
		return err
	}
	kept, err := s.Kept(s.ctx)
	if err != nil {
		return err
	}
	p.say("gave up %s; the store's files had %s and have %s", counted(uint64(kept.PrunedPoints), "point"), term.Bytes(uint64(size)), term.Bytes(uint64(storeBytes(s.config.Store.Path))))
	return nil
}

// pruneEnd is where points end that are to go.
func pruneEnd(before, keep string, newest time.Time, age time.Duration) (time.Time, error) {
	switch {
	case before != "":
		end, err := store.ParseTime(before, time.Now(), time.Local)
		if err != nil {
			return end, usageError{err}
		}
		return end, nil
	case keep != "":
		length, err := store.ParseDuration(keep)
		if err != nil {
			return newest, usageError{err}
		}
		return newest.Add(-length), nil
	case age == 0: // kept for ever
		return time.Time{}, nil
	}
	return newest.Add(-age), nil
}

// prunable counts the points before end that have not been given up yet, and says where
// they begin.
func (w *writing) prunable(end time.Time) (points uint64, from time.Time, err error) {
	kept, err := w.Kept(w.ctx)
	if err != nil || end.IsZero() || !kept.Points.IsZero() && !kept.Points.Before(end) {
		return 0, end, err
	}
	coverage, err := w.Coverage(w.ctx, store.Window{From: kept.Points, To: end})
	return coverage.Points, coverage.Window.From, err
}
