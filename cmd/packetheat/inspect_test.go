package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inspect tells of a page what it tells: all of it where nothing is masked, and of a
// masked one that there is nothing.
func TestInspect(t *testing.T) {
	dir := sharedStore(t)
	out := t.TempDir()
	open, closed := filepath.Join(out, "open.html"), filepath.Join(out, "closed.html")
	packetheat(t, dir, "export", "html", "-o", open, "--note", "for us")
	packetheat(t, dir, "export", "html", "-o", closed, "--mask")
	for _, c := range []struct {
		name                          string
		addresses, peers, ports, rows int
		places                        int
		sensor, note                  string
	}{
		{open, 4, 2, 3, 6, 4, "sample", "for us"},
		{closed, 0, 0, 0, 6, 0, "", ""},
	} {
		r := packetheat(t, dir, "inspect", c.name, "--json")
		var got inspected
		if err := json.Unmarshal([]byte(r.out), &got); err != nil {
			t.Fatalf("%v in %s", err, r.out)
		}
		if got.Addresses != c.addresses || got.Peers != c.peers || got.Ports != c.ports || got.Rows != c.rows || got.Places != c.places ||
			got.Sensor != c.sensor || got.Note != c.note || got.Packets != 12 || got.Home != nil {
			t.Errorf("%s: %s", c.name, r.out)
		}
		sum := 0
		for _, part := range got.Parts[:3] {
			sum += part.Bytes
		}
		if info, err := os.Stat(c.name); err != nil || int64(got.Bytes) != info.Size() || sum != got.Bytes {
			t.Errorf("%s: %d bytes, parts of %d, %v", c.name, got.Bytes, sum, err)
		}
	}
	text := strings.Join(strings.Fields(packetheat(t, dir, "inspect", closed).out), " ")
	for _, line := range []string{" addresses no ", " peers no ", " sensor's name no ", " our place no ", " made with packetheat export html --from 2026-11-17T14:00:00Z --to 2026-11-17T16:00:00Z --mask"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		said   string
	}{
		{[]string{}, exitUsage, "name one page"},
		{[]string{filepath.Join(out, "none.html")}, exitFailed, "no such file"},
		{[]string{filepath.Join(dir, "sample.pcap")}, exitFailed, "this is no page of packetheat"},
	} {
		r := call{dir: dir, args: append([]string{"inspect"}, c.args...)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) {
			t.Errorf("%v: status %d, %s", c.args, r.status, r.err)
		}
	}
}
