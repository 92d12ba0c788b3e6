package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
)

// answerer is what questions are put to: a store, or the ClickHouse of a fleet.
type answerer interface {
	export.Reader
	Answered(ctx context.Context, f store.Filter) (store.Filter, error)
	Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error
	Close() error
}

// askFleet is the flag, as commands write it, by which all sensors are asked.
const askFleet = "--fleet"

// fleetFlag adds the flag to a command that asks.
func (q *question) fleetFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&q.fleet, "fleet", false, "ask for all sensors of fleet.clickhouse in place of the store")
}

// openAsked opens what q is put to, for reading.
func (p *program) openAsked(cmd *cobra.Command, q *question, c *config.Loaded) (answerer, error) {
	if !q.fleet {
		s, err := p.openStore(c.Store.Path)
		if err != nil {
			return nil, err // no *sqlite.Store that is nil
		}
		return s, nil
	}
	if cmd.Flags().Changed("data") {
		return nil, errTwoThings
	}
	s, err := openFleet(cmd.Context(), fleetOptions(c, nil))
	if err != nil {
		return nil, err
	}
	return s, nil
}

var errTwoThings = usagef("--fleet and --data are two things to ask: give one of them")

// openFleet connects to the server of a fleet.
func openFleet(ctx context.Context, o clickhouse.Options) (*clickhouse.Store, error) {
	if o.DSN == "" {
		return nil, errNoFleet
	}
	connecting, cancel := context.WithTimeout(ctx, fleetConnect)
	defer cancel()
	return clickhouse.Open(connecting, o)
}

// name is what is asked, in words.
func (a *asked) name() string {
	if a.fleet {
		return "the fleet"
	}
	return fmt.Sprintf("the store %q", a.config.Store.Path)
}

// source is how a command names what is asked, "" where it need not.
func (a *asked) source() string {
	if a.fleet {
		return askFleet
	}
	return ""
}
