package export

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Mask says that a file is for others: what of the traffic it must not tell. It takes
// out peers, the names of sensors and of one's own networks, and one's own place; cuts
// addresses to networks; rounds times to hours; and shows a place, an autonomous system
// (AS), or a country, only where enough addresses are behind it. Sums stay exact. The zero
// value is a mask with its defaults. It comes before the filter, so that no filter can
// find out what is masked.
type Mask struct {
	Gone  bool           // no addresses at all, instead of their /24 and /48
	Least int            // addresses that a place or AS needs to be shown; 0: MaskLeast
	Own   []netip.Prefix // networks that are our own: their addresses and places are left out
	Names []string       // names that must not be told, beside those of sensors
}

// MaskLeast is Mask.Least where it is 0.
const MaskLeast = 5

// What masking leaves of addresses and times.
const (
	maskIPv4 = 24
	maskIPv6 = 48
	maskStep = time.Hour
)

func (m *Mask) least() int { return cmp.Or(m.Least, MaskLeast) }

// checkMask reports what of the options a mask does not go with.
func (o *Options) checkMask() error {
	if o.Mask == nil {
		return nil
	}
	if o.Detail != "" && o.Detail != DetailPlaces {
		return fmt.Errorf("detail %q is not possible with a mask: a masked page has places only", o.Detail)
	}
	return o.Mask.Check(o.Filter)
}

// Check reports what is wrong with the mask, or which term of a filter asks for what it
// takes out. Write and Build do so, too.
func (m *Mask) Check(f store.Filter) error {
	if m.Least < 0 {
		return fmt.Errorf("%d addresses a place are not possible: 1 shows every place", m.Least)
	}
	for _, t := range f.Terms {
		if why := m.refuses(&t); why != "" {
			return fmt.Errorf("filter term %q asks for what the mask takes out: %s", t, why)
		}
	}
	return nil
}

// refuses says why a term cannot be answered, or written into the file; "": it can.
func (m *Mask) refuses(t *store.Term) string {
	switch t.Key {
	case store.KeyPeer, store.KeyHost:
		return "peers"
	case store.KeySensor:
		return "names of sensors"
	case store.KeyOpened:
		if t.Unanswered {
			return "who spoke with whom"
		}
	case store.KeyIP:
		if m.Gone {
			return "addresses"
		}
		for _, n := range t.Networks {
			if m.addresses().Network(n) != n {
				return fmt.Sprintf("addresses closer than /%d and /%d", maskIPv4, maskIPv6)
			}
		}
	}
	for _, v := range t.Values {
		if m.named(v) {
			return "your own names"
		}
	}
	return ""
}

func (m *Mask) named(s string) bool {
	return s != "" && slices.ContainsFunc(m.Names, func(name string) bool { return strings.EqualFold(name, s) })
}

func (m *Mask) addresses() store.Mask {
	return store.Mask{Addr: true, IPv4: maskIPv4, IPv6: maskIPv6}
}

// own reports whether an address is one of ours: in a network of ours, or one that is on
// the map only because it is (no database knows where private addresses are).
func (m *Mask) own(p netip.Prefix) bool {
	a := p.Addr().Unmap()
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || carrier.Contains(a) {
		return true
	}
	return slices.ContainsFunc(m.Own, func(n netip.Prefix) bool { return n.Overlaps(p) })
}

// carrier is the shared space behind carriers' NAT (RFC 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// wholeHours rounds a window outward to whole hours.
func wholeHours(w store.Window) store.Window {
	if !w.From.IsZero() {
		w.From = w.From.UTC().Truncate(maskStep)
	}
	if !w.To.IsZero() {
		if to := w.To.UTC().Truncate(maskStep); to.Before(w.To) {
			w.To = to.Add(maskStep)
		}
	}
	return w
}

// masked returns what a file is made from where o asks for a mask, with the options that
// are left; else both as they are.
func masked(ctx context.Context, r source, o Options) (source, Options, error) {
	var v *maskedView
	var err error
	if m, served := r.(*Masked); served {
		mask := m.mask().stricter(o.Mask)
		if err = mask.Check(o.Filter); err == nil {
			v, err = m.view(ctx, mask, o.Filter.Window)
		}
	} else if o.Mask == nil {
		return r, o, nil
	} else if err = o.checkMask(); err == nil {
		v, err = newMaskedView(ctx, r, o.Mask, o.Filter.Window)
	}
	if err != nil {
		return nil, o, err
	}
	o.Filter.Window = v.window
	o.Mask, o.applied, o.Labels = nil, v.mask, nil
	o.Detail, o.Sensor, o.Step = DetailPlaces, "", 0
	o.Home, o.Links, o.State = nil, nil, ""
	return v, o, nil
}

// newMaskedView returns a window of a source as a mask leaves it.
func newMaskedView(ctx context.Context, r source, mask *Mask, w store.Window) (*maskedView, error) {
	v := &maskedView{r: r, mask: mask, window: wholeHours(w)}
	if err := v.count(ctx); err != nil {
		return nil, fmt.Errorf("count the addresses of places: %w", err)
	}
	return v, nil
}

// stricter returns the mask that takes out what either does. Both are of the same owner.
func (m Mask) stricter(o *Mask) Mask {
	if o != nil {
		m.Gone, m.Least = m.Gone || o.Gone, max(m.least(), o.least())
	}
	return m
}

// sentence says for people what the mask has done.
func (m *Mask) sentence() string {
	return fmt.Sprintf("masked: whole hours, no addresses or names, places of fewer than %d addresses by their country, countries of fewer nowhere", m.least())
}

// flags are those of the command line that ask for the mask.
func (m *Mask) flags() []string {
	words := []string{"--mask"}
	if m.Gone {
		words[0] = "--mask=gone"
	}
	if m.least() != MaskLeast {
		words = append(words, fmt.Sprintf("--mask-k %d", m.least()))
	}
	return words
}
