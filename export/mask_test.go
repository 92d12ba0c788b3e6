package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// secret is traffic with everything in it that a mask takes out: a place of many
// addresses, one of few, a branch office, two sensors, and an AS of a single address.
func secret() *fakeReader {
	paris := store.Place{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", Region: "Ile-de-France", City: "Paris", Precision: store.City}
	village := store.Place{Latitude: 47.1234, Longitude: 8.5678, Country: "CH", Region: "Uri", City: "Altdorf", Precision: store.City}
	branch := store.Place{Latitude: 53.5511, Longitude: 9.9937, Country: "DE", City: "Acme Hamburg", Precision: store.City}
	f := &fakeReader{}
	for n := range 400 {
		at := noon.Add(7*time.Minute + time.Duration(n)*tick)
		p := store.Point{Time: at, Interval: tick, Sensor: []string{"gw-secret", "gw-other"}[n%2], Proto: 6, Port: 443, HasPort: true, Packets: uint64(n + 1), Bytes: 60 * uint64(n+1), Opens: 1,
			Peer: netip.MustParsePrefix(fmt.Sprintf("10.20.%d.%d/32", n%3, n%11)), Direction: store.Direction(n & 1),
			Addr: netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", n%20)), Place: paris, ASN: 64500, ASOrg: "Big Net"}
		switch n % 5 {
		case 1:
			p.Addr, p.Place, p.ASN, p.ASOrg = netip.MustParsePrefix("203.0.113.77/32"), village, 64511, "Dorfbeiz Altdorf GmbH"
		case 2:
			p.Addr, p.Place, p.ASN, p.ASOrg = netip.MustParsePrefix(fmt.Sprintf("10.30.0.%d/32", n%50)), branch, 0, ""
		case 4:
			if n%2 == 0 { // a small place in a country of many addresses
				p.Addr = netip.MustParsePrefix("198.51.100.200/32")
				p.Place = store.Place{Latitude: 43.7654, Longitude: 4.4321, Country: "FR", Region: "Gard", City: "Sommières", Precision: store.City}
			}
		case 3:
			p.Addr = netip.MustParsePrefix(fmt.Sprintf("2001:db8:77:%x::5/128", n%20))
		}
		if n%50 == 0 {
			p.Addr, p.Flags = netip.MustParsePrefix("198.51.0.0/16"), store.Folded
		}
		f.points = append(f.points, p)
	}
	return f
}

var secretNames = []string{"gw-secret", "gw-other", "gw-ours", "Acme", "Altdorf", "Dorfbeiz", "53.5511", "9.9937", "47.1234", "8.5678", "Sommières", "43.7654", "4.4321"}

// secretMask is the mask of secret's owner.
func secretMask() *Mask {
	return &Mask{Own: []netip.Prefix{netip.MustParsePrefix("10.30.0.0/16")}, Names: []string{"Acme Hamburg"}}
}

// payload is all that a file says: of a page, with its data unpacked.
func payload(t *testing.T, format Format, file []byte) string {
	if format != HTML {
		return string(file)
	}
	_, text, _ := bytes.Cut(file, []byte(dataTag))
	text, _, _ = bytes.Cut(text, []byte("<"))
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(file) + string(raw)
}

// No masked file, whatever its format, has an address, a peer or a name of the store in
// it; every one of them is in the file without a mask.
func TestMaskedFilesTellNothing(t *testing.T) {
	r := secret()
	var words []string
	for _, p := range r.points {
		words = append(words, p.Peer.Addr().String())
		if p.Addr.IsSingleIP() {
			words = append(words, p.Addr.Addr().String())
		}
	}
	slices.Sort(words)
	words = append(slices.Compact(words), secretNames...)
	home := &page.Home{Latitude: 12.3456, Longitude: 65.4321, Name: "Nemo Point"}
	for i := range formatNames {
		format := Format(i)
		for _, gone := range []bool{false, true} {
			t.Run(fmt.Sprint(format, gone), func(t *testing.T) {
				var open, closed bytes.Buffer
				o := Options{Home: home, Sensor: "gw-ours"}
				if format == HTML {
					o.Detail = DetailFull
				}
				if _, err := Write(context.Background(), &open, r, format, o); err != nil {
					t.Fatal(err)
				}
				o.Detail, o.Mask = "", secretMask()
				o.Mask.Gone = gone
				rep, err := Write(context.Background(), &closed, r, format, o)
				if err != nil {
					t.Fatal(err)
				}
				if want := r.sum(store.Filter{}); rep.Sum != want {
					t.Errorf("masked sums are %+v, want %+v", rep.Sum, want)
				}
				before, after := payload(t, format, open.Bytes()), payload(t, format, closed.Bytes())
				missed := 0
				for _, word := range words {
					if !strings.Contains(before, word) {
						missed++
					}
					if containsWord(after, word) {
						t.Errorf("the masked file tells %s", word)
					}
				}
				if missed > 9 { // some formats have no sensor, and pages keep coordinates as bytes
					t.Errorf("%d of %d words are not even in the open file: the test is blind", missed, len(words))
				}
				if network := "198.51.100.0/24"; format != HTML && strings.Contains(after, network) == gone {
					t.Errorf("%s in the file: %v", network, !gone)
				}
				if strings.Contains(after, "12.3456") || strings.Contains(after, ":07:") {
					t.Error("the masked file tells our place, or minutes")
				}
			})
		}
	}
}

// containsWord finds an address or name that is not a part of a longer number.
func containsWord(s, word string) bool {
	for {
		i := strings.Index(s, word)
		if i < 0 {
			return false
		}
		rest := s[i+len(word):]
		if rest == "" || !strings.ContainsAny(rest[:1], "0123456789/") || strings.HasPrefix(rest, "/32") || strings.HasPrefix(rest, "/128") {
			return true
		}
		s = rest
	}
}

// maskedRows are CSV rows of the named columns, with their number.
func maskedRows(t *testing.T, r Reader, o Options, columns ...string) map[string]int {
	t.Helper()
	var b bytes.Buffer
	if _, err := Write(context.Background(), &b, r, CSV, o); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, row := range rows[1:] {
		var cells []string
		for _, c := range columns {
			cells = append(cells, row[slices.Index(rows[0], c)])
		}
		got[strings.Join(cells, " ")]++
	}
	return got
}

func TestMaskedRows(t *testing.T) {
	r := secret()
	got := maskedRows(t, r, Options{Mask: secretMask()}, "time", "ip", "city", "country", "as_org", "precision", "direction", "flags", "interval", "peer", "sensor")
	want := map[string]int{}
	for _, at := range []string{"2026-11-21T12:00:00Z", "2026-11-21T13:00:00Z"} {
		for _, d := range []string{"in", "out"} {
			want[at+" 198.51.100.0/24 Paris FR Big Net city "+d+" masked 3600  "]++
			want[at+" 2001:db8:77::/48 Paris FR Big Net city "+d+" masked 3600  "]++
			want[at+" 203.0.113.0/24     "+d+" masked 3600  "]++
			want[at+"      "+d+" masked 3600  "]++
		}
		want[at+" 198.51.100.0/24  FR Big Net country in masked 3600  "]++
		want[at+" 198.51.0.0/16 Paris FR Big Net city in folded;masked 3600  "]++
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := maskedRows(t, r, Options{Mask: &Mask{Least: 1}}, "city"); got["Altdorf"] == 0 || got["Acme Hamburg"] != 0 {
		t.Errorf("with one address a place, cities are %v", got)
	}
	if got := maskedRows(t, r, Options{Mask: &Mask{Least: 1000}}, "city", "as_org"); len(got) != 1 || got[" "] == 0 {
		t.Errorf("with 1,000 addresses a place, cities are %v", got)
	}
}

// A filter sees what is masked, not what was stored.
func TestMaskComesBeforeFilter(t *testing.T) {
	r := secret()
	for _, c := range []struct {
		filter string
		rows   bool
		wrong  string
	}{
		{"city:Altdorf", false, ""},
		{"asn:64511", false, ""},
		{"country:CH", false, ""},
		{"country:FR -city:Paris", true, ""},
		{"place:47.1234,8.5678", false, ""},
		{"ip:198.51.100.0/24", true, ""},
		{"ip:203.0.113.77", false, "addresses closer than /24 and /48"},
		{"-ip:203.0.113.77", false, "addresses closer than /24 and /48"},
		{"ip:198.51.0.0/16,198.51.100.0/25", false, "addresses closer"},
		{"peer:10.20.0.0/16", false, "peers"}, {"opened:unanswered", false, "who spoke with whom"},
		{"host:10.20.0.0/16", false, "peers"},
		{"-sensor:gw-secret", false, "names of sensors"},
		{`city:"acme hamburg"`, false, "your own names"},
	} {
		t.Run(c.filter, func(t *testing.T) {
			f, err := store.ParseFilter(c.filter)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Filter: f, Mask: secretMask()}
			rep, err := Write(context.Background(), io.Discard, r, CSV, o)
			switch {
			case c.wrong == "" && err != nil:
				t.Error(err)
			case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
				t.Errorf("error %v, want one about %s", err, c.wrong)
			case (rep.Rows > 0) != c.rows:
				t.Errorf("%d rows", rep.Rows)
			}
		})
	}
	f, err := store.ParseFilter("ip:198.51.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), io.Discard, r, CSV, Options{Filter: f, Mask: &Mask{Gone: true}}); err == nil {
		t.Error("addresses that are gone can be asked for")
	}
}

// A masked window is one of whole hours: two exports cannot be told apart to a minute.
func TestMaskedWindow(t *testing.T) {
	r := secret()
	o := Options{Mask: secretMask()}
	o.Filter.Window = store.Window{From: noon.Add(31 * time.Minute), To: noon.Add(32 * time.Minute)}
	data, rep, err := Build(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := r.sum(store.Filter{Window: store.Window{From: noon, To: noon.Add(time.Hour)}}); rep.Sum != want {
		t.Errorf("sums are %+v, those of the whole hour %+v", rep.Sum, want)
	}
	m := data.Meta
	if !m.From.Equal(noon) || !m.To.Equal(noon.Add(time.Hour)) || m.Tick != 3600 || m.Detail != DetailPlaces || len(data.Details) != 0 || m.Sensor != "" {
		t.Errorf("the page says %+v", m)
	}
	for _, s := range m.Coverage {
		if !s.From.Equal(s.From.Truncate(time.Hour)) || !s.To.Equal(s.To.Truncate(time.Hour)) {
			t.Errorf("coverage has %s to %s", s.From, s.To)
		}
	}
	if !strings.Contains(m.Coarsened, "masked: whole hours") {
		t.Errorf("the page says %q", m.Coarsened)
	}
	if want := "packetheat export html --from 2026-11-21T12:00:00Z --to 2026-11-21T13:00:00Z --mask -o FILE.html"; m.Command != want {
		t.Errorf("command is %q, want %q", m.Command, want)
	}
}

func TestMaskedOptions(t *testing.T) {
	for _, o := range []Options{{Mask: &Mask{}, Detail: DetailFull}, {Mask: &Mask{Least: -1}}} {
		if _, _, err := Build(context.Background(), secret(), o); err == nil {
			t.Errorf("%+v is possible", o)
		}
	}
	o := Options{applied: &Mask{Gone: true, Least: 20}}
	if got := o.command(CSV, store.Window{}); got != "packetheat export csv --mask=gone --mask-k 20 -o FILE.csv" {
		t.Error(got)
	}
}
