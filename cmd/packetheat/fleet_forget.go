package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/clickhouse"
)

func (p *program) fleetForgetCommand() *cobra.Command {
	var yes, try bool
	cmd := &cobra.Command{
		Use:   "forget ADDRESS|NETWORK…",
		Short: "Take addresses out of the server's tables, for ever",
		Long: `Take every point of every sensor out of the configured server's tables whose address or peer is
one of those named, or in one of the networks; sums are made anew without them. It is what
packetheat db forget does to one store. Do that on each sensor first: what a sensor has not
shipped yet, it ships as its store has it.

The books stay: each tick still says how many packets, bytes and points were captured, and how
many of them had no place, which tells of nobody. Sums whose points were given up before know no
addresses and stay. Sensors may go on to ship; broken off, the same command goes on. It needs a
user that may ALTER the tables. On a cluster a node that is away does it when it is back; the
command fails meanwhile, and says so. Not touched: the sensors' own stores, backups and logs of
the server, exports and copies.

Exit status: 0 done, also where there was nothing, 1 failed, 2 wrong usage.`,
		Example: `  packetheat fleet forget 203.0.113.7 --dry-run
  packetheat fleet forget 203.0.113.0/24 2001:db8::/32 --yes`,
		Args: atLeastOne("the addresses and networks to forget"),
		RunE: func(cmd *cobra.Command, args []string) error {
			networks, err := parseNetworks(args)
			if err != nil {
				return err
			}
			return p.fleetForget(cmd, networks, yes, try)
		},
	}
	destroying(cmd, &yes, &try)
	return cmd
}

func (p *program) fleetForget(cmd *cobra.Command, networks []netip.Prefix, yes, try bool) (err error) {
	w, err := p.connectFleet(cmd, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	would, err := w.Forget(w.ctx, networks, true)
	if err != nil {
		return err
	}
	what := forgottenText(&would)
	if try {
		p.say("would take out %s", what)
		return nil
	}
	if err := p.confirm(yes, "Take out %s of %s at the server, for ever?", what, networksText(networks)); err != nil {
		return err
	}
	p.say("forgetting: the server writes its tables anew, which may take minutes")
	gone, err := w.Forget(w.ctx, networks, false)
	if err != nil {
		return fmt.Errorf("%w (the same command goes on where this was)", err)
	}
	p.say("took out %s; sums of %s made anew", forgottenText(&gone), counted(uint64(gone.Sums), "interval"))
	if gone.Old > 0 {
		p.say("note: %s of which finer sums are gone still have it in theirs", counted(uint64(gone.Old), "interval"))
	}
	p.say("not touched: the sensors' own stores (packetheat db forget), backups and logs of the server, exports and copies")
	return nil
}

func forgottenText(f *clickhouse.Forgotten) string {
	s := fmt.Sprintf("%s with %s and %s", counted(f.Points, "point"), counted(f.Sum.Packets, "packet"), term.Bytes(f.Sum.Bytes))
	if len(f.Sensors) > 0 {
		s += " from " + counted(uint64(len(f.Sensors)), "sensor")
	}
	return s
}
