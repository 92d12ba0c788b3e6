package geo

import (
	"bufio"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// Every AS number of the list is that of the organisation beside it, by the built-in
// database, in which rare systems are missing.
func TestBuiltinClouds(t *testing.T) {
	db := open(t, Config{Search: []string{}})
	names := map[uint32]string{}
	seen := map[uintptr]bool{}
	for res := range db.state.Load().asn.v4.reader.Networks() {
		if seen[res.Offset()] {
			continue
		}
		seen[res.Offset()] = true
		var rec struct {
			Number uint32 `maxminddb:"autonomous_system_number"`
			Name   string `maxminddb:"autonomous_system_organization"`
		}
		if err := res.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		names[rec.Number] = strings.ToLower(rec.Name)
	}
	if len(names) < 1000 {
		t.Fatalf("the built-in database has %d systems", len(names))
	}
	missing, all := 0, 0
	lines := bufio.NewScanner(strings.NewReader(cloudText))
	for lines.Scan() {
		var number uint32
		var want string
		if n, _ := fmt.Sscanf(lines.Text(), "AS%d # %s", &number, &want); n != 2 {
			continue
		}
		all++
		got, ok := names[number]
		if !ok {
			missing++
			t.Logf("AS%d, %s, is not in the built-in database", number, want)
		} else if !strings.Contains(strings.ReplaceAll(got, " ", ""), strings.ToLower(want)) {
			t.Errorf("AS%d is called %q, the list says %s", number, got, want)
		}
	}
	if all < 40 || missing > all/5 {
		t.Errorf("%d systems, of which %d are not known", all, missing)
	}
}

// Anycast networks belong to public addresses, and the ones that everybody knows are there.
func TestBuiltinAnycast(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "8.8.4.4": true, "9.9.9.9": true, "2606:4700:4700::1111": true, "2001:4860:4860::8888": true, "2620:fe::fe": true,
		"193.0.14.129": true, "104.18.1.1": true, "151.101.1.1": true,
		"1.1.2.1": false, "8.8.9.9": false, "93.184.216.34": false, "10.0.0.1": false, "2a01:4f8::1": false,
	} {
		if got := isAnycast(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is anycast: %v", text, got)
		}
	}
	_, anycast := builtinLabels()
	for _, private := range []string{"10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "127.0.0.0/8", "224.0.0.0/4"} {
		p := netip.MustParsePrefix(private)
		for _, r := range anycast.v4 {
			if r.first <= number4(last(p)) && r.last >= number4(p.Addr()) {
				t.Errorf("a network of the list is in %s", p)
			}
		}
	}
	if len(anycast.v4) < 80 || len(anycast.v6) < 30 {
		t.Errorf("%d and %d networks", len(anycast.v4), len(anycast.v6))
	}
}
