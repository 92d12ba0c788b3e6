package main

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// tickOf is a batch of one point: packets of an address in the n-th tick of tuesday.
func tickOf(n int, seq uint32, address string, packets uint64) *store.Batch {
	b := &store.Batch{Sensor: "gw", Tick: tuesday.Truncate(10 * time.Second).Add(time.Duration(n) * 10 * time.Second), Interval: 10 * time.Second, Seq: seq}
	b.From, b.To = b.Tick, b.Tick.Add(b.Interval)
	addr, peer := netip.MustParseAddr(address), netip.MustParseAddr(us)
	b.Points = []store.Point{{Time: b.Tick, Interval: b.Interval, Addr: netip.PrefixFrom(addr, 32), Peer: netip.PrefixFrom(peer, 32),
		Proto: 6, Port: 443, HasPort: true, Packets: packets, Bytes: 100 * packets, Sensor: "gw"}}
	if seq > 0 {
		b.Points[0].Flags = store.Late
	}
	for _, c := range []*store.Count{&b.Books.Captured, &b.Books.Decoded, &b.Books.OnePublic} {
		c.Add(store.Count{Packets: packets, Bytes: 100 * packets})
	}
	return b
}

// TestTailFollows writes to a store while tail reads it: late packets are printed by
// what they add.
func TestTailFollows(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add := func(b *store.Batch) {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	add(tickOf(0, 0, "9.9.9.9", 5))
	cmd := call{dir: dir, args: []string{"tail", "--json", "--filter", "-ip:8.8.8.8"}}.command(t)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	next := func() []any {
		if !lines.Scan() {
			t.Fatal("tail has ended")
		}
		var p pointJSON
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		return []any{p.IP, p.Packets, p.Time.Second()}
	}
	expect := func(ip string, packets uint64, second int) {
		t.Helper()
		if diff := cmp.Diff([]any{ip, packets, second}, next()); diff != "" {
			t.Error(diff)
		}
	}
	expect("9.9.9.9", 5, 0)
	add(tickOf(1, 0, "8.8.8.8", 1)) // filtered
	add(tickOf(2, 0, "1.1.1.1", 2))
	expect("1.1.1.1", 2, 20)
	add(tickOf(2, 1, "1.1.1.1", 7)) // late ones of the same point
	expect("1.1.1.1", 7, 20)
	add(tickOf(0, 1, "9.9.9.9", 3)) // and of one that was there before
	expect("9.9.9.9", 3, 0)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("tail ended with %v", err)
	}
}

func TestSummary(t *testing.T) {
	count := func(n uint64) store.Count { return store.Count{Packets: n, Bytes: 100 * n} }
	s := sensor.Status{
		Books:     store.Books{Captured: count(20_000), OnePublic: count(9000), TwoPublic: count(500), LocalOnly: count(3), Drops: 2, Late: count(1)},
		Points:    12,
		Endpoints: store.Sum{Packets: 10_000}, Unlocated: store.Sum{Packets: 250}, CommitErrors: 1, CommitError: "disk full",
		Losses: sensor.Losses{BacklogDrops: 4, RxMissed: 5}, Warnings: []sensor.Warning{{Code: "x", Text: "All twice.", Mend: "name one"}},
	}
	want := []string{
		"captured 20.0 k packets, 2.00 MB in 1m30s; kernel drops 2; on the map 9,500 packets, 950 kB in 12 points; 97.5 % located",
		"of the packets: local only 3, late 1",
		"lost before capture: 4 in full queues of the machine's cores, 0 dropped, 5 missed, 0 overrun by interfaces",
		"warning: All twice. → name one",
		"warning: 1 commits failed and were tried again (disk full)",
	}
	if diff := cmp.Diff(want, summary(s, 90*time.Second)); diff != "" {
		t.Error(diff)
	}
}

func TestSilenceMessage(t *testing.T) {
	for _, c := range []struct {
		captured uint64
		want     string
	}{{0, "no packet at all"}, {7, "7 packets, all of them local or not IP"}} {
		got := silenceMessage(store.Books{Captured: store.Count{Packets: c.captured}}, []string{"eth0", "wg0"})
		for _, want := range []string{c.want, "eth0, wg0", "packetheat demo", "packetheat interfaces"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q does not say %q", got, want)
			}
		}
	}
}

func TestRowNames(t *testing.T) {
	paris := store.Place{City: "Paris", Country: "FR", Precision: store.City}
	for _, c := range []struct {
		by          store.Dimension
		row         store.Row
		name, label string
	}{
		{store.ByIP, store.Row{Key: "9.9.9.9", Label: "9.9.9.9", Place: paris}, "9.9.9.9", "Paris, FR"},
		{store.ByASN, store.Row{Key: "64500", Label: "Example"}, "AS64500", "Example"},
		{store.ByPort, store.Row{Key: "53", Proto: 17}, "53/udp", ""},
		{store.ByCountry, store.Row{Key: "FR", Label: "FR"}, "FR", ""},
		{store.ByCountry, store.Row{}, "–", ""},
		{store.ByCity, store.Row{Key: "Paris", Place: paris}, "Paris", "Paris, FR"},
	} {
		if name, label := rowNames(c.by, &c.row); name != c.name || label != c.label {
			t.Errorf("%s %+v: %q, %q", c.by, c.row, name, label)
		}
	}
	if got := placeName(store.Place{Region: "Utah", Country: "US"}); got != "Utah, US" {
		t.Errorf("a region is %q", got)
	}
}
