package update

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// zeros are n bytes that compress a thousandfold.
func zeros(n int) []byte { return make([]byte, n) }

// TestMisbehaving lets a publisher do what publishers and those in between do. Nothing
// may be left behind, the old database has to stay, and the next attempt has to wait.
func TestMisbehaving(t *testing.T) {
	good := zip(t, database(t, "DBIP-City-Lite", november))
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			http.Error(w, "no", code)
		}
	}
	plainly := publish(t, httptest.NewServer)
	plainly.at("/x", send(good))
	hour := november.Add(time.Hour).Format(http.TimeFormat)
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 0x40
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string
		wait   time.Duration
		asked  bool
	}{
		{"stalls", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(good[:20])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "nothing came for", firstWait, false},
		{"never answers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "nothing came for", firstWait, false},
		{"drips", func(w http.ResponseWriter, r *http.Request) {
			for range 10_000 {
				if _, err := w.Write(good[:1]); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "not done in", firstWait, false},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			_, _ = w.Write(good[:len(good)/2])
		}, "unexpected EOF", firstWait, false},
		{"cut without a length", send(good[:len(good)-5]), "unexpected EOF", firstWait, false},
		{"changed", send(damaged), "", firstWait, false},
		{"429", status(429), "429", lastWait, true},
		{"429, seconds", status(429, "Retry-After", "7200"), "429", 2 * time.Hour, true},
		{"429, date", status(429, "Retry-After", hour), "429", time.Hour, true},
		{"429, for ever", status(429, "Retry-After", "2147483647"), "429", maxWait, true},
		{"500", status(500), "500", firstWait, false},
		{"503, seconds", status(503, "Retry-After", "60"), "503", time.Minute, true},
		{"403", status(403), "403", lastWait, false},
		{"408", status(408), "408", firstWait, false},
		{"redirects in circles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "more than 5 redirects", firstWait, false},
		{"redirects to plain", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plainly.URL+"/x", http.StatusFound) }, "not encrypted", firstWait, false},
		{"huge", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1099511627776")
			_, _ = w.Write(good)
		}, "more than", firstWait, false},
		{"huge without a length", func(w http.ResponseWriter, _ *http.Request) {
			for range 64 {
				if _, err := w.Write(zeros(1 << 16)); err != nil {
					return
				}
			}
		}, "bigger than any database", firstWait, false},
		{"bomb", send(zip(t, zeros(4<<20))), "bigger than any database", firstWait, false},
		{"web page", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>log in</html>")
		}, "a web page, not a database", firstWait, false},
		{"web page in disguise", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/gzip")
			fmt.Fprint(w, "<html>log in</html>")
		}, "not a MaxMind DB", firstWait, false},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "", firstWait, false},
		{"older", send(zip(t, database(t, "DBIP-City-Lite", november.AddDate(0, -2, 0)))), "the newer one stays", firstWait, false},
		{"another kind", send(zip(t, database(t, "DBIP-ASN-Lite", november))), "none of places", firstWait, false},
		{"countries", send(zip(t, database(t, "DBIP-Country-Lite", november))), "knows countries only", firstWait, false},
		{"gone", status(404), "neither this month's", lastWait, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := publish(t, httptest.NewTLSServer)
			dir := t.TempDir()
			u := updater(t, p, Config{Dir: dir, MaxBytes: 1 << 20,
				Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}, DisableCompression: true, DisableKeepAlives: true}})
			const old = "city/dbip-city-lite-2026-10.mmdb"
			before := database(t, "DBIP-City-Lite", november.AddDate(0, -1, 0))
			source := write(t, filepath.Join(t.TempDir(), "dbip-city-lite-2026-10.mmdb"), before)
			if _, err := u.Install([]string{source}, false); err != nil {
				t.Fatal(err)
			}
			path := "/free/dbip-city-lite-2026-11.mmdb.gz"
			p.at(path, tt.answer)
			if tt.name == "gone" {
				_ = os.Remove(filepath.Join(dir, old))
			}
			u.stall, u.deadline = time.Minute, 10*time.Minute
			switch tt.name {
			case "stalls", "never answers":
				u.stall = 300 * time.Millisecond
			case "drips":
				u.deadline = time.Second
			}
			s, err := u.load()
			if err != nil {
				t.Fatal(err)
			}
			a := s.attempt("dbip-city-lite", u.settings())
			_, err = u.one(context.Background(), u.editions()[0], s, a)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
			if wait := a.Next.Sub(november); wait != tt.wait || a.Asked != tt.asked {
				t.Errorf("waits %s, asked %v, want %s, %v", wait, a.Asked, tt.wait, tt.asked)
			}
			if tt.name == "gone" {
				return
			}
			diff(t, "files", []string{old}, files(t, dir))
			if have, err := hashOf(filepath.Join(dir, old)); have != sum(before) {
				t.Errorf("the old database has changed, %v", err)
			}
		})
	}
}

// TestStopped ends an update in the middle: no fault of the publisher.
func TestStopped(t *testing.T) {
	p := publish(t, httptest.NewServer)
	ctx, cancel := context.WithCancel(context.Background())
	p.at("/free/dbip-city-lite-2026-11.mmdb.gz", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte{0x1f, 0x8b})
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	dir := t.TempDir()
	u := updater(t, p, Config{Dir: dir})
	if _, err := u.Update(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	diff(t, "files", []string(nil), files(t, dir))
	if list, err := ReadStatus(dir); err != nil || len(list) != 1 || list[0].Failures != 0 {
		t.Errorf("status %+v, %v", list, err)
	}
}
