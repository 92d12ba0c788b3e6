package main

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/alert"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

func (p *program) dbForgetCommand() *cobra.Command {
	var yes, try bool
	cmd := &cobra.Command{
		Use:   "forget ADDRESS|NETWORK…",
		Short: "Take addresses out of the store, for ever",
		Long: `Take every point out whose address or peer is one of those named, or in one of the networks.
Sums are made anew without them, and the file is written anew without their bytes, for which
the disk needs room for it a second time. No sensor may write to the store, and nobody read it.

What was captured stays counted, as packets and bytes that nobody can attribute. Sums whose
points were given up before know no addresses and stay. Not touched, but named: the files in
export.dir, which the sensor writes anew when it next runs; backups, exports and copies. A server
that the store was shipped to has its own command: packetheat fleet forget.

Exit status: 0 done, also where there was nothing, 1 failed, 2 wrong usage.`,
		Example: `  packetheat db forget 203.0.113.7 --dry-run
  packetheat db forget 203.0.113.0/24 2001:db8::/32 --yes`,
		Args: atLeastOne("the addresses and networks to forget"),
		RunE: func(cmd *cobra.Command, args []string) error {
			networks, err := parseNetworks(args)
			if err != nil {
				return err
			}
			return p.dbForget(cmd, networks, yes, try)
		},
	}
	destroying(cmd, &yes, &try)
	return cmd
}

// parseNetworks reads addresses and networks as the filter language does.
func parseNetworks(args []string) (networks []netip.Prefix, err error) {
	for _, arg := range args {
		f, err := store.ParseFilter("host:" + arg)
		if err != nil || len(f.Terms) != 1 {
			return nil, usagef("%q is no address or network: write 1.2.3.4, 1.2.3.0/24 or 2001:db8::/32", arg)
		}
		networks = append(networks, f.Terms[0].Networks...)
	}
	return networks, nil
}

// networksText is networks as they are asked about.
func networksText(networks []netip.Prefix) string {
	names := make([]string, len(networks))
	for i, n := range networks {
		names[i] = store.PrefixString(n)
	}
	return strings.Join(names, ", ")
}

func (p *program) dbForget(cmd *cobra.Command, networks []netip.Prefix, yes, try bool) (err error) {
	s, err := p.openWriting(cmd, !try, "stop the sensor, forget, and start it again")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	progress, done := p.progress("searching")
	would, err := s.Forget(s.ctx, networks, true, progress)
	done()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%s with %s and %s", counted(uint64(would.Points), "point"), counted(would.Sum.Packets, "packet"), term.Bytes(would.Sum.Bytes))
	if would.Days > 0 {
		what += fmt.Sprintf(", and addresses of %s", counted(uint64(would.Days), "day"))
	}
	alerts, err := alert.Forget(s.config.Store.Path, networks, true)
	if err != nil {
		return err
	}
	if alerts > 0 {
		what += fmt.Sprintf(", and %s", counted(uint64(alerts), "alert"))
	}
	if try {
		p.say("would take out %s", what)
		return p.sayUnread(would.Damaged)
	}
	if err := p.confirm(yes, "Take out %s of %s, for ever?", what, networksText(networks)); err != nil {
		return err
	}
	progress, done = p.progress("forgetting")
	gone, err := s.Forget(s.ctx, networks, false, progress)
	done()
	if err != nil {
		return err
	}
	if _, err := alert.Forget(s.config.Store.Path, networks, false); err != nil {
		return err
	}
	p.say("took out %s with %s and %s; %s and %s written anew", counted(uint64(gone.Points), "point"), counted(gone.Sum.Packets, "packet"),
		term.Bytes(gone.Sum.Bytes), counted(uint64(gone.Blocks), "block"), counted(uint64(gone.Tiers), "tier"))
	p.say("not touched: files in %s until the sensor next runs, backups, exports and copies", s.config.Export.Dir)
	if aside, _ := filepath.Glob(filepath.Join(s.config.Store.Path, "*.corrupt-*")); len(aside) > 0 {
		p.say("not touched: %s", strings.Join(aside, ", "))
	}
	return p.sayUnread(gone.Damaged)
}

// sayUnread fails where a part of the store could not be searched.
func (p *program) sayUnread(n int64) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s damaged and could not be searched (packetheat db check --rewrite, then forget again; or db prune --before a time behind it)", counted64(n, "block or tier is", "blocks or tiers are"))
}
