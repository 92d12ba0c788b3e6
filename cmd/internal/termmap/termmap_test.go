package termmap

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is drawn to testdata")

// cities are spots that everybody finds on a map.
var cities = []struct {
	name string
	Spot
}{
	{"Tokyo, JP", Spot{35.69, 139.69, 1_200_000}},
	{"New York, US", Spot{40.71, -74.01, 340_000}},
	{"Frankfurt am Main, DE", Spot{50.11, 8.68, 120_000}},
	{"São Paulo, BR", Spot{-23.55, -46.63, 45_000}},
	{"Sydney, AU", Spot{-33.87, 151.21, 9_000}},
	{"Nairobi, KE", Spot{-1.29, 36.82, 800}},
	{"東京都新宿区, JP", Spot{35.7, 139.7, 60}},
	{"Anchorage, US", Spot{61.22, -149.9, 20}},
	{"Auckland, NZ", Spot{-36.85, 174.76, 5}},
}

func sample() *Frame {
	f := &Frame{
		Answer: []string{"gw1", "Tue 17 Nov 2026 15:00–15:30 CET", "1.71 M packets, 1.20 GB", "8 countries", "98 % located", "0 dropped"},
		Unit:   "packets", Amount: func(n uint64) string { return fmt.Sprint(n) }, Title: "Places by packets",
	}
	for i := range cities {
		c := &cities[i]
		f.Spots = append(f.Spots, c.Spot)
		f.Rows = append(f.Rows, Row{Name: c.name, Amount: f.Amount(c.Weight), Share: float64(c.Weight) / 1_715_085, Spot: &c.Spot})
	}
	return f
}

// TestDraw holds what is drawn to files that somebody has looked at. Run it with -update
// and look again where it is meant to change.
func TestDraw(t *testing.T) {
	noted := sample()
	noted.Notes = []string{"12.0 % is known to its country only: it is in the list, not on the map."}
	noted.Foot = "q quit · u packets or bytes"
	for _, c := range []struct {
		name   string
		screen Screen
		frame  *Frame
	}{
		{"80x24", Screen{Columns: 80, Lines: 24}, sample()},
		{"120x30", Screen{Columns: 120, Lines: 30}, sample()},
		{"200x60", Screen{Columns: 200, Lines: 60}, noted},
		{"narrow", Screen{Columns: 36, Lines: 18}, noted},
		{"flat", Screen{Columns: 100, Lines: 9}, sample()},
		{"tiny", Screen{Columns: 5, Lines: 2}, noted},
		{"empty", Screen{Columns: 80, Lines: 24}, &Frame{Answer: []string{"gw1"}, Notes: []string{"The store is empty."}, Unit: "packets"}},
		{"fit", Screen{Columns: 80, Lines: 24, Fit: true}, &Frame{Answer: []string{"gw1"}, Unit: "packets", Amount: noted.Amount, Spots: sample().Spots[2:3]}},
		{"ascii", Screen{Columns: 80, Lines: 24, Style: Style{ASCII: true}}, noted},
		{"sixteen", Screen{Columns: 80, Lines: 24, Style: Style{Colours: Sixteen}}, noted},
		{"many", Screen{Columns: 80, Lines: 24, Style: Style{Colours: Many, Light: true}}, noted},
		{"true", Screen{Columns: 80, Lines: 24, Style: Style{Colours: TrueColor}}, noted},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(c.screen.Draw(c.frame), "\n") + "\n"
			name := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDrawFits draws on screens of every kind: nothing is ever wider or longer than the
// screen, every colour ends on its line, and without colours nothing is written but text.
func TestDrawFits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		s := Screen{Columns: 1 + r.IntN(260), Lines: 1 + r.IntN(90), Fit: r.IntN(2) == 0,
			Style: Style{Colours: Colours(r.IntN(4)), ASCII: r.IntN(2) == 0, Light: r.IntN(2) == 0}}
		f := sample()
		f.Spots, f.Rows = f.Spots[:r.IntN(len(f.Spots)+1)], f.Rows[:r.IntN(len(f.Rows)+1)]
		if r.IntN(2) == 0 {
			f.Notes = []string{strings.Repeat("long words here ", r.IntN(60))}
			f.Foot = strings.Repeat("keys ", r.IntN(40))
		}
		lines := s.Draw(f)
		if len(lines) > max(s.Lines, leastLines) {
			t.Fatalf("%+v: %d lines", s, len(lines))
		}
		for _, line := range lines {
			switch {
			case width(line) > max(s.Columns, leastColumns):
				t.Fatalf("%+v: %d columns: %q", s, width(line), line)
			case strings.Count(line, "\x1b[")%2 != 0 || strings.Contains(line, "\x1b[") && s.Style.Colours == None:
				t.Fatalf("%+v: colours do not end: %q", s, line)
			case s.Style.ASCII && len(line) != utf8.RuneCountInString(line):
				t.Fatalf("%+v: not ASCII: %q", s, line)
			case strings.ContainsAny(line, "\n\r\t"):
				t.Fatalf("%+v: moves the cursor: %q", s, line)
			}
		}
	}
}

// TestHeatIsWhereSpotsAre puts one spot on the map at a time and looks for the strongest
// heat: it is at the spot, and as strong as the spot.
func TestHeatIsWhereSpotsAre(t *testing.T) {
	for _, c := range cities {
		m := newMap(100, 26, world())
		m.heat([]Spot{c.Spot})
		x, y, ok := m.at(c.Spot)
		if !ok {
			t.Fatalf("%s is off the map", c.name)
		}
		if v := m.values[y*m.width+x]; v < float64(c.Weight)*0.999999 || v > float64(c.Weight)*1.000001 {
			t.Errorf("%s reads %f, want %d", c.name, v, c.Weight)
		}
		for i, v := range m.values {
			if v > float64(c.Weight)*1.000001 {
				t.Fatalf("%s: dot %d has %f", c.name, i, v)
			}
		}
	}
}

// TestMarks shows that numbers stand where their rows are, the first comers first.
func TestMarks(t *testing.T) {
	f := sample()
	m := newMap(100, 26, world())
	marks := m.marks(f.Rows)
	x, y, _ := m.at(cities[0].Spot)
	if n := marks[[2]int{x / 2, y / 4}]; n != 1 {
		t.Errorf("at Tokyo stands %d: its ward has taken the place", n)
	}
	if len(marks) != len(cities)-1 {
		t.Errorf("%d marks, want one for each city but the second in Tokyo: %v", len(marks), marks)
	}
}
