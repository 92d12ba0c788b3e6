package livetest

import (
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// counts is what the page says about itself to tests (window.__packetheat).
type counts struct {
	Ready      bool
	Connection string
	Packets    uint64
	Places     int
	Answer     string // the sentence in row 1
}

const askPage = `(() => { const p = window.__packetheat; return {ready: !!p && p.ready, connection: p ? p.connection : "",
	packets: p ? p.counts.packets : 0, places: p ? p.counts.places : 0, answer: document.body ? document.body.innerText.slice(0, 200) : ""}; })()`

// TestBrowserLive opens the dashboard in a real browser, sends new traffic, and waits
// until the map shows it. How soon that is, scenario "fresh" of the page's tests measures.
func TestBrowserLive(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	s := start(t, link, options{env: []string{"PACKETHEAT_SENSOR_TICK=2s"}})
	ready := s.ready()
	first, second := mix(t, 300), mix(t, 1500)
	sender := link.Peer.Sender(t)
	transmit(t, link, sender, first.frames, len(first.frames))

	b := browse(t, link.Sensor)
	b.open(ready["dashboard"])
	see := func(what string, enough func(counts) bool) counts {
		t.Helper()
		var c counts
		begin := time.Now()
		for b.eval(askPage, &c); !enough(c); b.eval(askPage, &c) {
			if time.Since(begin) > patience {
				t.Fatalf("%s: not after %s: %+v; complaints %q", what, patience, c, b.complaints())
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Logf("%s after %s", what, time.Since(begin).Round(time.Millisecond))
		return c
	}
	want := first.total().Packets
	before := see("the first traffic", func(c counts) bool { return c.Ready && c.Packets >= want && c.Connection == "live" })
	if before.Packets != want {
		t.Errorf("the page counts %d packets, want %d", before.Packets, want)
	}
	transmit(t, link, sender, second.frames, len(second.frames))
	want += second.total().Packets
	after := see("new traffic", func(c counts) bool { return c.Packets >= want })
	if after.Packets != want || after.Places <= before.Places {
		t.Errorf("the page counts %d packets at %d places (%d before), want %d packets at more", after.Packets, after.Places, before.Places, want)
	}
	if problems := b.complaints(); len(problems) > 0 {
		t.Errorf("the page complained:\n%s", strings.Join(problems, "\n"))
	}
	s.stop()
}
