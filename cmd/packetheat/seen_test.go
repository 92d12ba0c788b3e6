package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSeen asks the sample for addresses, networks and a list.
func TestSeen(t *testing.T) {
	dir := sharedStore(t)
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("\ufeff# our incident\r\n9.9.9.9 first one\n\n203.0.113.5,x\n8.8.0.0/16;y\n2620:fe::fe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		args  []string
		stdin string
		says  []string
		not   string
		err   string
	}{
		{"one", []string{"9.9.9.9"}, "", []string{"9.9.9.9", "2026-11-17 15:00:00 CET", "2026-11-17 15:00:10 CET", "  7  4.30 kB      1"}, "not seen", "known: Tue 2026-11-17 15:00:00 CET – Tue 2026-11-17 16:30:10 CET"},
		{"one that was not", []string{"203.0.113.7"}, "", []string{"203.0.113.7", "not seen"}, "CET", "known: "},
		{"a network", []string{"0.0.0.0/0"}, "", []string{"0.0.0.0/0", "9.9.9.9", "8.8.8.8", "1.1.1.1"}, "2620", ""},
		{"rows of a network", []string{"0.0.0.0/0", "-n", "1"}, "", []string{"9.9.9.9"}, "8.8.8.8", "2 more addresses of these networks"},
		{"a window", []string{"9.9.9.9", "--from", "2026-11-17T15:00:00Z"}, "", []string{"not seen"}, "", "known: "},
		{"a window before", []string{"9.9.9.9", "--at", "2020-01-01"}, "", []string{"not seen"}, "", "nothing is known of this window"},
		{"a list", []string{"-f", list}, "", []string{"9.9.9.9", "8.8.0.0/16   8.8.8.8", "2620:fe::fe"}, "203.0.113.5", "3 of 4 were seen"},
		{"a list that has none", []string{"-f", "-"}, "203.0.113.5", nil, "first", "0 of 1 were seen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{dir: dir, args: append([]string{"seen"}, c.args...), stdin: c.stdin}.run(t)
			if r.status != exitDone || !strings.Contains(r.err, c.err) || c.not != "" && strings.Contains(r.out, c.not) {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
			}
			for _, text := range c.says {
				if !strings.Contains(r.out, text) {
					t.Errorf("does not say %q:\n%s", text, r.out)
				}
			}
		})
	}
}

// TestSeenJSON shows that seen and top say the same about an address, and that several
// stores add up.
func TestSeenJSON(t *testing.T) {
	dir := sharedStore(t)
	other := copyStore(t)
	var one, two seenJSON
	for answer, args := range map[*seenJSON][]string{&one: nil, &two: {"--data", "data", "--data", filepath.Join(other, "data")}} {
		r := packetheat(t, dir, append([]string{"seen", "9.9.9.9", "8.8.8.0/24", "4.4.4.4", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(r.out), answer); err != nil {
			t.Fatal(err)
		}
	}
	want := []seenRowJSON{
		{Asked: "9.9.9.9", Seen: true, First: "2026-11-17T14:00:00Z", Last: "2026-11-17T14:00:10Z", Packets: 7, Bytes: 4300, Opens: 1},
		{Asked: "8.8.8.0/24", Seen: true, First: "2026-11-17T15:30:00Z", Last: "2026-11-17T15:30:10Z", Packets: 2, Bytes: 200, Addresses: []seenAddressJSON{
			{Address: "8.8.8.8", First: "2026-11-17T15:30:00Z", Last: "2026-11-17T15:30:10Z", Packets: 2, Bytes: 200}}},
		{Asked: "4.4.4.4"},
	}
	if diff := cmp.Diff(want, one.List); diff != "" || one.Asked != 3 || one.Seen != 2 {
		t.Error(one.Asked, one.Seen, diff)
	}
	for i := range want {
		want[i].Packets, want[i].Bytes, want[i].Opens = 2*want[i].Packets, 2*want[i].Bytes, 2*want[i].Opens
		for j := range want[i].Addresses {
			want[i].Addresses[j].Packets, want[i].Addresses[j].Bytes = 4, 400
		}
	}
	if diff := cmp.Diff(want, two.List); diff != "" {
		t.Error(diff)
	}
}

func TestSeenWrong(t *testing.T) {
	dir := sharedStore(t)
	bad := filepath.Join(t.TempDir(), "bad.txt")
	if err := os.WriteFile(bad, []byte("9.9.9.9\nexample.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		said   string
	}{
		{nil, exitUsage, "seen what? name addresses or networks, or a file of them with -f"},
		{[]string{"example.org"}, exitUsage, `"example.org" is no address or network`},
		{[]string{"fe80::1%eth0"}, exitUsage, "is no address or network"},
		{[]string{"-f", bad}, exitFailed, `line 2: "example.org" is no address`},
		{[]string{"-f", "none.txt"}, exitFailed, "none.txt"},
		{[]string{"-f", os.DevNull}, exitFailed, "there is no address in it"},
		{[]string{"9.9.9.9", "--data", "none"}, exitFailed, `there is no store in "none"`},
		{[]string{"9.9.9.9", "-n", "-1"}, exitUsage, "--limit -1 is not possible"},
		{[]string{"9.9.9.9", "--last", "soon"}, exitUsage, `duration "soon" is not one`},
	} {
		r := call{dir: dir, args: append([]string{"seen"}, c.args...)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || r.out != "" || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%v: status %d\n%s%s", c.args, r.status, r.out, r.err)
		}
	}
}
