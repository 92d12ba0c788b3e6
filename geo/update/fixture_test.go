package update

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// november is the time at which tests run.
var november = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// database makes a small MMDB of a type, built at the given time.
func database(t testing.TB, kind string, built time.Time) []byte {
	t.Helper()
	rec := mmdbtype.Map{
		"country":  mmdbtype.Map{"iso_code": mmdbtype.String("DE")},
		"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String("Munich")}},
		"location": mmdbtype.Map{"latitude": mmdbtype.Float64(48.1), "longitude": mmdbtype.Float64(11.6)},
	}
	switch {
	case strings.Contains(kind, "ASN"):
		rec = mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("x")}
	case strings.Contains(kind, "Country"):
		rec = mmdbtype.Map{"country": rec["country"]}
	}
	version := 6
	if strings.HasSuffix(kind, "ipv4") {
		version = 4
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IPVersion: version, BuildEpoch: built.Unix(), RecordSize: 24, DisableIPv4Aliasing: true})
	if err != nil {
		t.Fatal(err)
	}
	networks := []string{"1.0.0.0/8", "2a00::/12"}
	switch {
	case strings.HasSuffix(kind, "ipv4"):
		networks = networks[:1]
	case strings.HasSuffix(kind, "ipv6"):
		networks = networks[1:]
	}
	for _, network := range networks {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, rec); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archive makes a .tar.gz as MaxMind does, with a licence before the database.
func archive(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		data []byte
	}{{"LICENSE.txt", []byte("a licence")}, {name, data}} {
		if err := w.WriteHeader(&tar.Header{Name: "X_20261120/" + f.name, Mode: 0o644, Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return zip(t, b.Bytes())
}

func sum(data []byte) string {
	s := md5.Sum(data)
	return hex.EncodeToString(s[:])
}

// publisher is a server that answers by path, and remembers who asked for what.
type publisher struct {
	*httptest.Server
	mu       sync.Mutex
	answers  map[string]http.HandlerFunc
	requests []*http.Request
}

func publish(t testing.TB, start func(http.Handler) *httptest.Server) *publisher {
	p := &publisher{answers: make(map[string]http.HandlerFunc)}
	p.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r)
		answer := p.answers[r.URL.Path]
		p.mu.Unlock()
		if answer == nil {
			answer = http.NotFound
		}
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// at sets the answer for a path.
func (p *publisher) at(path string, answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

// asked returns the paths asked for since the last time.
func (p *publisher) asked() (paths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		paths = append(paths, r.URL.Path)
	}
	p.requests = nil
	return paths
}

func send(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }
}

// updater makes one that asks p, at the time of the tests, without chance.
func updater(t testing.TB, p *publisher, cfg Config) *Updater {
	t.Helper()
	cfg.DBIP, cfg.MaxMind = p.URL, p.URL
	u, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	u.now = func() time.Time { return november }
	u.jitter = func(time.Duration) time.Duration { return 0 }
	return u
}

// files lists what is in a folder, without the lock and the state.
func files(t testing.TB, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && name != ".lock" && name != stateName {
			list = append(list, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
