package export

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// finish puts the parts and the evidence together.
func (b *builder) finish() (*page.Data, Report) {
	rep := Report{Format: HTML, Rows: uint64(len(b.rows)), Window: b.window, Step: b.step,
		Coarsened: joined(b.notes, given(&b.cov)), Coverage: b.cov}
	first := ^uint32(0)
	for i := range b.rows {
		rep.Sum.Add(store.Sum{Packets: b.rows[i].Packets, Bytes: b.rows[i].Bytes, Opens: b.rows[i].Opens})
		first = min(first, b.rows[i].Bin)
	}
	if len(b.rows) > 0 {
		rep.First = b.start.Add(time.Duration(first) * b.step)
	}
	meta := page.Meta{
		Version: b.o.Version, Sensor: sensorName(b.o, &b.cov),
		From: b.window.From, To: b.window.To, Written: b.o.Written, Refresh: int(b.o.Refresh / time.Second),
		Filter: b.o.Filter.String(), Start: b.start.UTC(), Step: int(max(b.step, time.Second) / time.Second),
		Tick: int(b.tick() / time.Second), Totals: b.totals(rep.Sum), Drops: b.cov.Books.Drops,
		Coverage: Spans(b.window, &b.cov), Geo: databases(&b.cov), Home: b.o.Home, Links: b.o.Links, State: b.o.State,
		Command: b.o.command(HTML, b.window), Title: b.o.Title, Note: b.o.Note,
		Coarsened: rep.Coarsened, Detail: cmp.Or(b.o.Detail, DetailAddresses), Message: b.o.Message, Clouds: b.clouds,
	}
	if len(b.details) > 0 {
		meta.Labels = b.t.tags.names()
	}
	if len(b.rows) == 0 && meta.Message == "" {
		meta.Message = b.nothing()
	}
	places := b.arrange()
	return &page.Data{Meta: meta, Places: places, Rows: b.rows, Details: b.details}, rep
}

// totals are the headline. Without a filter it comes from the books, which count a
// packet between two public addresses once; with one, such packets cannot be told
// apart, and the headline is endpoint-packets: the sum of the rows.
func (b *builder) totals(sum store.Sum) page.Totals {
	t := page.Totals{Packets: sum.Packets, Bytes: sum.Bytes, Points: b.points}
	if len(b.o.Filter.Terms) == 0 {
		t.Points = b.cov.Points
		public := b.cov.Books.Public()
		if two := b.cov.Books.TwoPublic; public.Packets+two.Packets == sum.Packets {
			t.Packets, t.Bytes, t.TwoPublic = public.Packets, public.Bytes, two.Packets
		}
	}
	for i := range b.rows {
		if p := &b.t.places.list[b.rows[i].Place]; p.Country == "" && !p.HasCoordinates() {
			t.Unlocated += b.rows[i].Packets
		} else {
			t.Located += b.rows[i].Packets
		}
	}
	return t
}

// nothing says why the page is empty and what to do.
func (b *builder) nothing() string {
	switch {
	case b.cov.Last.IsZero():
		return "Nothing is stored yet. The first packets show up within two ticks of the sensor's start."
	case b.o.applied != nil && b.cov.Points == 0:
		return "Nothing is shown of this window: masked answers are about whole hours, those that are over."
	case len(b.o.Filter.Terms) > 0 && b.cov.Points > 0:
		return "No packet in this window matches the filter. Take a term away."
	case b.cov.Books.LocalOnly.Packets > 0:
		return "Only traffic between local addresses was seen in this window. Choose another interface, or run: packetheat demo"
	case b.cov.Window.From.Equal(b.cov.Window.To) || b.cov.Off() >= b.cov.Window.To.Sub(b.cov.Window.From):
		return "The sensor was off in this window. There is data from " +
			b.cov.First.UTC().Format("2006-01-02 15:04") + " to " + b.cov.Last.UTC().Format("2006-01-02 15:04 MST") + "."
	}
	return "No packets from or to public addresses were seen in this window."
}

// arrange puts the places into the order of their names, and the rows into the order
// of places, as the page will have them: so encoding needs not sort. It returns the
// places; rows and details name them by their new numbers.
func (b *builder) arrange() []page.Place {
	order := make([]uint32, b.t.places.len())
	for i := range order {
		order[i] = uint32(i)
	}
	all := b.t.places.list
	slices.SortFunc(order, func(a, b uint32) int {
		p, q := &all[a], &all[b]
		return cmp.Or(strings.Compare(p.Country, q.Country), strings.Compare(p.Region, q.Region), strings.Compare(p.City, q.City),
			cmp.Compare(p.Latitude, q.Latitude), cmp.Compare(p.Longitude, q.Longitude), cmp.Compare(a, b))
	})
	list := make([]page.Place, len(order))
	number := make([]uint32, len(order))
	for to, from := range order {
		p := &all[from]
		number[from] = uint32(to)
		list[to] = page.Place{Latitude: p.Latitude, Longitude: p.Longitude, HasCoordinates: p.HasCoordinates(),
			Country: p.Country, Region: p.Region, City: p.City, Precision: p.Precision.String(), AccuracyKM: p.AccuracyKM}
	}
	for i := range b.details {
		b.details[i].Place = number[b.details[i].Place]
	}
	for i := range b.rows {
		b.rows[i].Place = number[b.rows[i].Place]
	}
	b.details = counted(b.details, len(list), func(d *page.Detail) uint32 { return d.Place })
	b.rows = counted(b.rows, len(list)*partsOfSubject, func(r *page.Row) uint32 {
		k := r.Place*partsOfSubject + uint32(r.Proto)<<1
		if r.Cloud {
			k |= partCloud
		}
		if r.Out {
			k++
		}
		return k
	})
	return list
}

// counted sorts by a key below n, in one pass; what has the same key stays in its
// order.
func counted[T any](in []T, n int, key func(*T) uint32) []T {
	if len(in) == 0 {
		return in
	}
	next := make([]uint32, n+1)
	for i := range in {
		next[key(&in[i])+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	out := make([]T, len(in))
	for i := range in {
		k := key(&in[i])
		out[next[k]] = in[i]
		next[k]++
	}
	return out
}
