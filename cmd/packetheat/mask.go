package main

import (
	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

// storeMask is what store.anonymise asks for.
func storeMask(c *config.Loaded) store.Mask {
	s := &c.Store
	return store.Mask{Addr: s.AnonymiseAddresses == "both", Peer: s.AnonymiseAddresses != "none", IPv4: s.AnonymiseIPv4, IPv6: s.AnonymiseIPv6}
}

// maskFlags are those of commands whose files may be for others.
type maskFlags struct {
	mask  string // "": no mask
	least int
}

const (
	maskNetworks = "networks"
	maskGone     = "gone"
)

func (m *maskFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.mask, "mask", "", "leave out what others must not know; addresses become networks, or are `networks|gone`")
	f.Lookup("mask").NoOptDefVal = maskNetworks
	f.IntVar(&m.least, "mask-k", export.MaskLeast, "with --mask: `ADDRESSES` that a place or AS needs to be shown, else its country is")
	complete(cmd, "mask", maskNetworks, maskGone)
	cmd.Long += `

--mask makes a file for others: no peers; no names of sensors, of geo.networks or of labels;
no place of yours; addresses as /24 and /48, with --mask=gone none; times in hours, the window
in whole ones; places and AS with fewer than 5 addresses (--mask-k) only as their country,
and countries with fewer as no place at all. Sums stay exact. "packetheat inspect FILE.html" lists what a page tells.`
}

// of returns the mask that the flags ask for, nil for none.
func (m *maskFlags) of(c *config.Loaded) (*export.Mask, error) {
	switch {
	case m.mask == "" && m.least != export.MaskLeast:
		return nil, usagef("--mask-k goes with --mask: without it every place is shown")
	case m.mask == "":
		return nil, nil
	case m.mask != maskNetworks && m.mask != maskGone:
		return nil, usagef("--mask=%s is not possible: use --mask, or --mask=gone to leave addresses out", m.mask)
	case m.least < 1:
		return nil, usagef("--mask-k %d is not possible: 1 shows every place", m.least)
	}
	mask := ownMask(c)
	mask.Gone, mask.Least = m.mask == maskGone, m.least
	return &mask, nil
}

// ownMask is the mask that knows what is ours.
func ownMask(c *config.Loaded) (mask export.Mask) {
	for _, n := range c.Geo.Networks {
		mask.Own = append(mask.Own, n.Network)
		mask.Names = append(mask.Names, n.Name)
	}
	for _, l := range c.Geo.Labels {
		mask.Names = append(mask.Names, l.Label)
	}
	if c.Geo.Home != nil {
		mask.Names = append(mask.Names, c.Geo.Home.Name)
	}
	return mask
}

// served returns the mask of what is served now, nil where nothing is masked.
func (r *live) served() *export.Mask {
	d := r.door.inForce()
	if d.Mask == "off" {
		return nil
	}
	m := r.own()
	m.Gone, m.Least = d.Mask == maskGone, d.MaskLeast
	return &m
}
