package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/store/clickhouse"
)

func (p *program) fleetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Many sensors on one map, in ClickHouse: init, upgrade, status, import, forget, selftest",
		Long: `Look after the ClickHouse server or cluster in which many sensors keep their points together.

  1. Say where it is, on every sensor: fleet.clickhouse in the configuration.
  2. Make the tables, once: packetheat fleet init
  3. Start the sensors: each ships what it stores from then on; capture never waits for it.
  4. Look at all of them: packetheat serve --fleet

Each sensor goes on to keep its own store, which holds what is to be shipped while the server
is away. What is sent again counts once. All about it: packetheat help clickhouse`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.fleetInitCommand(), p.fleetUpgradeCommand(), p.fleetStatusCommand(), p.fleetImportCommand(), p.fleetForgetCommand(), p.fleetSelftestCommand())
	return cmd
}

// fleetWork is a connection for a command of fleet. Close it.
type fleetWork struct {
	*clickhouse.Store
	config *config.Loaded
	ctx    context.Context // ends with Ctrl+C
	stop   context.CancelFunc
}

func (w *fleetWork) Close() error {
	w.stop()
	return w.Store.Close()
}

// connectFleet connects to the configured server: with tables, it looks whether they are
// there and of this version.
func (p *program) connectFleet(cmd *cobra.Command, tables bool) (*fleetWork, error) {
	c, err := p.load(cmd)
	if err != nil {
		return nil, err
	}
	o := fleetOptions(c, p.logger(c))
	if o.DSN == "" {
		return nil, errNoFleet
	}
	w := &fleetWork{config: c}
	w.ctx, w.stop = signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	connect := clickhouse.Connect
	if tables {
		connect = clickhouse.Open
	}
	connecting, cancel := context.WithTimeout(w.ctx, fleetConnect)
	defer cancel()
	if w.Store, err = connect(connecting, o); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

// fleetConnect is how long a command waits for the server.
const fleetConnect = 30 * time.Second

func (p *program) fleetInitCommand() *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the database and its tables",
		Long: `Make the database fleet.clickhouse.database (packetheat) and its tables; what is there stays as
it is. Tables forget what is older than fleet.clickhouse.retention says. With
fleet.clickhouse.cluster they are replicated, and spread over its shards.

--print only shows the SQL, as it suits the server that is configured, or a current one
where none can be asked: for whoever may not, or rather would not, let programs make tables.`,
		Example: `  packetheat fleet init
  packetheat fleet init --print | clickhouse-client --multiquery`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if show {
				return p.fleetPrint(cmd)
			}
			w, err := p.connectFleet(cmd, false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			if err := w.Init(w.ctx); err != nil {
				return err
			}
			p.say("the tables are there: %s", w.Capabilities())
			p.say("next: start the sensors with this configuration, and look at them with packetheat serve --fleet")
			return nil
		},
	}
	cmd.Flags().BoolVar(&show, "print", false, "print the SQL and do nothing")
	return cmd
}

// fleetPrint prints what init would do.
func (p *program) fleetPrint(cmd *cobra.Command) error {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	o, caps := fleetOptions(c, p.logger(c)), clickhouse.Modern()
	if o.DSN != "" {
		ctx, cancel := context.WithTimeout(cmd.Context(), fleetConnect)
		defer cancel()
		if s, err := clickhouse.Connect(ctx, o); err != nil {
			p.say("note: the server cannot be asked what it is able to do (%v): this is for a current one", err)
		} else {
			caps = s.Capabilities()
			if err := s.Close(); err != nil {
				return err
			}
		}
	}
	return p.printSQL(clickhouse.Statements(o, caps))
}

func (p *program) printSQL(statements []string) error {
	_, err := fmt.Fprint(p.out, strings.Join(append(statements, ""), ";\n"))
	return err
}

func (p *program) fleetUpgradeCommand() *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Bring the tables to this version of the program, and to fleet.clickhouse.retention",
		Long: `Bring tables that an older packetheat has made to what this one needs, make what is missing,
and let them keep things for as long as fleet.clickhouse.retention says now. Do it before the
sensors are upgraded: an older one goes on to ship. It may be run again at any time.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			w, err := p.connectFleet(cmd, false)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			if show {
				statements, err := w.UpgradeStatements(w.ctx)
				if err != nil {
					return err
				}
				return p.printSQL(statements)
			}
			if err := w.Upgrade(w.ctx); err != nil {
				return err
			}
			p.say("the tables are of this version: %s", w.Capabilities())
			return nil
		},
	}
	cmd.Flags().BoolVar(&show, "print", false, "print the SQL and do nothing")
	return cmd
}
