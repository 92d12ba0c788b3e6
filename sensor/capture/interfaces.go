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
	Master    int  // index of the bridge, bond or VRF that it is a port of; 0: none
	Parent    int  // index of what it stands on: of a VLAN's parent, a veth's other end; 0: none
	Elsewhere bool // Parent is an index in another network namespace
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
	AnyInterface = "any"           // every interface that is up and sees frames of its own
)

// Resolution is the answer of ResolveInterfaces.
type Resolution struct {
	Interfaces []Interface // where to capture, without duplicates
	Missing    []string    // names that no interface has now
	All        []Interface // every interface there is, captured or not
	// LeftOut are those that are up but not captured, because their frames are seen
	// on another one. Only for AnyInterface and the fallback.
	LeftOut []LeftOut
	// Promiscuous names bridges that stand for ports which are left out: unless they
	// are captured promiscuously, what passes between the ports is not seen.
	Promiscuous []string
	// Reason says in a sentence how they were found, for the user to read.
	Reason string
	// Fallback is set where there was no default route, so that the answer is the
	// same as for AnyInterface.
	Fallback bool
}

// ResolveInterfaces finds out where to capture. A name is that of an interface,
// DefaultRoute or AnyInterface; no names mean DefaultRoute. For DefaultRoute it
// asks the kernel by which interface it would reach public addresses, so that
// policy routing and VPNs are seen; nothing is sent. Where there is no such
// route, the answer is that for AnyInterface: all that are up, but for those whose
// frames are seen on another one anyway (loopback, ports of a bridge or bond, VLANs and
// macvlans, one end of a veth pair). What macvlans or ipvlans of one parent say to each
// other is seen on none. A name that no interface has is in Missing: the error is only
// for when nothing at all was found.
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
	r := Resolution{All: all}
	var reasons []string
	if len(names) == 0 {
		names = []string{DefaultRoute}
	}
	add := func(list ...Interface) {
		for _, i := range list {
			if !slices.ContainsFunc(r.Interfaces, func(have Interface) bool { return have.Index == i.Index }) {
				r.Interfaces = append(r.Interfaces, i)
			}
		}
	}
	everything := false
	for _, name := range names {
		switch name {
		case AnyInterface:
			everything = true
			reasons = append(reasons, "every interface that is up")
		case DefaultRoute:
			found := withIndex(all, routes)
			if len(found) == 0 {
				everything, r.Fallback = true, true
				reasons = append(reasons, "no route to the Internet, so every interface that is up")
			} else {
				reasons = append(reasons, "the default route goes through "+joinNames(found))
			}
			add(found...)
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
	if everything {
		reasons = append(reasons, r.addAll(add)...)
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

// addAll adds all interfaces that see frames of their own, and says in words what it
// did not add.
func (r *Resolution) addAll(add func(...Interface)) (reasons []string) {
	taken, out := spread(r.All, r.Interfaces)
	add(taken...)
	r.LeftOut, r.Promiscuous = out, bridgesOf(taken, r.All)
	if len(out) > 0 {
		reasons = append(reasons, "left out: "+joinLeftOut(out))
	}
	if len(r.Promiscuous) > 0 {
		reasons = append(reasons, "promiscuous, to see what passes between its ports: "+strings.Join(r.Promiscuous, ", "))
	}
	return reasons
}

// withIndex returns the interfaces with the given indexes, in their order, each once:
// IPv4 and IPv6 mostly take the same way.
func withIndex(all []Interface, indexes []int) (found []Interface) {
	for n, index := range indexes {
		if slices.Contains(indexes[:n], index) {
			continue
		}
		for _, i := range all {
			if i.Index == index && !i.Loopback {
				found = append(found, i)
			}
		}
	}
	return found
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
