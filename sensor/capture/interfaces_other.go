//go:build !linux

package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Interfaces lists the interfaces of this machine.
func Interfaces() ([]Interface, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	list := make([]Interface, 0, len(found))
	for _, n := range found {
		i := Interface{
			Name: n.Name, Index: n.Index, MTU: n.MTU, MAC: n.HardwareAddr,
			Up: n.Flags&net.FlagUp != 0, Loopback: n.Flags&net.FlagLoopback != 0,
		}
		addrs, err := n.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %q: %w", n.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				i.Addresses = append(i.Addresses, p)
			}
		}
		list = append(list, i)
	}
	return list, nil
}

// publicRoutes finds none: only Linux is asked for its routes.
func publicRoutes() []int { return nil }

// HostNetworks returns the addresses of this machine and their on-link prefixes.
func HostNetworks() ([]netip.Prefix, error) {
	all, err := Interfaces()
	if err != nil {
		return nil, err
	}
	return hostNetworks(all, nil, nil), nil
}

// WatchInterfaces fails: it needs Linux.
func WatchInterfaces(context.Context) (<-chan struct{}, error) {
	return nil, fmt.Errorf("watch interfaces: %w", errors.ErrUnsupported)
}

// WaitUp fails: it needs Linux.
func WaitUp(context.Context, string) error {
	return fmt.Errorf("wait for interface: %w", errors.ErrUnsupported)
}

// Losses knows none: only Linux is asked.
func Losses([]int) (map[int]InterfaceLoss, error) { return nil, nil }

// BacklogDrops is 0: only Linux is asked.
func BacklogDrops() (uint64, error) { return 0, nil }
