package export

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// someLabels are AS numbers below 15025 and some addresses, and the one peer there is.
type someLabels struct{}

func (someLabels) Names() []string { return []string{"cloud", "mine"} }

func (someLabels) Matcher(name string) (func(addr, peer netip.Prefix, asn uint32) bool, bool) {
	cloud := netip.MustParsePrefix("8.0.0.0/27")
	if name == "mine" {
		return func(_, peer netip.Prefix, _ uint32) bool { return peer == netip.MustParsePrefix("10.0.0.5/32") }, true
	}
	return func(addr, _ netip.Prefix, asn uint32) bool {
		return asn > 0 && asn < 15025 || addr.IsValid() && cloud.Contains(addr.Addr())
	}, false
}

func isCloud(p *store.Point) bool {
	match, _ := someLabels{}.Matcher("cloud")
	return match(p.Addr, p.Peer, p.ASN)
}

// cloudSums are the sums by bin, place, class and direction, of big clouds and not.
func cloudSums(d *page.Data) map[string]store.Sum {
	sums := map[string]store.Sum{}
	for _, r := range d.Rows {
		p := d.Places[r.Place]
		k := fmt.Sprint(r.Bin, p.City, p.Country, r.Proto, r.Out, r.Cloud)
		s := sums[k]
		s.Add(store.Sum{Packets: r.Packets, Bytes: r.Bytes, Opens: r.Opens})
		sums[k] = s
	}
	return sums
}

// Rows of big clouds are those of their points, in pages made at once and in standing
// ones; details have the labels of who they are about, and their sums are split, too.
func TestLabelsOfPages(t *testing.T) {
	r := &fakeReader{points: somePoints(6000, 400)}
	want := map[string]store.Sum{}
	for i := range r.points {
		p := &r.points[i]
		k := fmt.Sprint(uint32(p.Time.Sub(noon)/tick), p.Place.City, p.Place.Country, uint8(store.ClassOf(p.Proto)), p.Direction == store.Out, isCloud(p))
		s := want[k]
		s.Add(p.Sum())
		want[k] = s
	}
	standing := newRecent(r, store.Filter{}, 1_000_000, time.Hour)
	if err := standing.update(context.Background(), store.Window{From: noon, To: noon.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]Reader{"at once": r, "standing": standing} {
		d, _, err := Build(context.Background(), from, Options{Labels: someLabels{}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, cloudSums(d)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", name, diff)
		}
		if !d.Meta.Clouds || !slices.Equal(d.Meta.Labels, []string{"cloud", "mine"}) {
			t.Errorf("%s: the page says %v, %v", name, d.Meta.Clouds, d.Meta.Labels)
		}
		seen := map[string]int{}
		for _, x := range d.Details {
			bits := uint32(0)
			switch addr, err := netip.ParseAddr(x.Name); {
			case x.Kind == page.Address && err == nil && isCloud(&store.Point{Addr: netip.PrefixFrom(addr, addr.BitLen()), ASN: x.Number}):
				bits = 1
			case x.Kind == page.AS && x.Number < 15025:
				bits = 1
			case x.Kind == page.Peer:
				bits = 2
			}
			if x.Labels != bits {
				t.Errorf("%s: %s %d has labels %b, want %b", name, x.Name, x.Number, x.Labels, bits)
			}
			if x.Kind == page.Address && x.Cloud != (bits == 1) {
				t.Errorf("%s: %s is of a cloud: %v", name, x.Name, x.Cloud)
			}
			seen[fmt.Sprint(x.Kind, x.Cloud)]++
		}
		if len(seen) != 8 {
			t.Errorf("%s: details are %v", name, seen)
		}
	}
}

// Without labels, and where places only are wanted, pages are as they were.
func TestPagesWithoutLabels(t *testing.T) {
	r := &fakeReader{points: somePoints(2000, 400)}
	for _, o := range []Options{{}, {Labels: someLabels{}, Detail: DetailPlaces}, {Labels: someLabels{}, Mask: &Mask{}}} {
		d, rep, err := Build(context.Background(), r, o)
		if err != nil {
			t.Fatal(err)
		}
		if d.Meta.Clouds || d.Meta.Labels != nil || rep.Sum != r.sum(store.Filter{}) {
			t.Errorf("%+v: clouds %v, labels %v, %+v", o, d.Meta.Clouds, d.Meta.Labels, rep.Sum)
		}
		for _, row := range d.Rows {
			if row.Cloud {
				t.Fatalf("%+v has a row of a cloud", o)
			}
		}
	}
}

// Where places are taken together by country, sums stay exact.
func TestLabelsOfFoldedPlaces(t *testing.T) {
	r := &fakeReader{points: somePoints(6000, 400)}
	d, rep, err := Build(context.Background(), r, Options{Labels: someLabels{}, MaxRows: 8})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Sum != r.sum(store.Filter{}) || !strings.Contains(d.Meta.Coarsened, "by country") {
		t.Errorf("sums are %+v, %q", rep.Sum, d.Meta.Coarsened)
	}
}
