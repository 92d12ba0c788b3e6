package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func samePrefix(a, b netip.Prefix) bool { return a == b }

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		show string // "": not a size
	}{
		{"256MiB", 256 << 20, "256MiB"},
		{"0.5 GiB", 512 << 20, "512MiB"},
		{"10gib", 10 << 30, "10GiB"},
		{"64 KB", 64000, "64000B"},
		{"4096b", 4096, "4KiB"},
		{"1TiB", 1 << 40, "1TiB"},
		{"1025B", 1025, "1025B"},
		{"4096", 0, ""},
		{"-1MiB", 0, ""},
		{"MiB", 0, ""},
		{"NaNMiB", 0, ""},
		{"9999999999TiB", 0, ""},
	} {
		n, err := parseSize(c.text)
		if (err == nil) != (c.show != "") || n != c.want || err == nil && formatSize(n) != c.show {
			t.Errorf("parseSize(%q) = %d, %v; printed %q", c.text, n, err, formatSize(n))
		}
	}
}

func TestAmount(t *testing.T) {
	for _, c := range []struct {
		text        string
		total, want int64
	}{
		{"256MiB|5%", 64 << 30, 256 << 20},
		{"256MiB|5%", 1000, 50},
		{"5% | 256MiB", 1000, 50},
		{"256MiB", 1000, 256 << 20},
		{"5%", 1000, 50},
	} {
		a, err := parseAmount(c.text, 0)
		if err != nil || a.Of(c.total) != c.want {
			t.Errorf("%q of %d is %d, %v; want %d", c.text, c.total, a.Of(c.total), err, c.want)
		}
		if again, err := parseAmount(a.String(), 0); err != nil || again != a {
			t.Errorf("%q prints as %q, which is %v, %v", c.text, a, again, err)
		}
	}
	for _, text := range []string{"", "|", "5%|", "0%", "101%", "x%"} {
		if a, err := parseAmount(text, 0); err == nil {
			t.Errorf("%q is taken for %v", text, a)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for text, want := range map[string]string{
		"730d": "2y", "30d": "30d", "36h": "36h", "90m": "90m", "10s": "10s", "20ms": "20ms", "1m30s": "1m30s",
	} {
		var d time.Duration
		v := duration(&d, 0, never, "")
		if err := v.set(text); err != nil || v.show() != want {
			t.Errorf("%q shows as %v, %v; want %q", text, v.show(), err, want)
		}
	}
}

func TestLists(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  any
		want []string // nil: an error
	}{
		{"list", []any{"a", 1, true}, []string{"a", "1", "true"}},
		{"flag", []string{"a", "b"}, []string{"a", "b"}},
		{"commas", "a, b,,c ", []string{"a", "b", "c"}},
		{"nothing", nil, []string{}},
		{"empty", "", []string{}},
		{"one number", 5, []string{"5"}},
		{"section", map[string]any{"a": 1}, nil},
		{"list in a list", []any{[]any{"a"}}, nil},
	} {
		got, err := list(c.raw)
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"sensor.interfaces", "sensor.include", "store.path", "geo.city"}
	for word, want := range map[string]string{
		"sensor.interface": "sensor.interfaces", "sensor.intefaces": "sensor.interfaces", "store.pathh": "store.path",
		"sensor.includes": "sensor.include", "quite.other": "", "": "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestSensorName(t *testing.T) {
	for text, want := range map[string]string{
		"gw1": "gw1", "my file (2)": "my-file--2", "..x": "x", "": "sensor", "日本": "sensor", "a/b": "a-b",
		strings.Repeat("x", 70): strings.Repeat("x", 63),
	} {
		if got := SensorName(text); got != want {
			t.Errorf("SensorName(%q) = %q, want %q", text, got, want)
		}
	}
}
