package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// put writes a file into a new folder and returns the folder.
func put(t testing.TB, name string, content []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rowsOf reads a CSV file as maps by column, with the columns that sample.pcap decides.
func rowsOf(t testing.TB, text string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("CSV has %d rows: %v", len(rows), err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var lines []string
	for _, row := range rows[1:] {
		var cells []string
		for _, name := range []string{"time", "direction", "protocol", "ip", "peer", "port", "packets", "bytes", "opens", "city"} {
			cells = append(cells, row[column[name]])
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return lines
}

// sampleRows is sample.pcap as points.
var sampleRows = []string{
	"2026-11-17T14:00:00Z in udp 1.1.1.1 10.0.0.5 53 1 100 0 Berlin",
	"2026-11-17T14:00:00Z out udp 1.1.1.1 10.0.0.5 53 1 100 0 Berlin",
	"2026-11-17T14:00:00Z in tcp 9.9.9.9 10.0.0.5 443 4 4000 0 Paris",
	"2026-11-17T14:00:00Z out tcp 9.9.9.9 10.0.0.5 443 3 300 1 Paris",
	"2026-11-17T15:30:00Z in icmp 8.8.8.8 10.0.0.5  2 200 0 New York",
	"2026-11-17T15:30:00Z in tcp 2620:fe::fe fd00::5 22 1 100 1 Tokyo",
}

func TestReplayBeside(t *testing.T) {
	dir := put(t, "sample.pcap", sample())
	r := call{dir: dir, args: []string{"replay", "sample.pcap"}}.run(t)
	if r.status != exitDone {
		t.Fatalf("status %d\n%s", r.status, r.err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"sample.pcap", "sample.pcap.csv", "sample.pcap.html"}, names); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(filepath.Join(dir, "sample.pcap.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleRows, rowsOf(t, string(text))); diff != "" {
		t.Error(diff)
	}
	for _, said := range []string{"captured 14 packets", "kernel drops 0", "on the map 12 packets, 4.80 kB in 6 points; 100.0 % located", "local only 1, not IP 1"} {
		if !strings.Contains(r.err, said) {
			t.Errorf("summary does not say %q:\n%s", said, r.err)
		}
	}
}

// TestReplayInputs replays the same packets in other clothes: compressed, from
// standard input, cut, with a filter, to another folder.
func TestReplayInputs(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(sample()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	cut := sample()[:len(sample())-10]
	for _, c := range []struct {
		name, file, stdin string
		content           []byte
		args              []string
		want              []string
		csv, said         string
	}{
		{"gzip", "x.pcap.gz", "", zipped.Bytes(), []string{"x.pcap.gz"}, sampleRows, "x.pcap.gz.csv", ""},
		{"standard input", "none", string(sample()), nil, []string{"-"}, sampleRows, "stdin.csv", ""},
		{"cut", "cut.pcap", "", cut, []string{"cut.pcap"}, sampleRows, "cut.pcap.csv", "warning: cut.pcap: file is cut"},
		{"filtered, elsewhere", "x.pcap", "", sample(), []string{"x.pcap", "--filter", "country:FR dir:in", "--out", "o/p"}, sampleRows[2:3], "o/p/x.pcap.csv", ""},
		{"two files", "x.pcap", "", sample(), []string{"x.pcap", "x.pcap"}, nil, "x.pcap.csv", "captured 28 packets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := put(t, c.file, c.content)
			r := call{dir: dir, stdin: c.stdin, args: append([]string{"replay"}, c.args...)}.run(t)
			if r.status != exitDone || !strings.Contains(r.err, c.said) {
				t.Fatalf("status %d\n%s", r.status, r.err)
			}
			text, err := os.ReadFile(filepath.Join(dir, c.csv))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, rowsOf(t, string(text))); c.want != nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReplayLocal(t *testing.T) {
	// 9.9.9.9 talks to three others; nothing says which end is ours but that.
	var packets [][]byte
	for _, peer := range []string{"1.1.1.1", "8.8.8.8", "4.4.4.4"} {
		packets = append(packets, udp("9.9.9.9", peer, 40000, 53), udp(peer, "9.9.9.9", 53, 40000))
	}
	dir := put(t, "public.pcap", pcap(packets))
	for _, c := range []struct {
		name string
		args []string
		said string
		ips  int // distinct addresses on the map
	}{
		{"both ends", nil, "hint: 6 of 6 packets have two public ends", 4},
		{"network", []string{"--local", "9.9.9.0/24"}, "on the map 6 packets", 3},
		{"auto", []string{"--local", "auto"}, "taking 9.9.9.9 for local", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := packetheat(t, dir, append([]string{"replay", "public.pcap", "--out", "."}, c.args...)...)
			if !strings.Contains(r.err, c.said) {
				t.Errorf("does not say %q:\n%s", c.said, r.err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "public.pcap.csv"))
			if err != nil {
				t.Fatal(err)
			}
			ips := map[string]bool{}
			for _, row := range rowsOf(t, string(text)) {
				ips[strings.Fields(row)[3]] = true
			}
			if len(ips) != c.ips {
				t.Errorf("addresses on the map: %v", ips)
			}
		})
	}
}

func TestReplayRefused(t *testing.T) {
	dir := put(t, "text.pcap", []byte("this is no capture file, whatever its name"))
	if err := os.WriteFile(filepath.Join(dir, "empty.pcap"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		said   string
	}{
		{"not a capture", []string{"text.pcap"}, exitFailed, `open capture "text.pcap"`},
		{"empty", []string{"empty.pcap"}, exitFailed, "file is empty"},
		{"missing", []string{"none.pcap"}, exitFailed, "no such file"},
		{"no file", nil, exitUsage, "name capture files, or - for"},
		{"bad network", []string{"text.pcap", "--local", "10.0.0.0/40"}, exitUsage, `--local "10.0.0.0/40" is no network`},
		{"auto from a pipe", []string{"-", "--local", "auto"}, exitUsage, "name your networks"},
		{"standard input twice", []string{"-", "-"}, exitUsage, "only once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{dir: dir, args: append([]string{"replay"}, c.args...)}.run(t)
			if r.status != c.status || !strings.Contains(r.err, c.said) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("status %d:\n%s", r.status, r.err)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.html")); len(left) > 0 {
		t.Errorf("failed replays left %v", left)
	}
}

// TestReplayOddTimes shows that times that cannot be right are kept and named.
func TestReplayOddTimes(t *testing.T) {
	content := pcap([][]byte{udp("9.9.9.9", us, 53, 40000)})
	old := bytes.Clone(content)
	copy(old[24:28], []byte{1, 0, 0, 0}) // the first second of 1970, little-endian as pcapgo writes
	future := bytes.Clone(content)
	copy(future[24:28], []byte{0, 0, 0, 0xf0}) // 2097
	for name, c := range map[string]struct {
		content []byte
		said    string
	}{"old": {old, "have a time before 1990"}, "future": {future, "have a time in the future"}} {
		t.Run(name, func(t *testing.T) {
			dir := put(t, "odd.pcap", c.content)
			r := packetheat(t, dir, "replay", "odd.pcap")
			if !strings.Contains(r.err, c.said) || !strings.Contains(r.err, "on the map 1 packets") {
				t.Errorf("says\n%s", r.err)
			}
		})
	}
}

// TestReplayAgain gives a store the same packets twice, by other names, grown, and as
// two arguments.
func TestReplayAgain(t *testing.T) {
	dir := put(t, "a.pcap", sample())
	grown := append(bytes.Clone(sample()), pcap([][]byte{udp("9.9.9.9", us, 53, 40000)})[24:]...)
	for name, content := range map[string][]byte{"b.pcap": sample(), "grown.pcap": grown, "other.pcap": pcap([][]byte{udp("9.9.9.9", us, 53, 40000)})} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"a.pcap b.pcap", exitFailed, `replay "b.pcap": it is the same as "a.pcap"`},
		{"a.pcap", exitDone, "captured 14 packets"},
		{"a.pcap", exitFailed, `replay "a.pcap": it is in the store "data" since`},
		{"other.pcap b.pcap", exitFailed, `as "a.pcap", and would count twice: --again adds it once more`},
		{"grown.pcap", exitFailed, `its beginning is in the store "data" since`},
		{"other.pcap", exitDone, "captured 1 packets"},
		{"a.pcap --again", exitDone, "captured 14 packets"},
		{"grown.pcap b.pcap a.pcap --again", exitDone, "captured 43 packets"},
	} {
		r := call{dir: dir, args: append([]string{"replay", "--data", "data"}, strings.Fields(c.args)...)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) {
			t.Errorf("%d: replay %s: status %d\n%s", i, c.args, r.status, r.err)
		}
	}
	// A store that was deleted is forgotten, and what was cut off in the middle is not.
	if err := os.Remove(filepath.Join(dir, "data", "packetheat.db")); err != nil {
		t.Fatal(err)
	}
	packetheat(t, dir, "replay", "a.pcap", "--data", "data")
	begun := `[{"name": "x", "size": ` + strconv.Itoa(len(sample())) + `, "head_sha256": "` + fmt.Sprintf("%x", sha256.Sum256(sample())) + `"}]`
	if err := os.WriteFile(filepath.Join(dir, "data", "replayed.json"), []byte(begun), 0o600); err != nil {
		t.Fatal(err)
	}
	r := call{dir: dir, args: []string{"replay", "--data", "data", "b.pcap"}}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, `when a replay of "x" did not come to its end`) {
		t.Errorf("status %d\n%s", r.status, r.err)
	}
	if r := (call{dir: dir, args: []string{"replay", "--again", "b.pcap"}}).run(t); r.status != exitUsage {
		t.Errorf("--again without --data: status %d\n%s", r.status, r.err)
	}
}

// TestReplaySpeed takes as long as the capture did, by a factor, and merges files.
func TestReplaySpeed(t *testing.T) {
	frames := make([][]byte, 1000) // a second
	for i := range frames {
		frames[i] = udp(us, "9.9.9.9", 40000, 53)
	}
	dir := put(t, "slow.pcap", pcap(frames))
	started := time.Now()
	packetheat(t, dir, "replay", "slow.pcap", "--speed", "0.5")
	if took := time.Since(started); took < 1900*time.Millisecond {
		t.Errorf("a second at half the speed took %s", took)
	}
	for _, wrong := range []string{"0", "-1", "NaN", "Inf", "fast"} {
		if r := (call{dir: dir, args: []string{"replay", "slow.pcap", "--speed", wrong}}).run(t); r.status != exitUsage || strings.Count(r.err, "\n") != 1 {
			t.Errorf("--speed %s: status %d\n%s", wrong, r.status, r.err)
		}
	}
}

func TestCommonNetwork(t *testing.T) {
	for _, c := range []struct {
		name string
		ends string // address=packets
		want string // "": none
	}{
		{"an address", "9.9.9.9=10 1.1.1.1=5 8.8.8.8=5", "9.9.9.9/32"},
		{"most of it", "9.9.9.9=19 1.1.1.1=10 8.8.8.8=10 4.4.4.4=1", "9.9.9.9/32"},
		{"a network", "9.9.9.9=5 9.9.9.200=5 1.1.1.1=5 8.8.8.8=5", "9.9.9.0/24"},
		{"a few neighbours", "9.9.9.1=5 9.9.9.2=5 1.1.1.1=5 8.8.8.8=5", "9.9.9.0/28"},
		{"IPv6", "2001:db8::1=5 2001:db8:0:1::1=5 2620:fe::fe=5 2a00::1=5", "2001:db8::/56"},
		{"two that talk to each other", "9.9.9.9=10 1.1.1.1=10", ""},
		{"within one network", "9.9.9.1=5 9.9.9.2=5 9.9.9.3=5 9.9.9.4=5", ""},
		{"all over", "9.9.9.9=5 1.1.1.1=5 8.8.8.8=5 4.4.4.4=5", ""},
		{"too few", "9.9.9.9=1 1.1.1.1=1", ""},
		{"nothing", "", ""},
	} {
		sums := map[netip.Addr]uint64{}
		for _, end := range strings.Fields(c.ends) {
			addr, n, _ := strings.Cut(end, "=")
			packets, _ := strconv.ParseUint(n, 10, 64)
			sums[netip.MustParseAddr(addr)] = packets
		}
		network, packets, all := commonNetwork(sums)
		if got := network.String(); all == 0 && c.want != "" || all > 0 && (got != c.want || packets > all) {
			t.Errorf("%s: %s, an end of %d of %d", c.name, got, packets, all)
		}
	}
}

// A server that a local machine talks to most is no end of ours.
func TestReplayAutoTakesNoPeer(t *testing.T) {
	frames := [][]byte{udp("9.9.9.9", "1.1.1.1", 53, 53)}
	for range 50 {
		frames = append(frames, udp(us, "8.8.8.8", 40000, 53))
	}
	r := packetheat(t, put(t, "x.pcap", pcap(frames)), "replay", "x.pcap", "--local", "auto")
	if !strings.Contains(r.err, "no address or network stands out") {
		t.Errorf("says\n%s", r.err)
	}
}
