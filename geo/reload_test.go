package geo

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// version is a database in which the address 1.0.0.x lies in the given city.
func version(city string) fixture {
	return fixture{kind: "GeoLite2-City", records: map[string]mmdbtype.Map{
		"1.0.0.0/25":     nested("DE", "x", city, 1, 2, 3),
		"1.0.0.128/25":   nested("FR", "y", city, 3, 4, 5),
		"2a00:1450::/32": nested("IE", "z", city, 5, 6, 7),
	}}
}

// swap puts data in the place of a file by renaming, as geoipupdate does.
func swap(t testing.TB, path string, data []byte) {
	t.Helper()
	next := path + ".new"
	if err := os.WriteFile(next, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// TestReloadUnderLoad swaps the database 1,000 times while others look
// addresses up, some through caches. Every answer has to be of one version. Each
// tenth time a broken file stands there in between, which nobody may notice.
func TestReloadUnderLoad(t *testing.T) {
	const swaps = 1000
	path := version("A").write(t, t.TempDir(), "c.mmdb")
	images := [][]byte{version("A").bytes(t), version("B").bytes(t)}
	asn := asnFixture().write(t, filepath.Dir(path), "a.mmdb")
	db := open(t, Config{City: path, ASN: asn})

	var stop atomic.Bool
	var wg sync.WaitGroup
	addrs := []netip.Addr{netip.MustParseAddr("1.0.0.1"), netip.MustParseAddr("1.0.0.129"), netip.MustParseAddr("2a00:1450::1")}
	countries := []string{"DE", "FR", "IE"}
	var looked atomic.Uint64
	load := func(locate func(netip.Addr) Location) {
		for !stop.Load() {
			for i, addr := range addrs {
				loc := locate(addr)
				if loc.Country != countries[i] || (loc.City != "A" && loc.City != "B") || !loc.HasCoordinates {
					t.Errorf("%s is %+v", addr, loc)
					stop.Store(true)
				}
			}
			looked.Add(1)
			time.Sleep(20 * time.Microsecond) // leave the processor to the swaps
		}
	}
	wg.Go(func() { load(db.Locate) })
	wg.Go(func() { load(NewCache(db, 64).Locate) })
	before := db.Generation()
	for i := range swaps {
		if i%10 == 9 {
			swap(t, path, images[i%2][:len(images[i%2])/3])
			if err := db.Reload(); err == nil {
				t.Fatal("a broken file was opened")
			}
		}
		swap(t, path, images[i%2])
		if err := db.Reload(); err != nil {
			t.Fatal(err)
		}
		if want := string("AB"[i%2]); db.Locate(addrs[0]).City != want {
			t.Fatalf("after swap %d the city is not %s", i, want)
		}
		if i%100 == 0 {
			runtime.GC() // unmaps what nobody holds
		}
	}
	stop.Store(true)
	wg.Wait()
	if got := db.Generation() - before; got != swaps {
		t.Errorf("generation grew by %d in %d reloads", got, swaps)
	}
	if db.Faults() != 0 || looked.Load() == 0 {
		t.Errorf("%d faults in %d rounds", db.Faults(), looked.Load())
	}
}

// TestReloadKeepsOld reloads a broken file, which must not take effect.
func TestReloadKeepsOld(t *testing.T) {
	path := version("A").write(t, t.TempDir(), "c.mmdb")
	db := open(t, Config{City: path})
	addr, generation := netip.MustParseAddr("1.0.0.1"), db.Generation()
	swap(t, path, []byte("<html>too many requests</html>"))
	err := db.Reload()
	if err == nil || !strings.Contains(err.Error(), "c.mmdb") {
		t.Errorf("error is %v", err)
	}
	if db.Generation() != generation || db.Locate(addr).City != "A" {
		t.Error("the old database is gone")
	}
	swap(t, path, version("B").bytes(t))
	if err := db.Reload(); err != nil || db.Locate(addr).City != "B" {
		t.Errorf("city %q after a good reload, error %v", db.Locate(addr).City, err)
	}
}

// TestBuiltinUnpackedOnce checks that a reload does not unpack it again.
func TestBuiltinUnpackedOnce(t *testing.T) {
	db := open(t, Config{})
	table := db.state.Load().city.v4
	if err := db.Reload(); err != nil {
		t.Fatal(err)
	}
	if db.state.Load().city.v4 != table {
		t.Error("the built-in database was unpacked again")
	}
}

// TestTruncatedWhileOpen cuts a file short while it is mapped, which nobody
// should do but some do. The processor's fault must not end the program.
func TestTruncatedWhileOpen(t *testing.T) {
	records := map[string]mmdbtype.Map{}
	for i := range 200 { // more than a page of tree and of data
		records[netip.AddrFrom4([4]byte{1, byte(i), 0, 0}).String()+"/24"] = nested("DE", "x", strings.Repeat("n", 100+i), 1, 2, 3)
	}
	path := fixture{kind: "GeoLite2-City", records: records}.write(t, t.TempDir(), "c.mmdb")
	db := open(t, Config{City: path})
	addr := netip.MustParseAddr("1.100.0.1")
	if db.Locate(addr).Country != "DE" {
		t.Fatal("not located before")
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if got := db.Locate(netip.MustParseAddr("1.101.0.1")); got.City != "" {
		t.Skipf("the file is not mapped here: %+v", got)
	}
	if db.Faults() == 0 {
		t.Error("the fault is not counted")
	}
	swap(t, path, cityFixture().bytes(t))
	if err := db.Reload(); err != nil || db.Locate(netip.MustParseAddr("1.0.0.1")).City != "Munich" {
		t.Errorf("not repaired by a good file: %v", err)
	}
}

// TestSetPaths names other files while the databases are open and watched.
func TestSetPaths(t *testing.T) {
	addr := netip.MustParseAddr("1.0.0.1")
	first, other := version("A").write(t, t.TempDir(), "a.mmdb"), version("B").write(t, t.TempDir(), "b.mmdb")
	db := open(t, Config{City: first})
	for _, tt := range []struct{ path, want, wrong string }{
		{other, "B", ""}, {filepath.Join(t.TempDir(), "none.mmdb"), "B", "none.mmdb"}, {asnFixture().write(t, t.TempDir(), "asn.mmdb"), "B", "asn.mmdb"}, {first, "A", ""},
	} {
		err := db.SetPaths(tt.path, "")
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: %v", tt.path, err)
		}
		if got := db.Locate(addr).City; got != tt.want {
			t.Errorf("%s: located by %s, want %s", tt.path, got, tt.want)
		}
		if err := db.Reload(); err != nil {
			t.Errorf("%s: reloaded: %v", tt.path, err)
		}
	}
	if err := db.SetPaths(other, ""); err != nil {
		t.Fatal(err)
	}
	swap(t, other, version("C").bytes(t))
	if seen := db.look(); seen.equal(db.seen()) {
		t.Error("a change of the file named last is not noticed")
	}
	if dir := filepath.Dir(other); !slices.Contains(db.folders(), dir) {
		t.Errorf("%s is not among the folders that are watched: %v", dir, db.folders())
	}
}
