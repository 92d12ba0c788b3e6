package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/packetheat/packetheat/sensor/capture"
)

// Roles of interfaces, as people ask for them.
const (
	roleWAN      = "WAN"      // a default route goes through it
	roleVPN      = "VPN"      // what it carries is inside of another interface's packets
	roleBridge   = "bridge"   // it joins others: a bridge, bond, team or VRF
	rolePort     = "port"     // it is joined by one of these
	roleWireless = "wireless" // a radio
)

// rolesOf says what an interface is for. routes are the interfaces with a default route.
func rolesOf(i *capture.Interface, routes []capture.Interface, wireless bool) (roles []string) {
	add := func(role string, is bool) {
		if is {
			roles = append(roles, role)
		}
	}
	add(roleWAN, slices.ContainsFunc(routes, func(r capture.Interface) bool { return r.Index == i.Index }))
	add(roleVPN, isVPN(i))
	add(roleBridge, contains([]string{"bridge", "bond", "team", "vrf", "openvswitch"}, i.Kind))
	add(rolePort, i.Master != 0)
	add(roleWireless, wireless)
	return roles
}

// isVPN goes by the kernel's name for the kind of link; a "tun" is that of OpenVPN,
// Tailscale and most others. PPP may as well be the way to the provider.
func isVPN(i *capture.Interface) bool {
	return contains([]string{"wireguard", "tun", "vti", "vti6", "xfrm", "ipip", "ip6tnl", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "amneziawg", "ovpn"}, i.Kind)
}

// isWireless asks the folder that every cfg80211 device has.
func isWireless(name string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", name, "phy80211"))
	return err == nil
}

// whyOf says why run captures on an interface or not.
func whyOf(i *capture.Interface, wanted []string, r *capture.Resolution, routes []capture.Interface) string {
	captured := slices.ContainsFunc(r.Interfaces, func(c capture.Interface) bool { return c.Index == i.Index })
	route := slices.ContainsFunc(routes, func(c capture.Interface) bool { return c.Index == i.Index })
	for _, out := range r.LeftOut {
		if out.Name == i.Name {
			return "left out: " + out.Why
		}
	}
	switch {
	case captured && contains(wanted, i.Name):
		return "asked for"
	case captured && contains(wanted, capture.DefaultRoute) && route:
		return "default route"
	case captured:
		return "it is up"
	case !i.Up:
		return "down"
	case contains(wanted, capture.DefaultRoute) && !r.Fallback:
		return "not the default route"
	}
	return "not asked for"
}

// defaultRoutes are the interfaces that lead to the internet; none: there is none.
func defaultRoutes() []capture.Interface {
	r, err := capture.ResolveInterfaces([]string{capture.DefaultRoute})
	if err != nil || r.Fallback {
		return nil
	}
	return r.Interfaces
}
