package export

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// oneHour is the only whole hour of secret's points that is over.
var oneHour = store.Window{From: noon, To: noon.Add(time.Hour)}

// answers asks a reader everything.
func answers(t *testing.T, r Reader, f store.Filter) (all []any, sums map[string]store.Sum) {
	t.Helper()
	sums = map[string]store.Sum{}
	add := func(name string, s store.Sum, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.Add(sums[name])
		sums[name] = s
	}
	add("points", store.Sum{}, r.Points(t.Context(), f, func(points []store.Point) error {
		for _, p := range points {
			all = append(all, p)
			add("points", p.Sum(), nil)
		}
		return nil
	}))
	for _, step := range []time.Duration{0, time.Hour} {
		cells, err := r.Cells(t.Context(), f, step)
		add("cells", store.Sum{}, err)
		for _, c := range cells {
			all = append(all, c)
			if step > 0 {
				add("cells", c.Sum, nil)
			}
		}
	}
	bins, err := r.Series(t.Context(), f, time.Hour)
	add("series", store.Sum{}, err)
	for _, b := range bins {
		all = append(all, b)
		add("series", b.Sum, nil)
	}
	for _, name := range store.Dimensions() {
		by, err := store.ParseDimension(name)
		if err != nil || by == store.ByPeer || by == store.BySensor {
			continue
		}
		top, err := r.Top(t.Context(), f, by, 0)
		add(name, top.Total, err)
		for _, row := range top.Rows {
			all = append(all, row)
			s := row.Total()
			if row.First.Minute() != 0 || row.Last.Minute() != 0 {
				t.Errorf("row by %s from %s to %s", name, row.First, row.Last)
			}
			add("rows by "+name, s, nil)
		}
	}
	cov, err := r.Coverage(t.Context(), f.Window)
	add("coverage", store.Sum{}, err)
	delete(sums, "coverage")
	return append(all, cov), sums
}

// TestMaskedReaderTellsNothing asks everything and looks for what a mask takes out. Sums
// are those of the hour that is over.
func TestMaskedReaderTellsNothing(t *testing.T) {
	for _, gone := range []bool{false, true} {
		r := secret()
		m := NewMasked(r, func() Mask { mask := *secretMask(); mask.Gone = gone; return mask })
		all, sums := answers(t, m, store.Filter{})
		said := fmt.Sprintf("%+v", all)
		words := slices.Clone(secretNames)
		for _, p := range r.points {
			words = append(words, p.Peer.Addr().String())
			if p.Addr.IsSingleIP() {
				words = append(words, p.Addr.Addr().String())
			}
		}
		for _, word := range words {
			if containsWord(said, word) {
				t.Errorf("gone %v: the answers tell %s", gone, word)
			}
		}
		if strings.Contains(said, "198.51.100.0/24") == gone || !strings.Contains(said, "Paris") {
			t.Errorf("gone %v: the answers are %.1000s", gone, said)
		}
		for name, sum := range sums {
			if want := r.sum(store.Filter{Window: oneHour}); sum != want {
				t.Errorf("gone %v: %s add up to %+v, points to %+v", gone, name, sum, want)
			}
		}
		cov := all[len(all)-1].(store.Coverage)
		if cov.Window != oneHour || !cov.Last.Equal(oneHour.To) || !cov.First.Equal(noon) || cov.Tick != time.Hour || cov.Sensors != nil {
			t.Errorf("coverage %+v", cov)
		}
	}
}

// TestMaskedReaderIsTheMaskedFile compares with the rows of a file of the same hour, also
// where the store knows the sums of hours.
func TestMaskedReaderIsTheMaskedFile(t *testing.T) {
	o := Options{Filter: store.Filter{Window: oneHour}, Mask: secretMask()}
	want := maskedRows(t, secret(), o, Columns()...)
	o.Mask = nil
	sums := &summing{fakeReader: secret()}
	for name, r := range map[string]Reader{"points": secret(), "sums": sums} {
		m := NewMasked(r, func() Mask { return *secretMask() })
		if got := maskedRows(t, m, o, Columns()...); !maps.Equal(want, got) {
			t.Errorf("%s: rows differ (-file +served):\n%s", name, gocmp.Diff(want, got))
		}
		o.Mask = &Mask{Gone: true, Least: 1}
		if got := maskedRows(t, m, o, "ip", "city"); got[" Altdorf"] != 0 || len(got) != 2 {
			t.Errorf("%s: a mask that asks for less privacy has %v", name, got)
		}
		o.Mask = nil
	}
	if len(sums.asked) == 0 {
		t.Error("sums were not asked for")
	}
	data, _, err := Build(t.Context(), NewMasked(secret(), func() Mask { return *secretMask() }), Options{Sensor: "gw1", Detail: DetailFull})
	if err != nil || data.Meta.Sensor != "" || data.Meta.Detail != DetailPlaces || len(data.Details) != 0 || !data.Meta.To.Equal(oneHour.To) ||
		!strings.Contains(data.Meta.Coarsened, "masked") || !strings.Contains(data.Meta.Command, "--mask") {
		t.Errorf("page %+v, %v", data.Meta, err)
	}
}

func TestMaskedReaderRefuses(t *testing.T) {
	m := NewMasked(secret(), func() Mask { return *secretMask() })
	f, err := store.ParseFilter("peer:10.20.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Cells(t.Context(), f, 0); err == nil || !strings.Contains(err.Error(), "peers") {
		t.Errorf("a filter by peer: %v", err)
	}
	for _, by := range []store.Dimension{store.ByPeer, store.BySensor} {
		if _, err := m.Top(t.Context(), store.Filter{}, by, 0); !errors.Is(err, ErrMasked) {
			t.Errorf("top by %s: %v", by, err)
		}
	}
	// Of the present hour, and of an empty store, there is nothing.
	for name, r := range map[string]*Masked{"present hour": m, "empty": NewMasked(&fakeReader{}, m.mask)} {
		f := store.Filter{Window: store.Window{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}}
		if _, sums := answers(t, r, f); sums["points"] != (store.Sum{}) || sums["country"] != (store.Sum{}) {
			t.Errorf("%s: %+v", name, sums)
		}
		data, _, err := Build(t.Context(), r, Options{Filter: f})
		if err != nil || len(data.Rows) != 0 || data.Meta.Message == "" {
			t.Errorf("%s: the page says %q, %v", name, data.Meta.Message, err)
		}
	}
}

// TestMaskedReaderNamesCountries: by place, what a mask leaves no more than a country of is
// a row of that country.
func TestMaskedReaderNamesCountries(t *testing.T) {
	m := NewMasked(secret(), func() Mask { return *secretMask() })
	top, err := m.Top(t.Context(), store.Filter{}, store.ByPlace, 0)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := m.Cells(t.Context(), store.Filter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{}
	for _, c := range cells {
		if !c.Place.HasCoordinates() && c.Place.Country != "" {
			want[c.Place.Country+" (country only)"] += c.Packets
		}
	}
	got := map[string]uint64{}
	for _, r := range top.Rows {
		if r.Key == "" && r.Place.Country != "" {
			got[r.Label] += r.Total().Packets
		}
	}
	if len(want) == 0 || !maps.Equal(got, want) {
		t.Errorf("%v, the map has %v", got, want)
	}
}

// TestMaskedReaderCountsOnce asks for the same hour again and again: its addresses are
// counted once, until it has other points.
func TestMaskedReaderCountsOnce(t *testing.T) {
	r := secret()
	m := NewMasked(r, func() Mask { return *secretMask() })
	reads := func(n int) (count int) {
		before := r.reads
		for range n {
			if _, err := m.Cells(t.Context(), store.Filter{}, 0); err != nil {
				t.Fatal(err)
			}
		}
		return r.reads - before
	}
	if got := reads(5); got != 6 {
		t.Errorf("points were read %d times for five questions, want 6", got)
	}
	late := r.points[3]
	late.Flags = store.Late
	r.points = slices.Insert(r.points, 3, late)
	if got := reads(2); got != 3 {
		t.Errorf("then %d times for two, want 3", got)
	}
}

func TestMaskedReaderAnnouncesHours(t *testing.T) {
	r := &fakeReader{}
	ctx, cancel := context.WithCancel(t.Context())
	hours := NewMasked(r, func() Mask { return Mask{} }).Watch(ctx)
	for i := range 365 {
		r.commit(noon.Add(time.Duration(i)*tick), somePoints(1, 1)...)
	}
	hour := <-hours
	if want := (store.Commit{Tick: noon, Interval: time.Hour}); hour != want {
		t.Errorf("announced %+v, want %+v", hour, want)
	}
	cancel()
	if more, ok := <-hours; ok {
		t.Errorf("announced %+v, too", more)
	}
}
