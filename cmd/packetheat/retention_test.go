package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/store/sqlite"
)

func TestRetentionOf(t *testing.T) {
	const day = 24 * time.Hour
	c := &config.Loaded{}
	c.Store = config.Store{Path: t.TempDir(), Points: 30 * day, Views10m: 90 * day, Views1h: 730 * day, Views1d: config.Forever,
		Size: 10 << 30, Free: config.Amount{Bytes: 1 << 20}}
	got := retentionOf(c)
	want := sqlite.Retention{Points: 30 * day, Views10m: 90 * day, Views1h: 730 * day, Size: 10 << 30, Free: 1 << 20}
	if _, _, err := diskFree(c.Store.Path); err != nil {
		want.Free = 0 // not known on this system
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestForecastText(t *testing.T) {
	const day = 24 * time.Hour
	base := sqlite.Forecast{Points: 48e6, Views10m: 9e6, Views1h: 2e6, Views1d: 1e6, Rests: day, Horizon: 730 * day, Need: 4.5e9,
		Room: 10e9, Limit: "store.retention.size"}
	short := base
	short.Full, short.Kept, short.Room, short.Rests = 11*day, 7*day, 1e9, 40*time.Minute
	disk := short
	disk.Limit = "store.retention.free"
	forever := base
	forever.Room = 0
	for _, c := range []struct {
		name    string
		f       sqlite.Forecast
		points  time.Duration
		want    string // lines, joined
		warning string
	}{
		{"nothing yet", sqlite.Forecast{}, 30 * day, "not known yet: twenty minutes of capturing tell", ""},
		{"enough", base, 30 * day, "points of 30 days take 1.44 GB, 48.0 MB a day; sums without addresses take 12.0 MB a day at first; " +
			"after 2 years there are 4.50 GB of all together; store.retention.size has room for it: 10.0 GB", ""},
		{"too small", short, 30 * day, "points of 30 days take 1.44 GB, 48.0 MB a day; sums without addresses take 12.0 MB a day at first; " +
			"after 2 years there are 4.50 GB of all together; store.retention.size leaves 1.00 GB, which are full after 11 days; going by 40 minutes of capturing only",
			"points will be kept 7 days, not 30 days: raise store.retention.size to 5 GiB, or ask for less"},
		{"disk", disk, 0, "points take 48.0 MB a day and are kept for ever; sums without addresses take 12.0 MB a day at first; " +
			"after 2 years there are 4.50 GB of all together; store.retention.free leaves 1.00 GB, which are full after 11 days; going by 40 minutes of capturing only",
			"points will be kept 7 days, not for ever: the disk is too small (store.path names another, store.retention.free what must stay free)"},
		{"no limit", forever, 365 * day, "points of 1 year take 17.5 GB, 48.0 MB a day; sums without addresses take 12.0 MB a day at first; " +
			"after 2 years there are 4.50 GB of all together", ""},
	} {
		lines, warning := forecastText(&c.f, sqlite.Retention{Points: c.points})
		if diff := cmp.Diff([]string{c.want, c.warning}, []string{strings.Join(lines, "; "), warning}); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestLong(t *testing.T) {
	for want, d := range map[string]time.Duration{"less than a minute": time.Second, "1 minute": time.Minute, "50 minutes": 50 * time.Minute,
		"1 hour": time.Hour, "90 minutes": 90 * time.Minute, "40 hours": 40 * time.Hour, "3 days": 71 * time.Hour, "1 year": 365 * 24 * time.Hour,
		"2 years": 2 * 365 * 24 * time.Hour} {
		if got := long(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
