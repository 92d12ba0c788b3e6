package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/fleet"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (p *program) fleetImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Ship what a store has, all of it: what was stored before the fleet was",
		Long: `Ship everything that a store (--data) has points of to the configured server. What is there
already counts once, so that an import that was broken off is begun again by the same command.
The store may be a copy; a copy counts as the store that it is one of. A sensor may be writing to
it: then what that ships itself is left to it.

Times whose points retention has given up have sums alone, which stay behind.`,
		Example: `  packetheat fleet import --data /var/lib/packetheat
  packetheat fleet import --data /backup`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.fleetImport(cmd) },
	}
	return cmd
}

func (p *program) fleetImport(cmd *cobra.Command) (err error) {
	w, err := p.connectFleet(cmd, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	s, alone, err := p.openImport(w.config.Store.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	release, err := fleet.LockImport(w.config.Store.Path)
	if err != nil {
		return err
	}
	defer release()
	load := fleet.Load{Store: s, Server: w.Store}
	var bar *term.Bar
	load.Progress = func(done, total int64) {
		if bar == nil {
			bar = term.NewCounter(p.err, "shipping batches", total)
		}
		bar.Set(done)
	}
	r, err := load.Run(w.ctx, alone)
	bar.Done()
	p.say("%s: %s in %s are at the server", w.config.Store.Path, counted(uint64(r.Points), "point"), counted64(r.Batches, "batch", "batches"))
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return errors.New("stopped: the same command goes on where this was, and counts nothing twice")
	case err != nil:
		return fmt.Errorf("%w (the same command goes on, and counts nothing twice)", err)
	}
	if r.Left > 0 {
		p.say("%s are shipped by the sensor that writes to the store", counted64(r.Left, "batch", "batches"))
	}
	if r.Merged > 0 {
		p.say("note: %s had been joined with others of the same tick, which have their points", counted64(r.Merged, "batch", "batches"))
	}
	if r.Refused > 0 {
		p.say("warning: %s behind, which the server does not take: %v", counted64(r.Refused, "batch stays", "batches stay"), r.Cause)
	}
	if r.Damaged > 0 {
		p.say("warning: %s without their points, which cannot be read (packetheat db check)", counted64(r.Damaged, "batch is there", "batches are there"))
		return errSilent
	}
	return nil
}

// openImport opens a store to be read. Nobody else writes to it where alone is set.
func (p *program) openImport(dir string) (s *sqlite.Store, alone bool, err error) {
	reading, err := p.openStore(dir) // it is there: Open would make a new one
	if err != nil {
		return nil, false, err
	}
	s, err = sqlite.Open(dir, sqlite.Options{NoMaintenance: true})
	switch {
	case errors.Is(err, sqlite.ErrLocked):
		return reading, false, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS): // a copy that nobody can write to
		return reading, true, nil
	case err == nil && s.Recovered() != "":
		err = errors.Join(fmt.Errorf("the store was damaged and is now %q; there is nothing left to import", s.Recovered()), s.Close())
	}
	return s, true, errors.Join(err, reading.Close())
}
