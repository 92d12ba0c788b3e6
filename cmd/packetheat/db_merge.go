package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (p *program) dbMergeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge OTHER…",
		Short: "Add other stores to this one: several sensors, or parts of one",
		Long: `Add all that is in the stores in the folders OTHER to the one that --data names (configuration:
store.path). The others are only read, and may be written to meanwhile; no sensor may write to
this one. What is in both counts once: a batch is known by its sensor, time and number, so that
a merge that was broken off can be begun again. Where a store has given up its points of some
time, its sums are added if this one has nothing of that sensor, and nothing finer, of that
time; else they stay out, and are listed.

To look at several stores on one map without merging them: packetheat serve --data A --data B.

Exit status: 0 all is in, 1 something stayed out or failed, 2 wrong usage.`,
		Example: `  packetheat db merge --data all berlin tokyo
  packetheat db merge /backup`,
		Args: atLeastOne("the folders of the stores to add"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.dbMerge(cmd, args) },
	}
	return cmd
}

func (p *program) dbMerge(cmd *cobra.Command, folders []string) (err error) {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	// A new store gets the first other's ticks; the others are looked at first.
	var others []*sqlite.Store
	defer func() {
		for _, other := range others {
			err = errors.Join(err, other.Close())
		}
	}()
	for _, dir := range folders {
		other, err := p.openStore(dir)
		if err != nil {
			return err
		}
		others = append(others, other)
	}
	if _, err := os.Stat(filepath.Join(c.Store.Path, sqlite.FileName)); errors.Is(err, fs.ErrNotExist) {
		made, err := sqlite.Open(c.Store.Path, sqlite.Options{Tick: others[0].Tick(), NoMaintenance: true})
		if err != nil {
			return err
		}
		p.say("made the store %s", filepath.Join(c.Store.Path, sqlite.FileName))
		if err := made.Close(); err != nil {
			return err
		}
	}
	s, err := p.openWriting(cmd, true, "a merge needs the store for itself: name another with --data, or look at both with packetheat serve --data A --data B")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := false
	for i, other := range others {
		progress, done := p.progress("adding " + folders[i])
		merged, err := s.MergeFrom(s.ctx, other, progress)
		done()
		if err != nil {
			return err
		}
		p.sayMerged(folders[i], &merged)
		out = out || merged.LeftOutBatches+merged.Damaged > 0
	}
	if err := s.Maintain(s.ctx, false); err != nil {
		return err
	}
	if out {
		return errSilent
	}
	return nil
}

// sayMerged tells what came of a merge.
func (p *program) sayMerged(name string, m *sqlite.Merged) {
	line := fmt.Sprintf("%s: added %s in %s", name, counted(uint64(m.Points), "point"), counted64(m.Batches, "batch", "batches"))
	if m.Tiers > 0 {
		line += fmt.Sprintf(", sums of %s without points", counted(uint64(m.Tiers), "interval"))
	}
	if m.Days > 0 {
		line += fmt.Sprintf(", addresses of %s without points", counted(uint64(m.Days), "day"))
	}
	if m.Known > 0 {
		line += fmt.Sprintf("; %s there already", counted64(m.Known, "batch was", "batches were"))
	}
	p.say("%s", line)
	if m.Damaged > 0 {
		p.say("warning: %s damaged and stayed out", counted64(m.Damaged, "batch is", "batches are"))
	}
	const most = 20
	for i, l := range m.LeftOut {
		if i == most {
			p.say("and %d more times", len(m.LeftOut)-most)
			break
		}
		p.say("warning: %s of %s, %s, stayed out: %s", counted64(l.Batches, "batch", "batches"), l.Sensor, l.Window, l.Why)
	}
}

// counted64 is "1 batch", "7 batches".
func counted64(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return term.Count(uint64(n)) + " " + many
}
