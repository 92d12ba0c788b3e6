package geo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseLabels(t *testing.T) {
	s, err := parseLabels(strings.NewReader("\ufeff# devices\n192.0.2.7 laptop\n\n192.0.2.8/30 ; SBL1\r\n198.51.100.5-198.51.100.9\n203.0.113.1 - 203.0.113.3\n"+
		"2001:db8:1::/48\n2001:db8::1-2001:db8::ff\n::ffff:192.0.2.99\nAS64500\n64501\nas64502 # third\n192.0.2.9\n"), "x")
	if err != nil {
		t.Fatal(err)
	}
	for end, want := range map[string]bool{
		"192.0.2.7/32": true, "192.0.2.8/32": true, "192.0.2.11/32": true, "192.0.2.12/32": false, "192.0.2.6/32": false, "192.0.2.99/32": true,
		"192.0.2.8/31": true, "192.0.2.8/30": true, "192.0.2.8/29": false, "192.0.2.0/24": false, "0.0.0.0/0": false,
		"198.51.100.5/32": true, "198.51.100.9/32": true, "198.51.100.10/32": false, "198.51.100.4/32": false,
		"203.0.113.2/32": true, "203.0.113.4/32": false,
		"2001:db8:1:2::3/128": true, "2001:db8:1::/48": true, "2001:db8:2::/48": false, "2001:db8::80/128": true, "2001:db8::100/128": false,
		"2002:c000:207::1/128": true, "64:ff9b::c000:207/128": true, "2002:c000:206::1/128": false,
	} {
		if got := s.holds(netip.MustParsePrefix(end)); got != want {
			t.Errorf("holds %s: %v", end, got)
		}
	}
	if s.holds(netip.Prefix{}) || !s.systems[64500] || !s.systems[64501] || !s.systems[64502] || len(s.systems) != 3 {
		t.Errorf("systems are %v", s.systems)
	}
}

func TestParseLabelsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1\n192.0.2\n":                  `x:2: "192.0.2" is no address, network or AS number`,
		"<!DOCTYPE html>":                       `x:1: "<!DOCTYPE" is no address`,
		"\n\nAS0":                               `x:3: "AS0" is no`,
		"AS4294967296":                          `is no address`,
		"192.0.2.9-192.0.2.1":                   `x:1: "192.0.2.9-192.0.2.1" is no range`,
		"192.0.2.9-2001:db8::1":                 `is no range`,
		"fe80::1%eth0":                          `is no address`,
		"1.1.1.1\n" + strings.Repeat("x", 5000): `x:2: line is longer than 4096 bytes`,
	} {
		if _, err := parseLabels(strings.NewReader(text), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error %v, want one with %s", text, err, want)
		}
	}
}

// Sets answer as a list of networks would that is gone through one by one.
func TestLabelSetAgainstList(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	random := func() netip.Prefix {
		if r.IntN(2) == 0 {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(256))}), 22+r.IntN(11)).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(r.IntN(4)), 15: byte(r.IntN(8))}), 46+r.IntN(83)).Masked()
	}
	for range 50 {
		var list []netip.Prefix
		s := &labelSet{}
		for range r.IntN(40) {
			p := random()
			list = append(list, p)
			s.add(p.Addr(), last(p))
		}
		s.seal()
		for range 200 {
			p, want := random(), false
			for _, n := range list {
				want = want || n.Bits() <= p.Bits() && n.Contains(p.Addr())
			}
			got := s.holds(p)
			if want && !got {
				t.Fatalf("%s is in none of %v", p, list)
			}
			// Neighbouring networks together may hold what none of them does alone.
			if got && !want && !covered(list, p) {
				t.Fatalf("%s is in %v", p, list)
			}
		}
	}
}

// covered reports whether each address of p, or both halves of it, are in the list.
func covered(list []netip.Prefix, p netip.Prefix) bool {
	for _, n := range list {
		if n.Bits() <= p.Bits() && n.Contains(p.Addr()) {
			return true
		}
	}
	if p.IsSingleIP() {
		return false
	}
	low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	high := netip.PrefixFrom(last(p), p.Bits()+1).Masked()
	return covered(list, low) && covered(list, high)
}

func has(l *Labels, name, addr, peer string, asn uint32) bool {
	m, _ := l.Matcher(name)
	end := func(s string) (p netip.Prefix) {
		if a, err := netip.ParseAddr(s); err == nil {
			p = netip.PrefixFrom(a, a.BitLen())
		}
		return p
	}
	return m != nil && m(end(addr), end(peer), asn)
}

func known(l *Labels, name string) bool {
	m, _ := l.Matcher(name)
	return m != nil
}

func writeList(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestLabels(t *testing.T) {
	dir := t.TempDir()
	mine, bad := filepath.Join(dir, "mine.txt"), filepath.Join(dir, "bad.txt")
	writeList(t, mine, "192.168.1.7\n93.184.216.0/24\nAS64500\n", time.Hour)
	writeList(t, bad, "203.0.113.9\n", time.Hour)
	files := []LabelFile{{mine, "My devices"}, {bad, "blocked"}, {bad, "Cloud"}}
	l, err := ReadLabels(files, []Network{{Prefix: netip.MustParsePrefix("10.30.0.0/16"), Name: "Harbour"}, {Prefix: netip.MustParsePrefix("10.31.0.0/16")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Harbour", "My devices", "anycast", "blocked", "cloud"}, l.Names()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"cloud": true, "anycast": false, "blocked": true, "harbour": true} {
		if _, peers := l.Matcher(name); peers != want {
			t.Errorf("peers have a say in %s: %v", name, peers)
		}
	}
	for _, c := range []struct {
		label, addr, peer string
		asn               uint32
		want              bool
	}{
		{"my devices", "8.8.8.8", "192.168.1.7", 0, true}, {"my devices", "8.8.8.8", "192.168.1.8", 0, false},
		{"My Devices", "93.184.216.34", "", 0, true}, {"my devices", "5.5.5.5", "", 64500, true}, {"my devices", "5.5.5.5", "", 0, false},
		{"cloud", "5.5.5.5", "", 15169, true}, {"cloud", "1.1.1.1", "", 0, true}, {"cloud", "203.0.113.9", "", 0, true},
		{"cloud", "5.5.5.5", "1.1.1.1", 0, false}, // the other end is nobody's place on the map
		{"cloud", "5.5.5.5", "203.0.113.9", 0, true},
		{"anycast", "9.9.9.9", "", 0, true}, {"anycast", "5.5.5.5", "", 15169, false},
		{"harbour", "10.30.1.2", "", 0, true}, {"harbour", "8.8.8.8", "10.30.1.2", 0, true}, {"harbour", "10.31.1.2", "", 0, false},
		{"nobody", "1.1.1.1", "", 0, false},
	} {
		if got := has(l, c.label, c.addr, c.peer, c.asn); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}

	old, _ := l.Matcher("blocked")
	writeList(t, bad, "203.0.113.9\nnonsense\n", time.Minute)
	err = l.Reload()
	if err == nil || !strings.Contains(err.Error(), "bad.txt:2: \"nonsense\" is no address") {
		t.Errorf("a broken list is read with error %v", err)
	}
	if !has(l, "blocked", "203.0.113.9", "", 0) || !has(l, "my devices", "93.184.216.34", "", 0) {
		t.Error("a broken list has taken the old one's place")
	}
	writeList(t, bad, "203.0.113.10\n", 0)
	if err := l.Reload(); err != nil || has(l, "blocked", "203.0.113.9", "", 0) || !has(l, "blocked", "203.0.113.10", "", 0) || !has(l, "cloud", "203.0.113.10", "", 0) {
		t.Errorf("a list that was put right is not read: %v", err)
	}
	if addr := netip.MustParsePrefix("203.0.113.9/32"); !old(addr, netip.Prefix{}, 0) {
		t.Error("a matcher has changed under its query")
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	if err := l.Reload(); err == nil || !has(l, "blocked", "203.0.113.10", "", 0) {
		t.Errorf("a list that is gone: %v", err)
	}
	if err := l.Set(append(files, LabelFile{mine, "more"}), nil); err == nil || known(l, "more") || !known(l, "harbour") {
		t.Errorf("lists change though one is gone: %v", err)
	}
	if err := l.Set([]LabelFile{{mine, "more"}}, nil); err != nil || !known(l, "more") || known(l, "harbour") {
		t.Errorf("lists do not change: %v", err)
	}
	if _, err := ReadLabels([]LabelFile{{filepath.Join(dir, "none"), "x"}}, nil, nil); err == nil || !strings.Contains(err.Error(), "geo.labels") {
		t.Errorf("a list that is not there: %v", err)
	}
}

// Run reads what has changed, while others ask.
func TestLabelsRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	writeList(t, path, "203.0.113.1\n", time.Hour)
	l, err := ReadLabels([]LabelFile{{path, "x"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); l.run(ctx, time.Millisecond) }()
	for i := range 20 {
		last := fmt.Sprintf("203.0.113.%d", 2+i)
		writeList(t, path, last+"\n", time.Duration(20-i)*time.Minute)
		for deadline := time.Now().Add(time.Minute); !has(l, "x", last, "", 0); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is not read", last)
			}
		}
	}
	cancel()
	<-done
}

// A known anycast network has a country only, unless it is a network of one's own.
func TestUnplaced(t *testing.T) {
	path := cityFixture().write(t, t.TempDir(), "c.mmdb")
	addr := netip.MustParseAddr("1.0.0.1")
	if got := open(t, Config{City: path}).Locate(addr); !got.HasCoordinates {
		t.Fatalf("the fixture has no place for %s: %+v", addr, got)
	}
	db := open(t, Config{City: path, Unplaced: true})
	want := Location{Country: "DE", Precision: Country, ASN: 13335, ASOrg: "Cloudflare, Inc."}
	if diff := cmp.Diff(want, db.Locate(addr)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	db.SetNetworks([]Network{{Prefix: netip.MustParsePrefix("1.0.0.0/24"), City: "Bern", Country: "CH", Latitude: 46.948, Longitude: 7.4474}})
	if got := db.Locate(addr); got.City != "Bern" || !got.HasCoordinates {
		t.Errorf("a network of one's own: %+v", got)
	}
}

// FuzzParseLabels reads anything without a panic, and what it reads it can be asked for.
func FuzzParseLabels(f *testing.F) {
	f.Add("192.0.2.0/24\nAS1\n::1-::2\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseLabels(strings.NewReader(text), "x"); err == nil {
			s.holds(netip.MustParsePrefix("192.0.2.1/32"))
			s.holds(netip.MustParsePrefix("2001:db8::/32"))
		}
	})
}

// BenchmarkLabels asks a list of 100,000 networks for random addresses.
func BenchmarkLabels(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	s := &labelSet{}
	for range 100_000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 0}), 24)
		s.add(p.Addr(), last(p))
	}
	s.seal()
	var ends [1024]netip.Prefix
	for i := range ends {
		ends[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}), 32)
	}
	i := 0
	for b.Loop() {
		s.holds(ends[i&1023])
		i++
	}
}
