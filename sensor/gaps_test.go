package sensor

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestGaps: what is captured of a minute, in seconds, as interfaces go on and off.
func TestGaps(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	type change struct {
		second int
		name   string
		on     bool
	}
	tests := []struct {
		name    string
		begin   bool
		changes []change
		now     int
		want    string
	}{
		{"told nothing", false, nil, 99, "0–60"},
		{"never captured", true, nil, 99, ""},
		{"captured from a moment on", true, []change{{5, "a", true}}, 99, "5–60"},
		{"all the time", true, []change{{0, "a", true}}, 99, "0–60"},
		{"until a moment", true, []change{{-9, "a", true}, {20, "a", false}}, 99, "0–20"},
		{"off before and after", true, []change{{-9, "a", true}, {-5, "a", false}, {80, "a", true}}, 99, ""},
		{"one of two suffices", true, []change{{0, "a", true}, {1, "b", true}, {20, "a", false}, {30, "a", true}, {40, "b", false}}, 99, "0–60"},
		{"two gaps", true, []change{{-9, "a", true}, {10, "a", false}, {20, "a", true}, {30, "a", false}, {40, "a", true}}, 99, "0–10 20–30 40–60"},
		{"gap from before", true, []change{{-9, "a", true}, {-5, "a", false}, {20, "a", true}}, 99, "20–60"},
		{"said twice", true, []change{{-9, "a", true}, {10, "a", false}, {12, "a", false}, {20, "a", true}, {22, "a", true}}, 99, "0–10 20–60"},
		{"many gaps", true, []change{{-9, "a", true}, {5, "a", false}, {6, "a", true}, {15, "a", false}, {16, "a", true}, {25, "a", false},
			{26, "a", true}, {35, "a", false}, {36, "a", true}, {45, "a", false}, {46, "a", true}}, 99, "0–5 6–15 16–25 26–60"},
		{"clock set back before the gap", true, []change{{-9, "a", true}, {10, "a", false}, {20, "a", true}}, 5, "0–60"},
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
