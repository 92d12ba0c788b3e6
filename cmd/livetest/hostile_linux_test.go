package livetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestHostileClients runs a sensor that wants a token, with names in its database and
// lists that somebody means harm by, and does to its dashboard what attackers do. Each
// request ends in a clear status, nothing is told to who has no token, nothing is left
// over, and not one packet is missed.
func TestHostileClients(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	var before usage
	for _, attack := range []struct {
		name string
		do   func()
	}{
		{"traffic before", h.traffic}, {"malformed", h.malformed}, {"paths", h.paths}, {"sites", h.sites}, {"names", h.names},
		{"usage", func() { before = h.usage() }}, {"slow", h.slow}, {"streams", h.streams}, {"fuzz", h.fuzz}, {"guesses", h.guesses},
		{"leaks", func() { h.settles(before) }}, {"traffic after", h.traffic},
	} {
		began := time.Now()
		attack.do()
		t.Logf("%s: %s", attack.name, time.Since(began).Round(time.Millisecond))
	}
	h.s.stop()
	balanced(t, filepath.Join(h.dir, "data"))
	out := ask(t, h.dir, "export", "csv", "-o", "-", "--data", "data")
	if got, want := readCSV(t, strings.NewReader(out)).total().Packets, h.sent; got != want {
		t.Errorf("%d packets are stored, %d were sent", got, want)
	}
}

const hostileToken = "a-token-that-nobody-guesses"

// hostile is a sensor under attack.
type hostile struct {
	t      *testing.T
	s      *sensor
	dir    string
	cookie string // of one who is let in
	sender *capturetest.Sender
	flows  ledger
	sent   uint64
}

// Names as somebody would choose them who can get them into a database or a list.
const (
	scriptName  = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>`
	formulaName = `=HYPERLINK("http://evil.example";"x")`
	orgName     = `</title><svg onload=alert(3)>`
)

func newHostile(t *testing.T) *hostile {
	t.Helper()
	link := capturetest.Veth(t)
	h := &hostile{t: t, dir: workdir(t), sender: link.Peer.Sender(t)}
	places := map[string]string{"77.1.2.0/24": scriptName, "78.1.2.0/24": formulaName}
	writeNames(t, filepath.Join(h.dir, "city.mmdb"), "GeoLite2-City", places, func(name string) mmdbtype.Map {
		return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}, "city": mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name)}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(48.8), "longitude": mmdbtype.Float64(2.3)}}
	})
	writeNames(t, filepath.Join(h.dir, "asn.mmdb"), "GeoLite2-ASN", map[string]string{"77.1.2.0/24": orgName, "78.1.2.0/24": formulaName}, func(name string) mmdbtype.Map {
		return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String(name)}
	})
	if err := os.WriteFile(filepath.Join(h.dir, "list.txt"), []byte("77.1.2.9\n78.1.2.8\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, h.dir, "log: {format: human}\ngeo:\n  city: city.mmdb\n  asn: asn.mmdb\n  labels: [{file: list.txt, label: \"<b>me</b>\"}]\n")
	for i := range 20 {
		h.flows.udp(t, end{home(v4(i), i), 40000}, end{netip.AddrFrom4([4]byte{77, 1, 2, byte(i)}), 53}, 20)
		h.flows.udp(t, end{home(v4(i), i), 40000}, end{netip.AddrFrom4([4]byte{78, 1, 2, byte(i)}), 443}, 20)
	}
	h.s = start(t, link, options{dir: h.dir, env: []string{"PACKETHEAT_DASHBOARD_TOKEN=" + hostileToken}})
	h.s.ready()
	client := h.s.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := client.PostForm("http://127.0.0.1:8080/login", url.Values{"token": {hostileToken}})
	if err != nil || len(r.Cookies()) != 1 {
		t.Fatalf("signing in: %v %v", r, err)
	}
	r.Body.Close()
	h.cookie = r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
	return h
}

func writeNames(t *testing.T, file, kind string, names map[string]string, record func(string) mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	for network, name := range names {
		_, n, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(n, record(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(file)
	if err == nil {
		_, err = tree.WriteTo(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// flow sends all frames some times.
func (h *hostile) flow(times int) {
	h.t.Helper()
	transmit(h.t, h.s.link, h.sender, h.flows.frames, times*len(h.flows.frames))
	h.sent += uint64(times * len(h.flows.frames))
}

// traffic sends what must be counted to the packet, whatever happens.
func (h *hostile) traffic() {
	h.t.Helper()
	h.flow(1)
	began := time.Now()
	h.eventually("a tick is committed", func() bool {
		var s liveStatus
		return json.Unmarshal([]byte(h.fetch("/api/v1/status").body), &s) == nil && s.LastTick.After(began.Add(time.Second))
	})
}

func (h *hostile) eventually(what string, so func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("not so after %s: %s", patience, what)
		}
	}
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   string
}

// fetch asks by path as somebody who is let in; headers are name and value in turn.
func (h *hostile) fetch(path string, headers ...string) reply {
	h.t.Helper()
	return h.request("GET", path, append([]string{"Cookie", h.cookie}, headers...)...)
}

func (h *hostile) request(method, path string, headers ...string) reply {
	h.t.Helper()
	u, err := url.Parse("http://127.0.0.1:8080")
	if err != nil {
		h.t.Fatal(err)
	}
	u.Opaque = path // as it is
	r := &http.Request{Method: method, URL: u, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	answer, err := h.s.client().Do(r)
	if err != nil {
		h.t.Fatalf("%s %.100q: %v", method, path, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatalf("%s %.100q: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// dial opens a connection in the sensor's network.
func (h *hostile) dial() (conn net.Conn) {
	h.t.Helper()
	var err error
	h.s.link.Sensor.Do(h.t, func() { conn, err = net.DialTimeout("tcp", "127.0.0.1:8080", patience) })
	if err != nil {
		h.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience)) // only so that a mistake does not hang
	return conn
}

// raw sends bytes as they are, and returns all that comes back until the server closes.
func (h *hostile) raw(text string) string {
	h.t.Helper()
	conn := h.dial()
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }() // the server may not read all of it
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && len(answer) > 0 {
		err = nil // reset behind the answer: bytes were left unread
	}
	if err != nil {
		h.t.Errorf("%.80q: %v", text, err)
	}
	return string(answer)
}

// guesses tries tokens: five are looked at, then none, and who is in stays in.
func (h *hostile) guesses() {
	statuses := map[int]int{}
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range 100 {
		all.Go(func() {
			got, err := h.guess(fmt.Sprintf("a-token-that-nobody-guess%02d", i))
			mu.Lock()
			defer mu.Unlock()
			if statuses[got]++; err != nil {
				h.t.Error(err)
			}
		})
	}
	all.Wait()
	if statuses[401] < 1 || statuses[401] > 20 || statuses[401]+statuses[429] != 100 {
		h.t.Errorf("a hundred guesses: %v", statuses) // one more in ten seconds is right
	}
	if got := h.fetch("/api/v1/status"); got.status != 200 {
		h.t.Errorf("who is in: %d", got.status)
	}
}

func (h *hostile) guess(token string) (int, error) {
	r, err := http.NewRequest("GET", "http://127.0.0.1:8080/api/v1/status", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := h.s.client().Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// usage is what the sensor holds, besides the store's files: four questions at once have
// these opened four times, and they stay.
type usage struct{ goroutines, files int }

func (h *hostile) usage() (u usage) {
	h.t.Helper()
	for line := range strings.SplitSeq(h.fetch("/metrics").body, "\n") {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			u.goroutines, _ = strconv.Atoi(n)
		}
	}
	fds := fmt.Sprintf("/proc/%d/fd", h.s.cmd.Process.Pid)
	files, err := os.ReadDir(fds)
	for _, f := range files {
		if to, err := os.Readlink(filepath.Join(fds, f.Name())); err == nil && !strings.HasPrefix(to, filepath.Join(h.dir, "data")+"/") {
			u.files++
		}
	}
	if err != nil || u.goroutines == 0 || u.files == 0 {
		h.t.Fatalf("usage: %+v, %v", u, err)
	}
	return u
}

// settles waits until no more is held than before.
func (h *hostile) settles(before usage) {
	h.t.Helper()
	var now usage
	deadline := time.Now().Add(patience)
	for now = h.usage(); now.goroutines > before.goroutines+5 || now.files > before.files+5; now = h.usage() {
		if time.Now().After(deadline) {
			h.t.Fatalf("before the attacks %+v, %s after them %+v", before, patience, now)
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.t.Logf("goroutines and files before the attacks %+v, after them %+v", before, now)
	if text := h.s.said(); bytes.Contains([]byte(text), []byte("panic")) {
		h.t.Errorf("it has panicked:\n%s", text)
	}
}
