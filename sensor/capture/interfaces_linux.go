package capture

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interfaces lists the interfaces in the network namespace of the calling
// thread, by index.
func Interfaces() ([]Interface, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	addresses, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	list := make([]Interface, 0, len(links))
	for _, l := range links {
		a := l.Attrs()
		i := Interface{
			Name: a.Name, Index: a.Index, MTU: a.MTU, MAC: a.HardwareAddr, Type: hatypeOf(a),
			Up: a.Flags&net.FlagUp != 0, Loopback: a.Flags&net.FlagLoopback != 0,
			Master: a.MasterIndex, Parent: a.ParentIndex, Elsewhere: a.NetNsID >= 0,
		}
		if kind := l.Type(); kind != "device" {
			i.Kind = kind
		}
		if s := a.Statistics; s != nil {
			i.Lost = InterfaceLoss{RxDropped: s.RxDropped, RxMissed: s.RxMissedErrors, RxFIFO: s.RxFifoErrors}
		}
		for _, addr := range addresses {
			if p, ok := prefixOf(addr.IPNet); ok && addr.LinkIndex == a.Index {
				i.Addresses = append(i.Addresses, p)
			}
		}
		list = append(list, i)
	}
	return list, nil
}

// hatypeOf returns the ARPHRD number, which netlink hands on in words.
func hatypeOf(a *netlink.LinkAttrs) uint16 {
	hatype, err := hardwareType(a.Name)
	if err != nil {
		return 0
	}
	return hatype
}

// dump asks again when the kernel says that its answer changed while it was
// being read (NLM_F_DUMP_INTR); after some attempts any answer has to do.
func dump[T any](list func() ([]T, error)) (answer []T, err error) {
	const attempts = 5
	for range attempts {
		answer, err = list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return answer, err
		}
	}
	return answer, nil
}

// prefixOf turns an address with its mask into a netip.Prefix, the address kept.
func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	ones, size := n.Mask.Size()
	if !ok || size == 0 {
		return netip.Prefix{}, false
	}
	if addr = addr.Unmap(); size == 128 && addr.Is4() {
		ones -= 96
	}
	p := netip.PrefixFrom(addr, ones)
	return p, p.IsValid()
}

// publicRoutes returns the indexes of the interfaces by which the kernel would
// reach two public resolvers, one for each IP version (RTM_GETROUTE, which takes
// policy rules into account and sends nothing). Any public address would do.
func publicRoutes() (indexes []int) {
	for _, ip := range []net.IP{net.IPv4(9, 9, 9, 9), net.ParseIP("2620:fe::fe")} {
		routes, err := netlink.RouteGet(ip)
		if err != nil {
			continue // no route: ENETUNREACH
		}
		for _, r := range routes {
			if r.LinkIndex > 0 {
				indexes = append(indexes, r.LinkIndex)
			}
		}
	}
	return indexes
}

// HostNetworks returns what is local to this machine: each of its addresses,
// those that a route makes its own (type local), the on-link IPv6 prefixes of
// its interfaces and the on-link IPv4 prefixes of those that have no default
// route. (Behind the default route others of the same provider are neighbours.)
// Sorted; in the network namespace of the calling thread.
func HostNetworks() ([]netip.Prefix, error) {
	all, err := Interfaces()
	if err != nil {
		return nil, err
	}
	var own []netip.Prefix
	local, err := dump(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(netlink.FAMILY_ALL,
			&netlink.Route{Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL}, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE)
	})
	if err != nil {
		return nil, fmt.Errorf("list local routes: %w", err)
	}
	for _, r := range local {
		if p, ok := prefixOf(r.Dst); ok && p.Bits() > 0 {
			own = append(own, p)
		}
	}
	var gateways []int
	routes, err := dump(func() ([]netlink.Route, error) { return netlink.RouteList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if p, ok := prefixOf(r.Dst); r.Dst != nil && (!ok || p.Bits() > 1) {
			continue // neither 0.0.0.0/0 nor one of its halves, as VPNs set them
		}
		gateways = append(gateways, r.LinkIndex)
		for _, hop := range r.MultiPath {
			gateways = append(gateways, hop.LinkIndex)
		}
	}
	return hostNetworks(all, append(gateways, publicRoutes4()...), own), nil
}

// publicRoutes4 is publicRoutes for IPv4 alone: a policy rule may hold the
// default route in a table of its own.
func publicRoutes4() (indexes []int) {
	routes, err := netlink.RouteGet(net.IPv4(9, 9, 9, 9))
	if err != nil {
		return nil
	}
	for _, r := range routes {
		indexes = append(indexes, r.LinkIndex)
	}
	return indexes
}
