package export

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/packetheat/packetheat/store"
)

// Top implements Reader, from points. Distinct addresses are not counted: masks tell of
// networks. Peers and sensors are what a mask takes out.
func (m *Masked) Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error) {
	if by == store.ByPeer || by == store.BySensor {
		return store.Top{}, ErrMasked
	}
	rows := map[topKey]*topRow{}
	err := m.Points(ctx, f, func(points []store.Point) error {
		for i := range points {
			p := &points[i]
			k := topKeyOf(by, p)
			r := rows[k]
			if r == nil {
				r = &topRow{Row: k.row(by, p)}
				rows[k] = r
			}
			r.add(p)
		}
		return nil
	})
	top := store.Top{By: by, Count: len(rows)}
	for _, r := range rows {
		r.finish(by)
		top.Total.Add(r.Row.Total())
		top.Rows = append(top.Rows, r.Row)
	}
	store.SortRows(top.Rows)
	if n > 0 && n < len(top.Rows) {
		top.Rows = top.Rows[:n]
	}
	return top, err
}

// ErrMasked says that a question asks for what the mask takes out.
var ErrMasked = errors.New("what is served is masked: there are no peers and no names of sensors in it")

// topKey tells the rows of a top apart, by the fields that a dimension has.
type topKey struct {
	text  string // as in a filter
	proto uint8  // of a port
}

func topKeyOf(by store.Dimension, p *store.Point) (k topKey) {
	switch by {
	case store.ByPlace:
		k.text = p.Place.Country
		if p.Place.HasCoordinates() {
			k.text = strconv.FormatFloat(p.Place.Latitude, 'f', 4, 64) + "," + strconv.FormatFloat(p.Place.Longitude, 'f', 4, 64)
		}
	case store.ByCountry:
		k.text = p.Place.Country
	case store.ByCity:
		k.text = p.Place.City
	case store.ByASN:
		if p.ASN != 0 {
			k.text = strconv.FormatUint(uint64(p.ASN), 10)
		}
	case store.ByIP:
		k.text = store.PrefixString(p.Addr)
	case store.ByPort:
		k.proto = p.Proto
		if p.HasPort {
			k.text = strconv.FormatUint(uint64(p.Port), 10)
		}
	case store.ByProto:
		k.text = store.ProtoName(p.Proto)
	case store.ByDirection:
		k.text = p.Direction.String()
	}
	return k
}

// row begins the row of a key with what its first point says of it.
func (k topKey) row(by store.Dimension, p *store.Point) store.Row {
	r := store.Row{Key: k.text, Proto: k.proto, Label: cmp.Or(k.text, "unknown"), First: p.Time}
	r.Place.Country = p.Place.Country
	if k.text == "" {
		return r
	}
	switch by {
	case store.ByPlace, store.ByCity:
		if by == store.ByPlace && k.text == p.Place.Country {
			r.CountryOnly(k.text)
			break
		}
		r.Place = p.Place
		r.Label = cmp.Or(joinedNames(cmp.Or(p.Place.City, p.Place.Region), p.Place.Country), k.text)
	case store.ByASN:
		r.ASN, r.ASOrg, r.Label = p.ASN, p.ASOrg, cmp.Or(p.ASOrg, k.text)
	case store.ByIP:
		r.Place, r.ASN, r.ASOrg = p.Place, p.ASN, p.ASOrg
	case store.ByPort:
		r.Label = k.text + "/" + store.ProtoName(k.proto)
	}
	return r
}

// joinedNames is "City, Country", or what of it is known.
func joinedNames(names ...string) string {
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	if len(names) == 2 {
		return names[0] + ", " + names[1]
	}
	return cmp.Or(names...)
}

// topRow is a row while it is summed.
type topRow struct {
	store.Row
	several bool // countries
}

func (r *topRow) add(p *store.Point) {
	sum := &r.In
	if p.Direction == store.Out {
		sum = &r.Out
	}
	sum.Add(p.Sum())
	if end := p.Time.Add(p.Interval); end.After(r.Last) {
		r.Last = end
	}
	if p.Time.Before(r.First) {
		r.First = p.Time
	}
	r.several = r.several || p.Place.Country != r.Place.Country
}

// finish takes back what is not true of all of the row.
func (r *topRow) finish(by store.Dimension) {
	if r.several && by != store.ByIP {
		r.Place.Country = ""
		if by == store.ByCity && r.Key != "" {
			r.Label = r.Key + " (several countries)"
		}
	}
}
