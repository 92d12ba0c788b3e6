package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name, text string
		want       [4]time.Duration
		warns      []string // a part of each
	}{
		{"defaults", "", [4]time.Duration{30 * day, 90 * day, 2 * year, Forever}, nil},
		{"in order", "{points: 1d, views: {10m: 1d, 1h: 2d, 1d: 3d}}", [4]time.Duration{day, day, 2 * day, 3 * day}, nil},
		{"points for ever", "{points: forever}", [4]time.Duration{Forever, Forever, Forever, Forever}, nil},
		{"a view between", "{views: {10m: 1y, 1h: 200d, 1d: 300d}}", [4]time.Duration{30 * day, year, year, year}, []string{
			"config.yaml:1: store.retention.views.1h: 200d is shorter than store.retention.views.10m", "store.retention.views.1d: 300d is shorter than"}},
		{"addresses for long", "{addresses: 5y}", [4]time.Duration{30 * day, 90 * day, 2 * year, Forever}, nil},
		{"addresses for less", "{addresses: 7d}", [4]time.Duration{30 * day, 90 * day, 2 * year, Forever}, []string{
			"store.retention.addresses: 7d is shorter than store.retention.points"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := load(t, write(t, "store: {retention: "+c.text+"}\n"))
			s := loaded.Store
			if diff := cmp.Diff(c.want, [4]time.Duration{s.Points, s.Views10m, s.Views1h, s.Views1d}); diff != "" {
				t.Error(diff)
			}
			if want := map[string]time.Duration{"addresses for long": 5 * year}[c.name]; s.Addresses != want {
				t.Errorf("addresses %s, want %s", s.Addresses, want)
			}
			if len(loaded.Warnings) != len(c.warns) {
				t.Fatalf("warnings are %q", loaded.Warnings)
			}
			for i, want := range c.warns {
				if !strings.Contains(loaded.Warnings[i], want) {
					t.Errorf("warning %q has no %q", loaded.Warnings[i], want)
				}
			}
		})
	}
}
