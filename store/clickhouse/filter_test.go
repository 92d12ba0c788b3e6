package clickhouse

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/packetheat/packetheat/store"
)

// TestSpellings: a word is found however it is written, and as Go makes letters small.
func TestSpellings(t *testing.T) {
	for _, c := range []struct {
		word string
		yes  []string
		no   []string
	}{
		{"paris", []string{"Paris", "PARIS", "parİs"}, []string{"pari", "parisx", "par.s"}},
		{"istanbul", []string{"İstanbul", "ISTANBUL", "istanbul"}, []string{"ıstanbul"}},
		{"île-de-france", []string{"Île-de-France", "ÎLE-DE-FRANCE"}, []string{"ile-de-france", "îleXde-france"}},
		{"köln", []string{"Köln", "\u212aÖLN"}, []string{"koln"}},
		{"нижний новгород", []string{"Нижний Новгород", "НИЖНИЙ НОВГОРОД"}, []string{"нижний тагил"}},
		{`l'"aqu\ila`, []string{`L'"Aqu\ila`}, []string{`L'"Aqu\\ila`}},
		{"a.b(c)[d]*$^", []string{"A.B(C)[D]*$^"}, []string{"axb(c)[d]*$^"}},
	} {
		for _, w := range c.yes {
			if strings.ToLower(w) != c.word {
				t.Fatalf("%q is %q in lower case, not %q", w, strings.ToLower(w), c.word)
			}
		}
		re := regexp.MustCompile(pattern(c.word))
		all, ok := spellings(c.word)
		for i, w := range append(c.yes, c.no...) {
			want := i < len(c.yes)
			if got := re.MatchString(w); got != want {
				t.Errorf("%q matches %q: %v", pattern(c.word), w, got)
			}
			if got := contains(all, lowerASCII(w)); ok && got != want {
				t.Errorf("%q is among the spellings of %q: %v", w, c.word, got)
			}
		}
	}
	if _, ok := spellings(strings.Repeat("ж", 7)); ok {
		t.Error("128 spellings are listed")
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// lowerASCII is what lower() does at a server.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// TestUppers finds all letters by looking at every one.
func TestUppers(t *testing.T) {
	want := map[rune]int{}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if l := unicode.ToLower(r); l != r {
			want[l]++
		}
	}
	for r, n := range want {
		if got := len(uppers(r)); got != n {
			t.Errorf("%c has %d big ones, want %d", r, got, n)
		}
	}
	if n := len(uppers('a')); n != 0 {
		t.Errorf("a has %d big ones beyond ASCII", n)
	}
}

// TestConditions reads some of the SQL: what it means is asked of servers, by the
// self-test.
func TestConditions(t *testing.T) {
	for text, want := range map[string]string{
		"proto:tcp,17":      "(proto IN (6, 17))",
		"port:1-1024,443":   "(has_port != 0 AND (port BETWEEN 1 AND 1024 OR port IN (443)))",
		"-asn:15169":        "NOT (asn != 0 AND (asn IN (15169)))",
		"dir:in,out":        "(direction = 0 OR direction = 1)",
		"opened:us":         "(opens > 0 AND ((direction = 1)))",
		`sensor:"a'; b\\"`:  `(lower(sensor) IN ('a\'; b\\'))`,
		"ip:192.0.2.0/24":   "(addr_family != 0 AND (addr_bits >= 120 AND addr >= " + address(netip.MustParseAddr("192.0.2.0")) + " AND addr <= " + address(netip.MustParseAddr("192.0.2.255")) + "))",
		"-peer:2001:db8::1": "NOT (peer_family != 0 AND (peer_bits = 128 AND peer IN (" + address(netip.MustParseAddr("2001:db8::1")) + ")))",
	} {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := newFilter(f.Terms, nil).where(""); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, want)
		}
	}
	if got := newFilter(nil, nil).where("", ""); got != "1" {
		t.Errorf("no conditions are %q", got)
	}
}

// TestRest: what SQL cannot say is left, with its negation.
func TestRest(t *testing.T) {
	f := newFilter([]store.Term{
		{Key: store.KeyLabel, Not: true, Labels: []store.Matcher{{Match: func(_, _ netip.Prefix, asn uint32) bool { return asn == 7 }}}},
		{Key: store.KeyOpened, Unanswered: true, Answered: func(x *store.Point) bool { return x.Bytes > 5 }},
		{Key: store.KeyDir, Dirs: []store.Direction{store.In}},
	}, nil)
	if len(f.rest) != 2 || len(f.conditions) != 1 || f.props&propPoint == 0 {
		t.Fatalf("%+v", f)
	}
	for _, c := range []struct {
		point store.Point
		want  bool
	}{
		{store.Point{ASN: 1, Opens: 1}, true}, {store.Point{ASN: 7, Opens: 1}, false},
		{store.Point{ASN: 1}, false}, {store.Point{ASN: 1, Opens: 1, Bytes: 6}, false},
	} {
		if got := f.matchRest(&c.point); got != c.want {
			t.Errorf("%+v: %v", c.point, got)
		}
	}
}

// TestRollupOf: sums are read only from where all that is asked is known.
func TestRollupOf(t *testing.T) {
	for p, want := range map[props]string{
		0: "asn", propCountry: "asn", propASN: "asn", propASN | propCountry: "asn",
		propPlace: "place", propPlace | propCountry: "place", propPort | propCountry: "port",
		propPlace | propASN: "", propPort | propASN: "", propPoint: "", propPoint | propCountry: "",
	} {
		if got := rollupOf(p); got != want {
			t.Errorf("of %b: %q, want %q", p, got, want)
		}
	}
}

func TestWide(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.0/24": "::ffff:192.0.2.0/120 ::ffff:192.0.2.255", "0.0.0.0/0": "::ffff:0.0.0.0/96 ::ffff:255.255.255.255",
		"2001:db8::/33": "2001:db8::/33 2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "::/0": "::/0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	} {
		n := wide(netip.MustParsePrefix(text))
		if got := fmt.Sprint(n, " ", lastOf(n)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
