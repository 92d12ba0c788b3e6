package main

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

const (
	firstTick = "2026-11-17T14:00:00Z/2026-11-17T14:00:10Z"
	lastTick  = "2026-11-17T15:30:00Z/2026-11-17T15:30:10Z"
)

// compareArgs asks for what changed from one tick of the sample to the other.
func compareArgs(by, now, before string, more ...string) []string {
	from, to, _ := strings.Cut(now, "/")
	return append([]string{"top", by, "--from", from, "--to", to, "--compare", before}, more...)
}

func TestTopCompare(t *testing.T) {
	dir := sharedStore(t)
	for _, c := range []struct {
		name string
		args []string
		want []string // words of the rows, in their order
		said string
	}{
		{"addresses", compareArgs("ip", lastTick, firstTick), []string{"9.9.9.9 7 0 −7 gone", "1.1.1.1 2 0 −2 gone", "8.8.8.8 0 2 +2 new", "2620:fe::fe 0 1 +1 new"},
			"compared with: Tue 2026-11-17 15:00:00 CET"},
		{"the other way round", compareArgs("ip", firstTick, lastTick, "-n", "1"), []string{"9.9.9.9 0 7 +7 new"}, "3 more rows"},
		{"protocols by bytes", compareArgs("proto", lastTick, firstTick, "--sort", "bytes"), []string{"tcp 4.30 kB 100 B −4.20 kB −98 %", "icmp 0 B 200 B +200 B new", "udp 200 B 0 B −200 B gone"}, ""},
		{"by opens", compareArgs("proto", lastTick, firstTick, "--sort", "opens", "-n", "1"), []string{"tcp 1 1 0"}, ""},
		{"with a filter", compareArgs("port", lastTick, firstTick, "--filter", "proto:tcp"), []string{"443/tcp 7 0 −7 gone", "22/tcp 0 1 +1 new"}, ""},
		{"the window before", []string{"top", "proto", "--from", "2026-11-17T15:00:00Z", "--to", "2026-11-17T16:00:00Z", "--compare", "before"},
			[]string{"tcp 7 1 −6 −86 %", "icmp 0 2 +2 new", "udp 2 0 −2 gone"}, "coverage of the window compared with: off"},
		{"an overlap", compareArgs("proto", lastTick, "2026-11-17T14:00:00Z/2026-11-17T15:30:10Z"), []string{"tcp 8 1 −7 −88 %", "udp 2 0 −2 gone", "icmp 2 2 0"}, "the two windows overlap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := packetheat(t, dir, c.args...)
			if diff := cmp.Diff(c.want, rowWords(r.out, c.want)); diff != "" {
				t.Errorf("%s\n%s", diff, r.out)
			}
			if !strings.Contains(r.err, c.said) {
				t.Errorf("says %s", r.err)
			}
		})
	}
}

// rowWords is what follows the titles, as many blanks as one, without names and labels
// that nobody asked about.
func rowWords(table string, want []string) (out []string) {
	for i, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		words := strings.Fields(line)
		if i >= len(want) {
			out = append(out, line)
			continue
		}
		var kept []string
		for _, w := range strings.Fields(want[i]) {
			for len(words) > 0 && words[0] != w {
				words = words[1:]
			}
			if len(words) > 0 {
				kept, words = append(kept, words[0]), words[1:]
			}
		}
		out = append(out, strings.Join(kept, " "))
	}
	return out
}

// TestJoinCountryOnly: what is known to countries only is compared country by country.
func TestJoinCountryOnly(t *testing.T) {
	top := func(packets map[string]uint64) *store.Top {
		top := store.Top{By: store.ByPlace}
		for country, n := range packets {
			r := store.Row{In: store.Sum{Packets: n}}
			r.CountryOnly(country)
			top.Rows = append(top.Rows, r)
		}
		return &top
	}
	c := comparison{scale: 1}
	c.join(top(map[string]uint64{"US": 5, "BR": 2}), top(map[string]uint64{"US": 1, "RO": 4}))
	got := map[string][2]uint64{}
	for _, r := range c.rows {
		got[r.row.Label] = [2]uint64{r.before.Packets, r.now.Packets}
	}
	want := map[string][2]uint64{"US (country only)": {1, 5}, "BR (country only)": {0, 2}, "RO (country only)": {4, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTopCompareJSON holds the sums of a comparison to those of two tops, and a change to
// their difference.
func TestTopCompareJSON(t *testing.T) {
	dir := sharedStore(t)
	var got comparisonJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, compareArgs("ip", lastTick, firstTick, "--json")...).out), &got); err != nil {
		t.Fatal(err)
	}
	top := func(window string) (out topJSON) {
		from, to, _ := strings.Cut(window, "/")
		if err := json.Unmarshal([]byte(packetheat(t, dir, "top", "ip", "--from", from, "--to", to, "--json").out), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	now, before := top(lastTick), top(firstTick)
	if got.Total.Now != now.Total || got.Total.Before != before.Total || got.Count != now.Count+before.Count {
		t.Errorf("total %+v of %d rows; the windows have %+v and %+v", got.Total, got.Count, now.Total, before.Total)
	}
	if got.Scale != 1 || got.OnNow != 10 || got.OnThen != 10 {
		t.Errorf("scale %v for %v s and %v s", got.Scale, got.OnNow, got.OnThen)
	}
	first := got.Rows[0]
	if first.Key != "9.9.9.9" || first.State != "gone" || first.Change != (signedSum{-7, -4300, -1}) || first.Before.Bytes != 4300 {
		t.Errorf("first row %+v", first)
	}
}

func TestTopCompareFails(t *testing.T) {
	dir := sharedStore(t)
	for _, c := range []struct {
		args   []string
		status int
		said   string
	}{
		{compareArgs("ip", lastTick, "tomorrow"), exitUsage, `--compare "tomorrow" is not possible: use before, yesterday, last-week or FROM/TO`},
		{compareArgs("ip", lastTick, "soon/now"), exitUsage, `time "soon" is not one`},
		{compareArgs("ip", lastTick, "/now"), exitUsage, "give both ends"},
		{compareArgs("ip", lastTick, "now/-1h"), exitUsage, "is empty: its end must be after its start"},
		{[]string{"top", "ip", "--compare", "before"}, exitUsage, "needs a window to begin with: add one, for example --last 24h"},
		{compareArgs("ip", lastTick, "last-week"), exitFailed, "no sensor was on from 2026-11-10 16:30:00 CET to 2026-11-10 16:30:10 CET; the store has data from 2026-11-17"},
		{compareArgs("ip", "2026-11-18T00:00:00Z/2026-11-18T01:00:00Z", firstTick), exitFailed, "no sensor was on from 2026-11-18"},
	} {
		r := call{dir: dir, args: c.args}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || r.out != "" {
			t.Errorf("%q: status %d:\n%s%s", c.args, r.status, r.out, r.err)
		}
	}
}

func TestComparedWindow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	w := store.Window{From: time.Date(2026, 10, 26, 0, 0, 0, 0, berlin), To: time.Date(2026, 10, 26, 12, 0, 0, 0, berlin)}
	for with, want := range map[string]string{
		"before":              "2026-10-25T12:00:00+01:00 2026-10-26T00:00:00+01:00",
		"yesterday":           "2026-10-25T00:00:00+02:00 2026-10-25T12:00:00+01:00", // the clocks were put back
		"last-week":           "2026-10-19T00:00:00+02:00 2026-10-19T12:00:00+02:00",
		"2026-10-01/-2h":      "2026-10-01T00:00:00+02:00 2026-10-26T10:00:00+01:00",
		"sun 14:00/sun 15:00": "2026-10-25T14:00:00+01:00 2026-10-25T15:00:00+01:00",
	} {
		got, err := comparedWindow(with, w, w.To)
		if s := got.From.Format(time.RFC3339) + " " + got.To.Format(time.RFC3339); err != nil || s != want {
			t.Errorf("%s: %s, %v, want %s", with, s, err, want)
		}
	}
}

func TestFairScale(t *testing.T) {
	const tick = 10 * time.Second
	for _, c := range []struct {
		now, before time.Duration
		want        float64
	}{{time.Hour, time.Hour, 1}, {5 * time.Minute, 5*time.Minute - 2*tick, 1}, {time.Hour, 30 * time.Minute, 2}, {tick, 4 * tick, 0.25}, {24 * time.Hour, 24*time.Hour - 10*time.Minute, 1}} {
		if got := fairScale(c.now, c.before, tick); got != c.want {
			t.Errorf("%s to %s: %v, want %v", c.now, c.before, got, c.want)
		}
	}
}

// TestOnTime holds the length of overlapping spans of several sensors to counting seconds.
func TestOnTime(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for range 200 {
		var c store.Coverage
		on := [100]bool{}
		for range r.IntN(6) {
			from := r.IntN(100)
			to := from + r.IntN(100-from)
			state := store.State(r.IntN(3))
			c.Spans = append(c.Spans, store.Span{Window: store.Window{From: at(from), To: at(to)}, State: state})
			for i := from; i < to && state != store.StateOff; i++ {
				on[i] = true
			}
		}
		want := time.Duration(0)
		for _, v := range on[20:80] {
			if v {
				want += time.Second
			}
		}
		if got := onTime(&c, store.Window{From: at(20), To: at(80)}); got != want {
			t.Fatalf("%s of %v, want %s", got, c.Spans, want)
		}
	}
}

// TestScaledChange shows that windows that are covered differently are compared by rates.
func TestScaledChange(t *testing.T) {
	packets := func(s store.Sum) uint64 { return s.Packets }
	c := comparison{nowOn: time.Hour, beforeOn: 30 * time.Minute, scale: 2}
	c.join(&store.Top{Rows: []store.Row{{Key: "a", In: store.Sum{Packets: 100}}, {Key: "b", In: store.Sum{Packets: 30}}, {Key: "c", In: store.Sum{Packets: 9}}}},
		&store.Top{Rows: []store.Row{{Key: "a", In: store.Sum{Packets: 50}}, {Key: "b", In: store.Sum{Packets: 20}}, {Key: "c", Out: store.Sum{Packets: 1}}, {Key: "d", In: store.Sum{Packets: 1}}}})
	c.sort(packets)
	var got []string
	for _, r := range c.rows {
		got = append(got, strings.TrimSpace(strings.Join([]string{r.row.Key, r.state(packets, c.scale), signed(r.by(packets, c.scale), func(n uint64) string { return string(rune('0' + n%10)) }), r.inWords(packets, c.scale)}, " ")))
	}
	want := []string{"b shrunk −0 −25 %", "c grown +7 ×4.5", "d gone −2 gone", "a same 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if said := c.caveats(); len(said) != 1 || !strings.Contains(said[0], "on for 1h0m0s of this window and 30m0s of the other") {
		t.Errorf("says %q", said)
	}
}
