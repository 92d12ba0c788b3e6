package update

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/packetheat/packetheat/geo"
)

// TestBackOff fails again and again, each time in a new process as it were.
func TestBackOff(t *testing.T) {
	p := publish(t, httptest.NewServer)
	p.at("/free/dbip-city-lite-2026-11.mmdb.gz", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) })
	p.at("/free/dbip-asn-lite-2026-11.mmdb.gz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		http.Error(w, "", http.StatusTooManyRequests)
	})
	dir, now := t.TempDir(), november
	try := func(force bool) (int, error) {
		u := updater(t, p, Config{Dir: dir})
		u.now = func() time.Time { return now }
		_, err := u.Update(context.Background(), force)
		return len(p.asked()), err
	}
	if n, err := try(false); n != 2 || err == nil {
		t.Fatalf("%d requests, %v", n, err)
	}
	if n, err := try(false); n != 0 || err != nil {
		t.Errorf("at once: %d requests, %v", n, err)
	}
	if n, err := try(true); n != 1 || err == nil {
		t.Errorf("forced: %d requests, %v", n, err)
	}
	list, err := ReadStatus(dir)
	if err != nil || len(list) != 2 {
		t.Fatalf("status %+v, %v", list, err)
	}
	for _, s := range list {
		want := Status{s.Edition, time.Time{}, november.Add(10 * time.Minute), 2, "127.0.0.1"}
		if s.Edition == "dbip-asn-lite" {
			want.Next, want.Failures = november.Add(time.Hour), 1
		}
		if !strings.Contains(s.Error, want.Error) {
			t.Errorf("error %q", s.Error)
		}
		want.Error = s.Error
		diff(t, "status", want, s)
	}
	now = november.Add(10 * time.Minute)
	if n, _ := try(false); n != 1 {
		t.Errorf("10 minutes later: %d requests", n)
	}
	for range 20 {
		_, _ = try(true)
	}
	if list, _ := ReadStatus(dir); list[0].Next.After(now.Add(lastWait)) || list[1].Next.After(now.Add(lastWait)) {
		t.Errorf("waits too long: %+v", list)
	}
	now = november.Add(-30 * 24 * time.Hour) // the clock was wrong
	if n, _ := try(false); n == 0 {
		t.Error("a clock that was put back stops updates")
	}
	write(t, filepath.Join(dir, stateName), []byte(`{"attempts":{"dbip-city-lite":null},"files":`))
	if n, _ := try(false); n == 0 {
		t.Error("a damaged state stops updates")
	}
}

// TestInstall takes files as people have them.
func TestInstall(t *testing.T) {
	p := publish(t, httptest.NewServer)
	from, dir := t.TempDir(), t.TempDir()
	u := updater(t, p, Config{Dir: dir})
	city := database(t, "GeoLite2-City", november)
	steps := []struct {
		name  string
		files map[string][]byte
		older bool
		want  string // of the error
		left  []string
	}{
		{"plain", map[string][]byte{"GeoLite2-City.mmdb": city}, false, "", []string{"city/GeoLite2-City.mmdb"}},
		{"gzip", map[string][]byte{"dbip-asn-lite-2026-11.mmdb.gz": zip(t, database(t, "DBIP-ASN-Lite", november))}, false, "",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/GeoLite2-City.mmdb"}},
		{"archive", map[string][]byte{"GeoLite2-City_20261120.tar.gz": archive(t, "GeoLite2-City.mmdb", city)}, false, "",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/GeoLite2-City.mmdb"}},
		{"halves", map[string][]byte{"x-ipv4.mmdb": database(t, "City ipv4", november), "x-ipv6.mmdb": database(t, "City ipv6", november)}, false, "",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/x-ipv4.mmdb", "city/x-ipv6.mmdb"}},
		{"no name", map[string][]byte{"download": city}, false, "", []string{"asn/dbip-asn-lite-2026-11.mmdb", "city/download.mmdb"}},
		{"older", map[string][]byte{"old.mmdb": database(t, "GeoLite2-City", november.Add(-time.Hour))}, false, "the newer one stays",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/download.mmdb"}},
		{"older, but wanted", map[string][]byte{"old.mmdb": database(t, "GeoLite2-City", november.Add(-time.Hour))}, true, "",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/old.mmdb"}},
		{"countries", map[string][]byte{"c.mmdb": database(t, "GeoLite2-Country", november)}, false, "countries only",
			[]string{"asn/dbip-asn-lite-2026-11.mmdb", "city/old.mmdb"}},
		{"junk", map[string][]byte{"junk.mmdb": []byte("junk")}, false, "not a MaxMind DB", []string{"asn/dbip-asn-lite-2026-11.mmdb", "city/old.mmdb"}},
		{"archive of something else", map[string][]byte{"a.tar.gz": archive(t, "README", nil)}, false, "no .mmdb file", []string{"asn/dbip-asn-lite-2026-11.mmdb", "city/old.mmdb"}},
	}
	for _, step := range steps {
		var list []string
		for name, data := range step.files {
			list = append(list, write(t, filepath.Join(from, name), data))
		}
		results, err := u.Install(list, step.older)
		if (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
		if err == nil && len(results) != len(list) {
			t.Errorf("%s: results %+v", step.name, results)
		}
		diff(t, step.name, step.left, files(t, dir))
		if s, err := u.load(); err != nil || len(s.Stale) > 0 {
			t.Errorf("%s: stale %q, %v", step.name, s.Stale, err)
		}
	}
	if _, err := u.Install([]string{filepath.Join(from, "absent")}, false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gives %v", err)
	}
	if len(p.asked()) > 0 {
		t.Error("installing made requests")
	}
}

// TestHalvesInUse opens both halves of a database that was installed.
func TestHalvesInUse(t *testing.T) {
	dir, from := t.TempDir(), t.TempDir()
	u := updater(t, publish(t, httptest.NewServer), Config{Dir: dir})
	four := write(t, filepath.Join(from, "x-ipv4.mmdb"), database(t, "City ipv4", november))
	six := write(t, filepath.Join(from, "x-ipv6.mmdb"), database(t, "City ipv6", november))
	if _, err := u.Install([]string{four, six}, false); err != nil {
		t.Fatal(err)
	}
	db, err := geo.Open(geo.Config{Search: []string{}, Fetched: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, s := range db.Sources() {
		if i < 2 && (!s.InUse || s.Kind != "city" || s.Path == "") {
			t.Errorf("source %d is %+v", i, s)
		}
	}
}

// TestLock lets one work and tells the other.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	u := updater(t, publish(t, httptest.NewServer), Config{Dir: dir})
	unlock, err := u.open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Update(context.Background(), false); !errors.Is(err, ErrBusy) {
		t.Errorf("update gives %v", err)
	}
	if _, err := u.Install(nil, false); !errors.Is(err, ErrBusy) {
		t.Errorf("install gives %v", err)
	}
	unlock()
	if _, err := u.Install(nil, false); err != nil {
		t.Error(err)
	}
}

// TestKilled finds what an update left that was killed.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	u := updater(t, publish(t, httptest.NewServer), Config{Dir: dir})
	write(t, filepath.Join(dir, "city", ".update-123.tmp"), []byte("half"))
	write(t, filepath.Join(dir, "city", "old.mmdb"), []byte("old"))
	write(t, filepath.Join(dir, "city", "own.mmdb"), []byte("put there by hand"))
	write(t, filepath.Join(dir, stateName), []byte(`{"stale":["city/old.mmdb"]}`))
	if _, err := u.Install(nil, false); err != nil {
		t.Fatal(err)
	}
	diff(t, "files", []string{"city/own.mmdb"}, files(t, dir))
}

// closer counts what a progress bar is shown.
type closer struct {
	n      atomic.Int64
	closed atomic.Bool
}

func (c *closer) Write(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }
func (c *closer) Close() error                { c.closed.Store(true); return nil }

// TestRun fails first and succeeds when its time has come.
func TestRun(t *testing.T) {
	p := publish(t, httptest.NewServer)
	dir := t.TempDir()
	var bar closer
	u := updater(t, p, Config{Dir: dir, Progress: func(string, int64) io.WriteCloser { return &bar }})
	p.at("/free/dbip-asn-lite-2026-11.mmdb.gz", send(zip(t, database(t, "DBIP-ASN-Lite", november))))
	city := zip(t, database(t, "DBIP-City-Lite", november))
	p.at("/free/dbip-city-lite-2026-11.mmdb.gz", send(city))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		list, err := ReadStatus(dir)
		if err == nil && len(list) == 2 && !list[0].Checked.IsZero() && !list[1].Checked.IsZero() {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	diff(t, "files", []string{"asn/dbip-asn-lite-2026-11.mmdb", "city/dbip-city-lite-2026-11.mmdb"}, files(t, dir))
	if bar.n.Load() <= int64(len(city)) || !bar.closed.Load() {
		t.Errorf("progress of %d bytes", bar.n.Load())
	}
	if got, want := u.next(), u.Interval-u.Interval/10; got != want {
		t.Errorf("next in %s, want %s", got, want)
	}
	u.now = func() time.Time { return november.Add(23 * time.Hour) }
	if got := u.next(); got != soonest {
		t.Errorf("when it is time, next in %s", got)
	}
}

// TestProxy asks a proxy for a host that does not exist. Go reads the variables once a
// process, so that this is one of its own.
func TestProxy(t *testing.T) {
	if dir := os.Getenv("UPDATE_TEST_DIR"); dir != "" {
		u, err := New(Config{Dir: dir, DBIP: "http://databases.invalid"})
		if err != nil {
			t.Fatal(err)
		}
		u.now = func() time.Time { return november }
		if _, err := u.Update(context.Background(), false); err == nil {
			t.Error("there is no such file")
		}
		return
	}
	p := publish(t, httptest.NewServer)
	var hosts atomic.Int64
	p.at("/free/dbip-city-lite-2026-11.mmdb.gz", func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "databases.invalid" {
			hosts.Add(1)
		}
		http.NotFound(w, r)
	})
	child := exec.Command(os.Args[0], "-test.run=^TestProxy$")
	child.Env = append(os.Environ(), "UPDATE_TEST_DIR="+t.TempDir(), "HTTP_PROXY="+p.URL, "http_proxy="+p.URL, "NO_PROXY=")
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if hosts.Load() != 1 {
		t.Errorf("the proxy was asked %d times", hosts.Load())
	}
}

// FuzzUnpack feeds what a publisher may send. Nothing may panic, nor exceed the limit,
// nor be left behind after an error.
func FuzzUnpack(f *testing.F) {
	data := database(f, "GeoLite2-City", november)
	for _, seed := range [][]byte{data, zip(f, data), archive(f, "a.mmdb", data), archive(f, "README", nil), nil, {0x1f, 0x8b}} {
		f.Add(seed)
	}
	dir := f.TempDir()
	u := updater(f, publish(f, httptest.NewServer), Config{Dir: dir, MaxBytes: 1 << 16})
	unlock, err := u.open()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(unlock)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := u.unpack(strings.NewReader(string(data)), "x.gz", kindCity)
		if err != nil {
			if got.temp != "" {
				t.Error("an error and a file")
			}
			return
		}
		info, err := os.Stat(got.temp)
		if err != nil || info.Size() > 1<<16 || filepath.Ext(got.name) != ".mmdb" || filepath.Base(got.name) != got.name {
			t.Errorf("%+v, %v", got, err)
		}
		if err := os.Remove(got.temp); err != nil {
			t.Error(err)
		}
	})
}
