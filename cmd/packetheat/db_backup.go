package main

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (p *program) dbBackupCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store to a file, also while a sensor writes to it",
		Long: `Write all that is stored now to FILE, also while a sensor writes to the store: it is not
held up. The file appears as a whole, on the disk, or not at all. It is a store of its
own, without the gaps that deleted points leave: named ` + sqlite.FileName + `, its folder
can be given to --data. What is stored meanwhile makes the store's log longer until the
backup is done.`,
		Example: `  packetheat db backup /backup/` + sqlite.FileName + `
  packetheat db backup --force /backup/` + sqlite.FileName + ` && packetheat serve --data /backup`,
		Args: oneName("the file to write, for example /backup/" + sqlite.FileName),
		RunE: func(cmd *cobra.Command, args []string) error { return p.dbBackup(cmd, args[0], force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it is there")
	return cmd
}

func (p *program) dbBackup(cmd *cobra.Command, path string, force bool) (err error) {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	s, err := p.openStore(c.Store.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	progress, done := p.progress("copying")
	defer done()
	switch err := s.Backup(ctx, path, force, progress); {
	case errors.Is(err, sqlite.ErrExists):
		return errors.New(err.Error() + " (name another, or add --force)")
	case err != nil:
		return err
	}
	done()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	p.say("wrote %s: %s", path, term.Bytes(uint64(info.Size())))
	if filepath.Base(path) == sqlite.FileName {
		p.say("look into it: packetheat serve --data %s", filepath.Dir(path))
	} else {
		p.say("to look into it, put it into a folder as %s and give that to --data", sqlite.FileName)
	}
	return nil
}

// progress returns what shows a store's Progress in bytes on a terminal, and what ends
// it, which may be called again.
func (p *program) progress(title string) (show sqlite.Progress, done func()) {
	var bar *term.Bar
	return func(n, total int64) {
		if bar == nil {
			bar = term.NewBar(p.err, title, total)
		}
		bar.Set(n)
	}, func() { bar.Done() }
}

// oneName wants exactly one argument; what says which.
func oneName(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("%s what? name %s", cmd.CommandPath(), what)
		case len(args) > 1:
			return usagef("%s takes one name, and %q is one more", cmd.CommandPath(), args[1])
		}
		return nil
	}
}
