package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/sensor/capture"
)

// measured is how long doctor looks at the counters of interfaces.
const measured = time.Second

func (e *examination) interfaces(ctx context.Context) {
	rows, reason, err := listInterfaces(ctx, e.c.Sensor.Interfaces, measured)
	if err != nil {
		e.add("interfaces", failure, err.Error(), "")
		return
	}
	r, err := capture.ResolveInterfaces(e.c.Sensor.Interfaces)
	if err != nil {
		e.add("interfaces", failure, err.Error(), "packetheat interfaces lists those there are; name one with --interface")
		return
	}
	if len(r.Missing) > 0 {
		e.add("interfaces", warning, "there is no "+strings.Join(r.Missing, ", "), "run waits for it; packetheat interfaces lists those there are")
	}
	if r.Fallback {
		e.add("interfaces", warning, reason, "name the right ones with --interface or sensor.interfaces")
	} else {
		e.add("interfaces", good, reason, "")
	}
	e.traffic(rows)
	e.findings = append(e.findings, tunnelled(rows)...)
	e.findings = append(e.findings, translated(rows, forwards())...)
	e.findings = append(e.findings, enclosed(rows)...)
	for _, row := range rows {
		if row.Captured && row.Kind != "loopback" {
			e.offloads(row.Name)
		}
	}
	e.flowOffload()
}

// traffic says what crosses the interfaces that are captured.
func (e *examination) traffic(rows []interfaceJSON) {
	packets := 0.0
	var names []string
	for _, row := range rows {
		if !row.Captured {
			continue
		}
		names = append(names, row.Name)
		if row.Rates != nil {
			packets += row.Rates.PacketsIn + row.Rates.PacketsOut
		}
		if lost := row.Dropped + row.Missed + row.Overruns; lost > 0 {
			e.add("interfaces", note, fmt.Sprintf("%s has lost %s frames before any program could see them", row.Name, term.Count(lost)),
				"ethtool -S "+row.Name+" tells more; nothing in packetheat can count them")
		}
	}
	if packets == 0 {
		e.add("traffic", warning, fmt.Sprintf("no packet in %s on %s", measured, joined(names)),
			"packetheat interfaces --wait 10s shows where traffic is")
		return
	}
	e.add("traffic", good, fmt.Sprintf("%s packets/s on %s", term.Count(uint64(packets+0.5)), joined(names)), "")
}

// tunnelled finds VPNs that carry nearly all of what a captured interface does: then the
// map has but one place, that of the VPN's other end.
func tunnelled(rows []interfaceJSON) (found []finding) {
	const (
		nearlyAll = 0.8
		least     = 10_000 // bytes/s: below, it may be chance
	)
	for _, vpn := range rows {
		if vpn.Captured || vpn.Rates == nil || !contains(vpn.Roles, roleVPN) {
			continue
		}
		inside := vpn.Rates.BytesIn + vpn.Rates.BytesOut
		for _, wire := range rows {
			if !wire.Captured || wire.Rates == nil || wire.Kind == "loopback" {
				continue
			}
			if outside := wire.Rates.BytesIn + wire.Rates.BytesOut; inside >= least && inside >= nearlyAll*outside {
				found = append(found, finding{"vpn", warning,
					fmt.Sprintf("%s, a VPN, carries %.0f %% of the bytes of %s: the map shows the VPN's other end only", vpn.Name, min(100, 100*inside/outside), wire.Name),
					fmt.Sprintf("capture inside: --interface %s, or sensor.interfaces: [%s]", vpn.Name, vpn.Name)})
			}
		}
	}
	return found
}

// translated says on which side of a NAT the captured interfaces are.
func translated(rows []interfaceJSON, forwarding bool) (found []finding) {
	var inside []string // up, private addresses only, not captured
	for _, row := range rows {
		if public, private := sides(row.Addresses); row.Up && private && !public && !row.Captured && row.Kind != "loopback" {
			inside = append(inside, row.Name)
		}
	}
	for _, row := range rows {
		public, private := sides(row.Addresses)
		switch {
		case !row.Captured || !contains(row.Roles, roleWAN):
		case private && !public:
			found = append(found, finding{"nat", good, row.Name + " has private addresses only: a router translates them, this is the inside, where each machine is told apart", ""})
		case public && forwarding && len(inside) > 0:
			found = append(found, finding{"nat", note,
				fmt.Sprintf("%s is outside of the address translation, if this machine does any: all peers are its own address", row.Name),
				"to tell the machines behind it apart, capture inside: --interface " + inside[0] + " (not both: packets would count twice)"})
		}
	}
	return found
}

// sides reports whether there are public and private IPv4 addresses among some.
func sides(addresses []string) (public, private bool) {
	shared := netip.MustParsePrefix("100.64.0.0/10") // of providers' NATs: RFC 6598
	for _, text := range addresses {
		p, err := netip.ParsePrefix(text)
		switch a := p.Addr(); {
		case err != nil || !a.Is4() || !a.IsGlobalUnicast():
		case a.IsPrivate() || shared.Contains(a):
			private = true
		default:
			public = true
		}
	}
	return public, private
}

// forwards reports whether this machine is a router for IPv4.
func forwards() bool {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	return err == nil && strings.TrimSpace(string(text)) == "1"
}

// enclosed finds a default route that is the inside of a container's bridge: a veth whose
// other end is in another network namespace.
func enclosed(rows []interfaceJSON) (found []finding) {
	for _, row := range rows {
		if row.Captured && row.elsewhere && row.Kind == "veth" && contains(row.Roles, roleWAN) {
			found = append(found, finding{"container", warning, row.Name + " is the inside of a container's network: only this container's traffic is there",
				"start the container with --network host (and --cap-add NET_RAW)"})
		}
	}
	return found
}
