package capture

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Interface is a network interface of this machine as it was when asked for.
type Interface struct {
	Name      string
	Index     int // 0: there is no such interface
	Up        bool
	Loopback  bool
	Kind      string // of virtual ones: veth, bridge, wireguard, tun, vlan …; else empty
	Type      uint16 // ARPHRD_ number (linux/if_arp.h); 0 where not known
	MTU       int
	MAC       net.HardwareAddr
	Addresses []netip.Prefix
	// Lost counts what the interface lost before any ring could count it, since
	// it came up: these frames are in no other number.
	Lost InterfaceLoss
}

// InterfaceLoss holds counters of an interface (struct rtnl_link_stats64).
type InterfaceLoss struct {
	RxDropped uint64 // by the network stack: full backlog, or nobody to take it
	RxMissed  uint64 // by the hardware, for want of buffers
	RxFIFO    uint64 // overruns of the hardware's queue
}

// Names that ResolveInterfaces understands beside those of interfaces.
const (
	DefaultRoute = "default_route" // the interfaces towards the Internet, IPv4 and IPv6
	AnyInterface = "any"           // every interface that is up
)

// Resolution is the answer of ResolveInterfaces.
type Resolution struct {
	Interfaces []Interface // where to capture, without duplicates
	Missing    []string    // names that no interface has now
	// Reason says in a sentence how they were found, for the user to read.
	Reason string
	// Fallback is set where there was no default route, so that every interface
	// that is up is given, loopback last.
	Fallback bool
}

// ResolveInterfaces finds out where to capture. A name is that of an interface,
// DefaultRoute or AnyInterface; no names mean DefaultRoute. For DefaultRoute it
// asks the kernel by which interface it would reach public addresses, so that
// policy routing and VPNs are seen; nothing is sent. Where there is no such
// route, every interface that is up is the answer. A name that no interface has
// is in Missing: the error is only for when nothing at all was found.
func ResolveInterfaces(names []string) (Resolution, error) {
	all, err := Interfaces()
	if err != nil {
		return Resolution{}, err
	}
	return resolve(names, all, publicRoutes())
}

// resolve is ResolveInterfaces on given interfaces and indexes of those that
// lead to public addresses.
func resolve(names []string, all []Interface, routes []int) (Resolution, error) {
	var r Resolution
	var reasons []string
	if len(names) == 0 {
		names = []string{DefaultRoute}
	}
	add := func(i Interface) {
		if !slices.ContainsFunc(r.Interfaces, func(have Interface) bool { return have.Index == i.Index }) {
			r.Interfaces = append(r.Interfaces, i)
		}
	}
	for _, name := range names {
		switch name {
		case AnyInterface:
			for _, i := range upLoopbackLast(all) {
				add(i)
			}
			reasons = append(reasons, "every interface that is up")
		case DefaultRoute:
			found := withIndex(all, routes)
			if len(found) == 0 {
				r.Fallback = true
				found = upLoopbackLast(all)
				reasons = append(reasons, "no route to the Internet, so every interface that is up")
			} else {
				reasons = append(reasons, "the default route goes through "+joinNames(found))
			}
			for _, i := range found {
				add(i)
			}
		default:
			at := slices.IndexFunc(all, func(i Interface) bool { return i.Name == name })
			if at < 0 {
				r.Missing = append(r.Missing, name)
				continue
			}
			add(all[at])
			reasons = append(reasons, name+" was asked for")
		}
	}
	r.Reason = strings.Join(reasons, "; ")
	if len(r.Interfaces) == 0 {
		if len(r.Missing) > 0 {
			return r, fmt.Errorf("find interface %q: %w (there are %s)", strings.Join(r.Missing, ", "), ErrInterfaceGone, joinNames(all))
		}
		return r, fmt.Errorf("find interfaces: none is up (there are %s): %w", joinNames(all), ErrInterfaceDown)
	}
	return r, nil
}

// withIndex returns the interfaces with the given indexes, in their order.
func withIndex(all []Interface, indexes []int) (found []Interface) {
	for _, index := range indexes {
		for _, i := range all {
			if i.Index == index && !i.Loopback {
				found = append(found, i)
			}
		}
	}
	return found
}

// upLoopbackLast returns the interfaces that are up, by index, loopback last.
func upLoopbackLast(all []Interface) (up []Interface) {
	for _, i := range all {
		if i.Up {
			up = append(up, i)
		}
	}
	slices.SortStableFunc(up, func(a, b Interface) int {
		if a.Loopback != b.Loopback {
			if a.Loopback {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Index, b.Index)
	})
	return up
}

func joinNames(list []Interface) string {
	names := make([]string, len(list))
	for n, i := range list {
		names[n] = i.Name
	}
	return strings.Join(names, ", ")
}

// hostNetworks puts HostNetworks together from the interfaces, the indexes of
// those with an IPv4 default route, and other addresses that the kernel takes for its own.
func hostNetworks(all []Interface, defaultRoute []int, own []netip.Prefix) []netip.Prefix {
	set := make(map[netip.Prefix]bool)
	for _, p := range own {
		set[p.Masked()] = true
	}
	for _, i := range all {
		for _, p := range i.Addresses {
			addr := p.Addr().Unmap().WithZone("")
			set[netip.PrefixFrom(addr, addr.BitLen())] = true
			// A default route that is on-link makes no neighbours.
			if p.Bits() > 0 && (addr.Is6() || !slices.Contains(defaultRoute, i.Index)) {
				set[netip.PrefixFrom(addr, p.Bits()).Masked()] = true
			}
		}
	}
	list := make([]netip.Prefix, 0, len(set))
	for p := range set {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return list
}
