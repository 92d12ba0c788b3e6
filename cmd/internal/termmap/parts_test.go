package termmap

import (
	"math"
	"strings"
	"testing"
)

// TestProject compares with d3-geo's geoEqualEarth().rotate([-11, 0]).scale(1), which the
// page draws with; its y grows downwards.
func TestProject(t *testing.T) {
	for _, c := range []struct{ longitude, latitude, x, y float64 }{
		{0, 0, -0.16540516567031568, 0},
		{11, 0, 0, 0},
		{2.3488, 48.8534, -0.10829659317041293, -0.9233098122650487},
		{-74.006, 40.7128, -1.127801994669313, -0.7870642200491075},
		{139.69, 35.69, 1.7590745208324636, -0.6978537656248642},
		{-169.0001, 10, 2.686963733812114, -0.20204243960029805},
		{190.9999, 10, 2.686963733812114, -0.20204243960029805},
		{151.2, -33.87, 1.9351356077194326, 0.6647057660224264},
		{0, 89.9, -0.0979975124241288, -1.317359775282731},
		{-140, -60, -1.7105448512405859, 1.0883008355053194},
	} {
		x, y := project(c.latitude, c.longitude)
		if math.Abs(x-c.x) > 1e-9 || math.Abs(y+c.y) > 1e-9 {
			t.Errorf("%f,%f is at %f,%f, want %f,%f", c.latitude, c.longitude, x, y, c.x, -c.y)
		}
	}
}

// TestCoasts shows that the outline is the world's: it decodes to the end, no piece of it
// runs across the map, and seas that everybody knows have no land in them.
func TestCoasts(t *testing.T) {
	lines := coasts()
	points := 0
	for _, line := range lines {
		points += len(line)
		for i := 1; i < len(line); i++ {
			if dx := math.Abs(line[i][0] - line[i-1][0]); dx > 0.5 {
				t.Errorf("a streak of %.2f at %v", dx, line[i])
			}
		}
	}
	if len(lines) < 300 || points < 5000 {
		t.Errorf("%d lines with %d points", len(lines), points)
	}
	m := newMap(100, 26, world())
	for _, c := range []struct {
		name                string
		latitude, longitude float64
		coast               bool
	}{
		{"Land's End", 50.1, -5.7, true}, {"Cape Town", -34.2, 18.4, true}, {"Hawaii", 19.6, -155.5, true}, {"Cape Horn", -55.9, -67.3, true},
		{"the middle of the Pacific", 0, -140, false}, {"the Atlantic", 35, -45, false}, {"the Sahara", 23, 10, false}, {"Siberia", 62, 100, false},
	} {
		fx, fy := m.dot(project(c.latitude, c.longitude))
		near := false
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				near = near || m.land[(int(fy)+dy)*m.width+int(fx)+dx]
			}
		}
		if near != c.coast {
			t.Errorf("coast near %s: %v", c.name, near)
		}
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct{ weakest, strongest, low, high float64 }{
		{1, 1, 0.01, 1}, {7, 7, 0.1, 10}, {3, 71_000, 2, 100_000}, {20, 1999, 20, 2000}, {1, 3e9, 5000, 5e9},
	} {
		if s := fitScale(c.weakest, c.strongest); math.Abs(s.low/c.low-1) > 1e-9 || math.Abs(s.high/c.high-1) > 1e-9 {
			t.Errorf("%g to %g: %v", c.weakest, c.strongest, s)
		}
	}
	s := scale{10, 1000}
	for v, want := range map[float64]float64{1: 0, 10: 0, 100: 0.5, 1000: 1, 1e6: 1} {
		if got := s.position(v); math.Abs(got-want) > 1e-9 {
			t.Errorf("position of %g is %g", v, got)
		}
	}
}

func TestStyleOf(t *testing.T) {
	for _, c := range []struct {
		env      string
		terminal bool
		want     Style
	}{
		{"", true, Style{Colours: Sixteen, ASCII: true}},
		{"LANG=C.UTF-8 TERM=xterm", true, Style{Colours: Sixteen}},
		{"LANG=de_DE.utf8 TERM=xterm-256color", true, Style{Colours: Many}},
		{"LANG=en_US.UTF-8 TERM=xterm-256color COLORTERM=truecolor", true, Style{Colours: TrueColor}},
		{"LANG=en_US.UTF-8 TERM=xterm-256color COLORTERM=truecolor", false, Style{}},
		{"LANG=en_US.UTF-8 COLORTERM=24bit NO_COLOR=1", true, Style{}},
		{"LANG=en_US.UTF-8 TERM=dumb", true, Style{}},
		{"LANG=en_US.UTF-8 LC_ALL=C TERM=xterm", true, Style{Colours: Sixteen, ASCII: true}},
		{"LANG=C LC_CTYPE=C.UTF-8 TERM=xterm", true, Style{Colours: Sixteen}},
		{"LANG=C.UTF-8 TERM=linux", true, Style{Colours: Sixteen, ASCII: true}},
		{"LANG=C.UTF-8 TERM=rxvt COLORFGBG=0;15", true, Style{Colours: Sixteen, Light: true}},
		{"LANG=C.UTF-8 TERM=rxvt COLORFGBG=15;default;0", true, Style{Colours: Sixteen}},
	} {
		env := map[string]string{}
		for _, word := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(word, "=")
			env[name] = value
		}
		if got := StyleOf(func(name string) string { return env[name] }, c.terminal); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.env, got, c.want)
		}
	}
}

// TestRamp shows that more is never told by a darker colour on dark, or a lighter one on
// light, and that 256 colours come near to all of them.
func TestRamp(t *testing.T) {
	for _, light := range []bool{false, true} {
		last := -1.0
		for i := range 101 {
			c := rampColour(light, float64(i)/100)
			l := 0.2126*float64(c[0]) + 0.7152*float64(c[1]) + 0.0722*float64(c[2])
			if light {
				l = 255 - l
			}
			if l < last-0.5 {
				t.Errorf("light %v: at %d %% the ramp turns back", light, i)
			}
			last = l
			if n := nearest256(c); n < 16 || n > 231 {
				t.Errorf("%v is colour %d", c, n)
			}
		}
	}
	if n := nearest256([3]uint8{255, 95, 0}); n != 202 {
		t.Errorf("orange is %d, want 202", n)
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{"São Paulo": "Sao Paulo", "Łódź": "?odz", "a – b · c": "a - b | c", "東京": "??", "9.14 GB": "9.14 GB"} {
		if got := plainText(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
}

func TestWidth(t *testing.T) {
	s := Style{}
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"Frankfurt", 9, "Frankfurt"}, {"Frankfurt", 5, "Fran…"}, {"東京都", 5, "東京…"}, {"東京都", 4, "東…"}, {"New York", 5, "New…"}, {"x", 0, ""},
	} {
		if got := s.clip(c.text, c.columns); got != c.want || width(got) > c.columns {
			t.Errorf("%q in %d: %q", c.text, c.columns, got)
		}
	}
	if n := width("\x1b[38;5;1mab\x1b[0m東"); n != 4 {
		t.Errorf("width %d", n)
	}
}
