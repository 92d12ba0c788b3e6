package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/selftest"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/clickhouse"
)

func (p *program) fleetSelftestCommand() *cobra.Command {
	var o selftest.Options
	var url string
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Hold a server against SQLite: the same batches, the same questions, equal answers?",
		Long: `Try the server, or cluster, that is configured, or the one that --clickhouse names: in a
database of its own, which is made for it and dropped after it, the same made-up traffic is
stored as in an SQLite store, a part of it twice, and both are asked the same random questions.
Every answer has to be equal. Nothing else on the server is touched.

Exit status: 0 all are equal, 1 some differ or something failed, 2 wrong usage.`,
		Example: `  packetheat fleet selftest
  packetheat fleet selftest --clickhouse clickhouse://127.0.0.1:9000 --questions 2000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Questions < 1 || o.Questions > 1_000_000 {
				return usagef("--questions %d is not possible: write a number from 1 to 1000000", o.Questions)
			}
			return p.fleetSelftest(cmd, url, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "clickhouse", "", "`URL` of the server (configuration: fleet.clickhouse.dsn)")
	f.IntVar(&o.Questions, "questions", 100, "how many windows and filters to ask for")
	f.Uint64Var(&o.Seed, "seed", 0, "`NUMBER` that makes the traffic and the questions (another each time)")
	return cmd
}

func (p *program) fleetSelftest(cmd *cobra.Command, url string, o selftest.Options) (err error) {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	if url != "" {
		c.Fleet.ClickHouse.DSN = url
	}
	options := fleetOptions(c, p.logger(c))
	if options.DSN == "" {
		return errNoFleet
	}
	if o.Seed == 0 {
		o.Seed = uint64(time.Now().UnixNano())
	}
	var random [6]byte
	_, _ = rand.Read(random[:]) // never fails
	options.Database = "packetheat_selftest_" + hex.EncodeToString(random[:])
	options.Retention = clickhouse.Retention{} // for ever: nothing goes meanwhile
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s, err := clickhouse.Connect(ctx, options)
	if err != nil {
		return err
	}
	defer func() {
		dropping, cancel := context.WithTimeout(context.WithoutCancel(ctx), fleetConnect)
		defer cancel()
		if e := s.Drop(dropping); e != nil {
			err = errors.Join(err, fmt.Errorf("%w (drop the database %s by hand)", e, options.Database))
		}
		err = errors.Join(err, s.Close())
	}()
	if err := s.Init(ctx); err != nil {
		return err
	}
	p.say("%s, database %s, seed %d", s.Capabilities(), options.Database, o.Seed)
	bar := term.NewCounter(p.err, "asking", int64(o.Questions))
	o.Progress = func(done, _ int) { bar.Set(int64(done)) }
	r, err := selftest.Run(ctx, s, o)
	bar.Done()
	if err != nil {
		return err
	}
	return p.tellSelftest(&r)
}

// tellSelftest prints what came of it.
func (p *program) tellSelftest(r *selftest.Report) error {
	for _, d := range r.Differences {
		if _, err := fmt.Fprintf(p.out, "differs: %s\n%s\n", d.Question, strings.TrimRight(d.Diff, "\n")); err != nil {
			return err
		}
	}
	if len(r.Differences) > 0 {
		p.say("%s differ of %s to %s: please report this with the seed", counted(uint64(len(r.Differences)), "answer"),
			term.Count(uint64(r.Answers)), counted(uint64(r.Questions), "question"))
		return errSilent
	}
	_, err := fmt.Fprintf(p.out, "%s to %s about %s in %s are equal to SQLite's\n", counted(uint64(r.Answers), "answer"),
		counted(uint64(r.Questions), "question"), counted(uint64(r.Points), "point"), counted64(int64(r.Batches), "batch", "batches"))
	return err
}
