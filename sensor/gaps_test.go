package sensor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// TestGaps: what is captured of a minute, in seconds, as interfaces go on and off.
func TestGaps(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	type turn struct {
		second int
		name   string
		on     bool
	}
	tests := []struct {
		name    string
		begin   bool
		changes []turn
		now     int
		want    string
	}{
		{"told nothing", false, nil, 99, "0–60"},
		{"never captured", true, nil, 99, ""},
		{"captured from a moment on", true, []turn{{5, "a", true}}, 99, "5–60"},
		{"all the time", true, []turn{{0, "a", true}}, 99, "0–60"},
		{"until a moment", true, []turn{{-9, "a", true}, {20, "a", false}}, 99, "0–20"},
		{"off before and after", true, []turn{{-9, "a", true}, {-5, "a", false}, {80, "a", true}}, 99, ""},
		{"one of two suffices", true, []turn{{0, "a", true}, {1, "b", true}, {20, "a", false}, {30, "a", true}, {40, "b", false}}, 99, "0–60"},
		{"two gaps", true, []turn{{-9, "a", true}, {10, "a", false}, {20, "a", true}, {30, "a", false}, {40, "a", true}}, 99, "0–10 20–30 40–60"},
		{"gap from before", true, []turn{{-9, "a", true}, {-5, "a", false}, {20, "a", true}}, 99, "20–60"},
		{"said twice", true, []turn{{-9, "a", true}, {10, "a", false}, {12, "a", false}, {20, "a", true}, {22, "a", true}}, 99, "0–10 20–60"},
		{"many gaps", true, []turn{{-9, "a", true}, {5, "a", false}, {6, "a", true}, {15, "a", false}, {16, "a", true}, {25, "a", false},
			{26, "a", true}, {35, "a", false}, {36, "a", true}, {45, "a", false}, {46, "a", true}}, 99, "0–5 6–15 16–25 26–60"},
		{"clock set back before the gap", true, []turn{{-9, "a", true}, {10, "a", false}, {20, "a", true}}, 5, "0–60"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var g gaps
			if tt.begin {
				g.begin(at(-60))
			}
			for _, c := range tt.changes {
				g.set(c.name, c.on, at(c.second))
			}
			since := g.since(at(-99)) // before pieces, which forgets gaps ahead of the clock
			if off := !g.off.IsZero(); since.IsZero() != off || !off && len(g.past) > 0 && since != g.past[len(g.past)-1].to || !tt.begin && since != at(-99) {
				t.Errorf("captured since %v, of %+v", since, g.past)
			}
			var got []string
			for _, p := range g.pieces(at(0), at(60), at(tt.now)) {
				got = append(got, fmt.Sprintf("%.0f–%.0f", p.from.Sub(noon).Seconds(), p.to.Sub(noon).Seconds()))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("captured %s, want %s", got, tt.want)
			}
		})
	}
}

// TestGapsAreBounded: an interface that never rests does not fill the memory.
func TestGapsAreBounded(t *testing.T) {
	var g gaps
	g.begin(noon)
	for i := range 10 * keptGaps {
		g.set("a", i%2 == 0, noon.Add(time.Duration(i)*time.Second))
	}
	if len(g.past) > keptGaps {
		t.Errorf("%d gaps are kept, want at most %d", len(g.past), keptGaps)
	}
	g.set("a", true, noon.Add(24*time.Hour))
	if len(g.past) > 1 || g.captured("b") || !g.captured("a") {
		t.Errorf("after a day %d gaps are kept, want the last", len(g.past))
	}
}

// telling is a live source beside which an interface goes on and off.
type telling struct {
	*scripted
	gaps    *gaps
	changes []change
}

// change says that an interface is captured from a moment on, or not.
type change struct {
	at time.Time
	on bool
}

func (s *telling) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	block, err := s.scripted.ReadBlock(timeout)
	for len(s.changes) > 0 && !s.changes[0].at.After(s.clock()) {
		s.gaps.set("eth0", s.changes[0].on, s.changes[0].at)
		s.changes = s.changes[1:]
	}
	return block, err
}

// A tick that was captured in parts is a batch for each, the first with all that was
// counted; one that was not at all is none; counters of a gap are kept.
func TestGapsMakeBatches(t *testing.T) {
	zero := noon.Truncate(10 * time.Second)
	second := func(s int) time.Time { return zero.Add(time.Duration(s) * time.Second) }
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	m := &memory{}
	source := &telling{scripted: &scripted{now: second(0), t: t, steps: []step{
		{second(1), []packet{{second(1), f}}},
		{second(10), nil}, {second(12), nil}, {second(24), nil},
		{second(26), []packet{{second(26), f}}}, // while nothing should be captured
		{second(36), nil}, {second(39), nil}, {second(52), nil},
	}}}
	s := newSensor(t, m, func(c *Config) { c.Now = source.clock })
	source.gaps = &s.gaps
	source.changes = []change{{second(3), false}, {second(5), true}, {second(8), false}, {second(33), true}, {second(38), false}}
	s.gaps.begin(zero.Add(-time.Minute))
	s.gaps.set("eth0", true, zero)
	p := s.start(true)
	p.add("eth0", source, nil)
	if err := p.drain(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range m.batches {
		at := func(x time.Time) float64 { return x.Sub(zero).Seconds() }
		got = append(got, fmt.Sprintf("%v/%d: %v–%v, %d", at(b.Tick), b.Seq, at(b.From), at(b.To), b.Books.Decoded.Packets))
	}
	want := []string{"0/0: 0–3, 1", "0/1: 5–8, 0", "20/0: 20–20, 1", "30/0: 33–38, 0"}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("batches\n%s, want\n%s", strings.Join(got, "; "), strings.Join(want, "; "))
	}
	m.checkBooks(t, false)
}
