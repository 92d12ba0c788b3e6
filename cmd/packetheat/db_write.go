package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

// writing is a store that a command of db works on. Close it.
type writing struct {
	*sqlite.Store
	config *config.Loaded
	ctx    context.Context // ends with Ctrl+C
	stop   context.CancelFunc
}

// openWriting opens the configured store: for writing where that is wanted, which is
// refused while a sensor writes to it. instead says what to do then.
func (p *program) openWriting(cmd *cobra.Command, write bool, instead string) (*writing, error) {
	c, err := p.load(cmd)
	if err != nil {
		return nil, err
	}
	s, err := p.openStore(c.Store.Path)
	if err == nil && write {
		if err = s.Close(); err == nil { // it is there: Open would make a new one
			s, err = sqlite.Open(c.Store.Path, sqlite.Options{NoMaintenance: true, Retention: retentionOf(c), Logger: p.logger(c)})
		}
	}
	switch {
	case errors.Is(err, sqlite.ErrLocked) && instead != "":
		return nil, fmt.Errorf("%w; %s", err, instead)
	case err != nil:
		return nil, err
	}
	if aside := s.Recovered(); aside != "" {
		return nil, errors.Join(fmt.Errorf("the store was damaged and is now %q; there is nothing left to work on", aside), s.Close())
	}
	w := &writing{Store: s, config: c}
	w.ctx, w.stop = signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	return w, nil
}

func (w *writing) Close() error {
	w.stop()
	return w.Store.Close()
}

// confirm asks whether something is to be done that cannot be undone.
func (p *program) confirm(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	in, ok := p.in.(*os.File)
	if !ok || !term.Is(in) || !term.Is(p.err) {
		return usagef("this cannot be undone: add --yes to do it, or --dry-run to see what it would do")
	}
	fmt.Fprintf(p.err, "%s [y/N] ", term.Clean(fmt.Sprintf(format, args...)))
	answer, _ := bufio.NewReader(in).ReadString('\n') // no answer is no
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// destroying adds the flags of commands that cannot be undone.
func destroying(cmd *cobra.Command, yes, try *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do it without asking")
	cmd.Flags().BoolVar(try, "dry-run", false, "only say what would go")
}
