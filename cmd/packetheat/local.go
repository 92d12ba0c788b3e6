package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// guessLocal finds the network of each IP version that packets between public addresses
// have in common, by replaying the files into a store that is thrown away.
func (r *replay) guessLocal(ctx context.Context) error {
	return r.aside(func(dir string) (err error) {
		s, err := sqlite.Open(dir, sqlite.Options{Tick: time.Minute, Logger: r.logger(r.c)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if _, err := r.feed(ctx, s, nil); err != nil {
			return err
		}
		v4, v6, err := betweenPublic(ctx, s)
		if err != nil {
			return fmt.Errorf("look for local addresses: %w", err)
		}
		for _, sums := range []map[netip.Addr]uint64{v4, v6} {
			network, packets, all := commonNetwork(sums)
			if all == 0 {
				continue
			}
			r.networks = append(r.networks, network)
			name := network.String()
			if network.IsSingleIP() {
				name = network.Addr().String()
			}
			r.say("taking %s for local: it is an end of %s of the packets between public addresses (--local %s says the same)",
				name, term.Share(packets, all), name)
		}
		if len(r.networks) == 0 {
			r.say("no address or network stands out as local: the map shows both ends of packets between public addresses")
		}
		return nil
	})
}

// betweenPublic sums the packets of each address, of those that have two public ends:
// they are in the points of both, so each end is another's peer.
func betweenPublic(ctx context.Context, s *sqlite.Store) (v4, v6 map[netip.Addr]uint64, err error) {
	public := map[netip.Addr]bool{}
	err = s.Points(ctx, store.Filter{}, func(points []store.Point) error {
		for i := range points {
			public[points[i].Addr.Addr()] = true
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	v4, v6 = map[netip.Addr]uint64{}, map[netip.Addr]uint64{}
	err = s.Points(ctx, store.Filter{}, func(points []store.Point) error {
		for i := range points {
			p := &points[i]
			switch addr := p.Addr.Addr(); {
			case !p.Addr.IsSingleIP() || !public[p.Peer.Addr()]:
			case addr.Is4():
				v4[addr] += p.Packets
			default:
				v6[addr] += p.Packets
			}
		}
		return nil
	})
	return v4, v6, err
}

// commonNetwork returns the narrowest network that is an end of nine in ten packets at
// least, with how many these are and how many packets there are. sums has each packet
// twice, at its two ends, and addresses of one IP version. all is 0 where no network
// stands out: too few packets, or two networks that talk to nobody but each other.
func commonNetwork(sums map[netip.Addr]uint64) (network netip.Prefix, packets, all uint64) {
	lengths := []int{32, 28, 24, 20, 16}
	for addr, n := range sums {
		all += n
		if addr.Is6() {
			lengths = []int{128, 64, 56, 48, 32}
		}
	}
	if all < 4 {
		return netip.Prefix{}, 0, 0
	}
	for _, bits := range lengths {
		groups := map[netip.Prefix]uint64{}
		for addr, n := range sums {
			if p, err := addr.Prefix(bits); err == nil {
				groups[p] += n
			}
		}
		common := 0
		for p, n := range groups {
			if 20*n >= 9*all {
				network, packets = p, n
				common++
			}
		}
		if common == 1 && 20*packets <= 11*all { // more: its packets stay inside of it
			return network, min(packets, all/2), all / 2
		}
		if common > 0 {
			break
		}
	}
	return netip.Prefix{}, 0, 0
}
