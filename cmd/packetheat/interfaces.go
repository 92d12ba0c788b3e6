package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/netdev"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/sensor/capture"
)

func (p *program) interfacesCommand() *cobra.Command {
	var asJSON bool
	wait := time.Second
	cmd := &cobra.Command{
		Use:   "interfaces",
		Short: "List network interfaces, their traffic, and which one run captures on",
		Long: `List the interfaces of this machine with their traffic now, what they are for (WAN: a default
route goes through it), and why "packetheat run", as it is configured, captures on them or
not. The star marks those it captures on.`,
		Example: "  packetheat interfaces --wait 5s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 || wait > time.Minute {
				return usagef("--wait %s is not possible: write a duration up to 1m", wait)
			}
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			rows, reason, err := listInterfaces(cmd.Context(), c.Sensor.Interfaces, wait)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(rows)
			}
			return p.printInterfaces(rows, reason)
		},
	}
	cmd.Flags().Var(&durationFlag{&wait}, "wait", "`TIME` to measure traffic for, 0s for none (default 1s)")
	addJSON(cmd, &asJSON)
	return cmd
}

// interfaceJSON is one interface in the answer.
type interfaceJSON struct {
	Name      string        `json:"name"`
	Up        bool          `json:"up"`
	Kind      string        `json:"kind"`
	Addresses []string      `json:"addresses"`
	MTU       int           `json:"mtu"`
	Roles     []string      `json:"roles"`    // WAN, VPN, bridge, port, wireless
	Captured  bool          `json:"captured"` // by run, as it is configured
	Why       string        `json:"why"`      // it is captured or not
	Rates     *netdev.Rates `json:"rates,omitempty"`
	Dropped   uint64        `json:"rx_dropped"`
	Missed    uint64        `json:"rx_missed"`
	Overruns  uint64        `json:"rx_fifo"`

	elsewhere bool // its other end is in another network namespace
}

// listInterfaces returns all interfaces, and in words why some are captured.
func listInterfaces(ctx context.Context, wanted []string, wait time.Duration) ([]interfaceJSON, string, error) {
	all, err := capture.Interfaces()
	if err != nil {
		return nil, "", fmt.Errorf("list interfaces: %w", err)
	}
	var rates map[string]netdev.Rates
	if wait > 0 {
		if rates, err = netdev.Measure(ctx, wait); err != nil {
			return nil, "", err
		}
	}
	resolution, err := capture.ResolveInterfaces(wanted)
	reason := resolution.Reason
	if err != nil {
		reason = err.Error()
	}
	rows, routes := []interfaceJSON{}, defaultRoutes()
	for _, i := range all {
		row := interfaceJSON{Name: i.Name, Up: i.Up, Kind: i.Kind, MTU: i.MTU, Addresses: []string{},
			Dropped: i.Lost.RxDropped, Missed: i.Lost.RxMissed, Overruns: i.Lost.RxFIFO, elsewhere: i.Elsewhere}
		if i.Loopback {
			row.Kind = "loopback"
		}
		for _, a := range i.Addresses {
			row.Addresses = append(row.Addresses, a.String())
		}
		row.Captured = slices.ContainsFunc(resolution.Interfaces, func(c capture.Interface) bool { return c.Index == i.Index })
		row.Roles = append([]string{}, rolesOf(&i, routes, isWireless(i.Name))...)
		row.Why = whyOf(&i, wanted, &resolution, routes)
		if r, ok := rates[i.Name]; ok {
			row.Rates = &r
		}
		rows = append(rows, row)
	}
	return rows, reason, nil
}

func (p *program) printInterfaces(rows []interfaceJSON, reason string) error {
	var t term.Table
	t.Head("", "interface", "state", "kind", ">packets/s in", ">out", ">bit/s in", ">out", ">lost", "role", "why", "addresses")
	for _, r := range rows {
		mark, state, lost := "", "down", ""
		if r.Captured {
			mark = "*"
		}
		if r.Up {
			state = "up"
		}
		if n := r.Dropped + r.Missed + r.Overruns; n > 0 {
			lost = term.Count(n)
		}
		var rates [4]string
		if r.Rates != nil {
			for i, x := range []float64{r.Rates.PacketsIn, r.Rates.PacketsOut, 8 * r.Rates.BytesIn, 8 * r.Rates.BytesOut} {
				rates[i] = term.Count(uint64(x + 0.5))
			}
		}
		t.Row(mark, r.Name, state, r.Kind, rates[0], rates[1], rates[2], rates[3], lost, strings.Join(r.Roles, " "), r.Why, strings.Join(r.Addresses, " "))
	}
	if _, err := t.WriteTo(p.out); err != nil {
		return err
	}
	p.say("* captured by run: %s", reason)
	return nil
}
