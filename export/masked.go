package export

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// maskedView is a source whose points are masked before anything asks for them. Its
// points are sums of an hour; it holds those of one hour at a time.
type maskedView struct {
	r      source
	mask   *Mask
	window store.Window // whole hours: what addresses are counted in

	places    map[store.Place]*crowd
	nets      map[uint32]*crowd // by AS number
	countries map[string]*crowd
}

// crowd counts distinct addresses up to the number that is enough.
type crowd struct {
	seen   []netip.Prefix // fewer than enough
	enough bool
}

func (c *crowd) add(p netip.Prefix, least int) {
	if c.enough || slices.Contains(c.seen, p) {
		return
	}
	if c.seen = append(c.seen, p); len(c.seen) >= least {
		c.seen, c.enough = nil, true
	}
}

// count finds out which places and networks have addresses enough, in all traffic of
// the window. Where the points are gone, and addresses with them, nobody knows: such
// rows count for nobody.
func (v *maskedView) count(ctx context.Context) error {
	v.places, v.nets, v.countries = map[store.Place]*crowd{}, map[uint32]*crowd{}, map[string]*crowd{}
	least := v.mask.least()
	var place store.Place
	var of *crowd
	// What is counted twice where an hour is read again is in the crowds once.
	return v.hours(ctx, v.window, func(time.Time) {}, func(points []store.Point) error {
		for i := range points {
			p := &points[i]
			if !p.Addr.IsValid() {
				continue
			}
			if of == nil || p.Place != place { // points of an address follow each other
				place = p.Place
				if of = v.places[place]; of == nil {
					of = &crowd{}
					v.places[place] = of
				}
			}
			of.add(p.Addr, least)
			crowdOf(v.nets, p.ASN).add(p.Addr, least)
			crowdOf(v.countries, p.Place.Country).add(p.Addr, least)
		}
		return ctx.Err()
	})
}

// crowdOf returns the crowd of a key, a new one where there is none.
func crowdOf[K comparable](all map[K]*crowd, key K) *crowd {
	c := all[key]
	if c == nil {
		c = &crowd{}
		all[key] = c
	}
	return c
}

// point masks one point.
func (v *maskedView) point(p *store.Point) {
	own := p.Addr.IsValid() && v.mask.own(p.Addr)
	if c := v.places[p.Place]; own {
		p.Place = store.Place{}
	} else if c == nil || !c.enough || v.mask.named(p.Place.City) {
		p.Place = countryOnly(p.Place)
		if c := v.countries[p.Place.Country]; c == nil || !c.enough {
			p.Place = store.Place{}
		}
	}
	if c := v.nets[p.ASN]; own || c == nil || !c.enough || v.mask.named(p.ASOrg) {
		p.ASN, p.ASOrg = 0, ""
	}
	if own || v.mask.Gone {
		p.Addr = netip.Prefix{}
	} else {
		p.Addr = v.mask.addresses().Network(p.Addr)
	}
	p.Peer, p.Sensor = netip.Prefix{}, ""
	p.Flags = p.Flags&store.Folded | store.Masked
	if p.Interval < maskStep {
		p.Time, p.Interval = p.Time.UTC().Truncate(maskStep), maskStep
	}
}

func countryOnly(p store.Place) store.Place {
	if p.Country == "" {
		return store.Place{}
	}
	return store.Place{Country: p.Country, Precision: store.Country}
}

// Points implements source.
func (v *maskedView) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	h := &maskedHour{yield: yield, sums: map[store.Point]store.Sum{}}
	terms := store.Filter{Terms: f.Terms}
	err := v.hours(ctx, f.Window, h.again, func(points []store.Point) error {
		for i := range points {
			p := points[i]
			v.point(&p)
			if !terms.Match(&p) {
				continue
			}
			if err := h.add(&p); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return h.flush()
}

// hours reads the points of a window of whole hours; where the store knows the sums of
// hours, those. again is called where an hour is read anew, for which what came is void.
func (v *maskedView) hours(ctx context.Context, w store.Window, again func(hour time.Time), yield func([]store.Point) error) error {
	if w.From.Equal(w.To) && !w.From.IsZero() {
		return nil // no hour of it is over
	}
	f, ok := v.r.(flowing)
	if !ok || w.From.IsZero() || w.To.IsZero() {
		return v.r.Points(ctx, store.Filter{Window: w}, yield)
	}
	cov, err := v.r.Coverage(ctx, w)
	if err != nil {
		return err
	}
	// Of a time whose points are gone there may be no more than sums of days.
	if !cov.PointsFrom.IsZero() && w.From.Before(cov.PointsFrom) {
		return v.r.Points(ctx, store.Filter{Window: w}, yield)
	}
	for at := w.From; at.Before(w.To) && err == nil; at = at.Add(maskStep) {
		hour := store.Window{From: at, To: at.Add(maskStep)}.Clip(w)
		begun := false
		err = f.Flows(ctx, store.Filter{Window: hour}, maskStep, func() {
			if begun {
				again(at)
			}
			begun = true
		}, yield)
	}
	return err
}

// maskedHour adds up the points of an hour that masking has made the same.
type maskedHour struct {
	yield func([]store.Point) error
	at    time.Time
	sums  map[store.Point]store.Sum // keys without amounts
}

// again takes back what has come of an hour.
func (h *maskedHour) again(hour time.Time) {
	if h.at.Equal(hour) {
		clear(h.sums)
	}
}

func (h *maskedHour) add(p *store.Point) error {
	if !p.Time.Equal(h.at) {
		if err := h.flush(); err != nil {
			return err
		}
		h.at = p.Time
	}
	sum := p.Sum()
	p.Packets, p.Bytes, p.Opens = 0, 0, 0
	sum.Add(h.sums[*p])
	h.sums[*p] = sum
	return nil
}

// flush hands the hour on.
func (h *maskedHour) flush() error {
	points := make([]store.Point, 0, len(h.sums))
	for p, sum := range h.sums {
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		points = append(points, p)
	}
	clear(h.sums)
	slices.SortFunc(points, compareMasked)
	for part := range slices.Chunk(points, 4096) {
		if err := h.yield(part); err != nil {
			return err
		}
	}
	return nil
}

// compareMasked orders the points of an hour by all that makes them different, so that
// the same window gives the same file.
func compareMasked(a, b store.Point) int {
	return cmp.Or(comparePrefixes(a.Addr, b.Addr), cmp.Compare(a.Interval, b.Interval),
		strings.Compare(a.Place.Country, b.Place.Country), strings.Compare(a.Place.Region, b.Place.Region),
		strings.Compare(a.Place.City, b.Place.City), cmp.Compare(a.Place.Latitude, b.Place.Latitude),
		cmp.Compare(a.Place.Longitude, b.Place.Longitude), cmp.Compare(a.Place.AccuracyKM, b.Place.AccuracyKM),
		cmp.Compare(a.ASN, b.ASN), strings.Compare(a.ASOrg, b.ASOrg), cmp.Compare(a.Direction, b.Direction),
		cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Flags, b.Flags))
}

// sumsBy adds points up by a key that is made of each.
func sumsBy[K comparable](ctx context.Context, points func(context.Context, store.Filter, func([]store.Point) error) error,
	f store.Filter, key func(*store.Point) K) (map[K]store.Sum, error) {
	sums := make(map[K]store.Sum)
	err := points(ctx, f, func(list []store.Point) error {
		for i := range list {
			k := key(&list[i])
			sum := sums[k]
			sum.Add(list[i].Sum())
			sums[k] = sum
		}
		return nil
	})
	return sums, err
}

// Cells implements source.
func (v *maskedView) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	sums, err := sumsBy(ctx, v.Points, f, func(p *store.Point) store.Cell { // without amounts
		c := store.Cell{Place: p.Place, Class: store.ClassOf(p.Proto), Direction: p.Direction}
		if step > 0 {
			c.Time = binOf(p.Time, step)
		}
		return c
	})
	cells := make([]store.Cell, 0, len(sums))
	for c, sum := range sums {
		c.Sum = sum
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b store.Cell) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Place.Country, b.Place.Country),
			strings.Compare(a.Place.Region, b.Place.Region), strings.Compare(a.Place.City, b.Place.City),
			cmp.Compare(a.Place.Latitude, b.Place.Latitude), cmp.Compare(a.Place.Longitude, b.Place.Longitude),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return cells, err
}

// Coverage implements source: without names, in whole hours.
func (v *maskedView) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	w = wholeHours(w)
	some := w
	nothing := w.From.Equal(w.To) && !w.From.IsZero() // which a store refuses
	if nothing {
		some.To = w.To.Add(maskStep)
	}
	c, err := v.r.Coverage(ctx, some)
	if nothing {
		empty(&c, w)
	}
	if err == nil {
		maskCoverage(&c)
	}
	return c, err
}

// empty takes out of a coverage what is not about all that is stored.
func empty(c *store.Coverage, w store.Window) {
	c.Window, c.Spans, c.Books, c.Points, c.Unlocated, c.Effective = w, nil, store.Books{}, 0, store.Sum{}, store.Window{}
}

func maskCoverage(c *store.Coverage) {
	all := wholeHours(store.Window{From: c.First, To: c.Last})
	c.First, c.Last = all.From, all.To
	c.Window, c.Sensors, c.Tick = wholeHours(c.Window), nil, max(c.Tick, maskStep)
	c.Spans = hourlySpans(c.Spans)
	c.Effective = wholeHours(c.Effective)
	if !c.PointsFrom.IsZero() {
		c.PointsFrom = c.PointsFrom.UTC().Truncate(maskStep)
	}
}

// hourlySpans says of whole hours what the best was that any sensor did in them.
func hourlySpans(spans []store.Span) (out []store.Span) {
	type hour struct {
		state         store.State
		drops, folded uint64
	}
	at := map[int64]hour{}
	step := int64(maskStep / time.Second)
	for _, s := range spans {
		w := wholeHours(s.Window)
		for t, i := w.From.Unix(), 0; t < w.To.Unix(); t, i = t+step, i+1 {
			h := at[t]
			h.state = max(h.state, s.State)
			if i == 0 {
				h.drops, h.folded = h.drops+s.Drops, h.folded+s.Folded
			}
			at[t] = h
		}
	}
	for t, h := range at {
		from := time.Unix(t, 0).UTC()
		out = append(out, store.Span{Window: store.Window{From: from, To: from.Add(maskStep)}, State: h.state, Drops: h.drops, Folded: h.folded})
	}
	slices.SortFunc(out, func(a, b store.Span) int { return a.From.Compare(b.From) })
	return out
}
