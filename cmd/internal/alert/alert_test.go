package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

var begun = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// shelf is a store in memory.
type shelf struct {
	mu      sync.Mutex
	points  []store.Point
	commits chan store.Commit
	broken  bool
}

func (s *shelf) Points(_ context.Context, f store.Filter, yield func([]store.Point) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errors.New("the disk has gone")
	}
	for i := range s.points {
		if f.Match(&s.points[i]) {
			if err := yield(s.points[i : i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shelf) Coverage(context.Context, store.Window) (c store.Coverage, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.points) > 0 {
		c.First, c.Last = s.points[0].Time, s.points[len(s.points)-1].Time.Add(10*time.Second)
	}
	if s.broken {
		err = errors.New("the disk has gone")
	}
	return c, err
}

func (s *shelf) Watch(context.Context) <-chan store.Commit { return s.commits }

// desk is a watcher with a clock of its own.
type desk struct {
	*Watcher
	t     *testing.T
	shelf *shelf
	now   time.Time
	rules Rules
	dir   string
	hook  *Webhook
}

func newDesk(t *testing.T, rules Rules) *desk {
	d := &desk{t: t, shelf: &shelf{}, now: begun, rules: rules, dir: t.TempDir()}
	d.open()
	return d
}

// open begins anew with what the folder has.
func (d *desk) open() {
	d.t.Helper()
	var err error
	d.Watcher, err = New(Config{Reader: d.shelf, Dir: d.dir, Sensor: "gw1", Rules: func() (Rules, error) { return d.rules, nil },
		Learning: 24 * time.Hour, Keep: 30 * 24 * time.Hour, Webhook: d.hook, Now: func() time.Time { return d.now }})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.learn(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

// see stores points in the next tick and has them looked at.
func (d *desk) see(points ...store.Point) {
	d.t.Helper()
	d.now = d.now.Add(10 * time.Second)
	for i := range points {
		points[i].Time = d.now
	}
	d.shelf.points = append(d.shelf.points, points...)
	if err := d.look(context.Background(), d.now.Add(10*time.Second)); err != nil {
		d.t.Fatal(err)
	}
	d.save(true)
}

// said returns the kinds and texts of all alerts, the oldest first.
func (d *desk) said() (list []string) {
	for _, a := range d.List().Alerts {
		list = append(list, a.Kind+": "+a.Text)
	}
	slices.Reverse(list)
	return list
}

func (d *desk) want(name string, want ...string) {
	d.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, d.said()...)); diff != "" {
		d.t.Errorf("%s: %s", name, diff)
	}
}

var all = []string{"as", "country", "place"}

func point(addr string, asn uint32, country string, latitude float64) store.Point {
	return store.Point{Addr: netip.MustParsePrefix(addr + "/32"), Peer: netip.MustParsePrefix("10.0.0.5/32"), Direction: store.Out, Proto: 6, Port: 443, HasPort: true,
		ASN: asn, ASOrg: "Example", Place: store.Place{Latitude: latitude, Longitude: 10, Country: country, City: fmt.Sprintf("City %g", latitude), Precision: store.City},
		Packets: 3, Bytes: 300, Sensor: "gw1"}
}

// TestFirsts shows that firsts are learned silently, then said once, the biggest news
// first, and never again, not even after a restart.
func TestFirsts(t *testing.T) {
	d := newDesk(t, Rules{New: all})
	d.see(point("9.9.9.9", 1, "DE", 1))
	d.want("learning")
	d.now = d.now.Add(25 * time.Hour)
	d.see(point("9.9.9.9", 1, "DE", 1), point("9.9.9.8", 1, "DE", 2))
	d.see(point("9.9.9.8", 1, "DE", 2), point("8.8.8.8", 2, "US", 3), point("8.8.4.4", 2, "US", 3))
	d.see(point("1.1.1.1", 3, "US", 3))
	want := []string{
		"new_place: first traffic with City 2: 10.0.0.5 to 9.9.9.8, tcp/443",
		"new_as: first traffic with AS2 Example, US and City 3: 10.0.0.5 to 8.8.8.8, tcp/443",
		"new_as: first traffic with AS3 Example: 10.0.0.5 to 1.1.1.1, tcp/443",
	}
	d.want("later", want...)
	if a := d.List().Alerts[1]; !slices.Equal(a.Firsts, all) || a.ASN != 2 || a.Country != "US" || *a.Port != 443 || a.Packets != 3 || a.ID != 2 {
		t.Errorf("%+v", a)
	}
	d.open()
	d.see(point("1.1.1.1", 3, "US", 3), point("8.8.8.8", 2, "US", 3))
	d.want("after a restart", want...)
	if l, err := Read(d.dir); err != nil || len(l.Alerts) != 3 {
		t.Errorf("read %d alerts, %v", len(l.Alerts), err)
	}
	d.now = d.now.Add(31 * 24 * time.Hour)
	d.see(point("7.7.7.7", 4, "US", 3))
	if l := d.List().Alerts; len(l) != 1 || l[0].ASN != 4 {
		t.Errorf("old alerts are kept: %+v", l)
	}
}

// TestFilters shows what is not looked at, and what is never news.
func TestFilters(t *testing.T) {
	terms := func(s string) store.Filter {
		f, err := store.ParseFilter(s)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	d := newDesk(t, Rules{New: []string{"country"}, Filter: terms("dir:out").Terms, Allow: []store.Filter{terms("country:FR port:443"), terms("asn:7")}})
	d.now = d.now.Add(48 * time.Hour)
	scan := point("203.0.113.1", 9, "RU", 9)
	scan.Direction = store.In
	web, ssh := point("9.9.9.9", 5, "FR", 1), point("9.9.9.9", 5, "FR", 1)
	ssh.Port = 22
	d.see(scan, web, point("9.9.9.7", 7, "JP", 1))
	d.want("allowed")
	d.see(ssh)
	d.want("a part of it", "new_country: first traffic with FR: 10.0.0.5 to 9.9.9.9, tcp/22")
}

// TestLearnsWhatIsStored shows that a store of long ago has taught enough, and that a
// reader that fails does not make all news.
func TestLearnsWhatIsStored(t *testing.T) {
	old := point("9.9.9.9", 1, "DE", 1)
	old.Time = begun.Add(-48 * time.Hour)
	d := &desk{t: t, shelf: &shelf{points: []store.Point{old}}, now: begun, rules: Rules{New: all}, dir: t.TempDir()}
	d.open()
	d.see(point("9.9.9.8", 1, "DE", 1), point("8.8.8.8", 2, "DE", 1))
	d.want("at once", "new_as: first traffic with AS2 Example: 10.0.0.5 to 8.8.8.8, tcp/443")

	broken := &shelf{broken: true, commits: make(chan store.Commit)}
	w, err := New(Config{Reader: broken, Dir: t.TempDir(), Rules: func() (Rules, error) { return Rules{New: all}, nil }, Learning: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	close(broken.commits)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	for w.List().Learning.IsZero() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestLabels tells of each address on a list once.
func TestLabels(t *testing.T) {
	bad := netip.MustParsePrefix("203.0.113.0/24")
	d := newDesk(t, Rules{Labels: map[string]Match{"botnet": {Match: func(addr, _ netip.Prefix, _ uint32) bool { return bad.Contains(addr.Addr()) }}}})
	d.see(point("203.0.113.9", 1, "DE", 1), point("9.9.9.9", 1, "DE", 1))
	d.see(point("203.0.113.9", 1, "DE", 1), point("203.0.113.8", 1, "DE", 1))
	want := []string{`label: 203.0.113.9 is on the list "botnet": 10.0.0.5 to 203.0.113.9, tcp/443`,
		`label: 203.0.113.8 is on the list "botnet": 10.0.0.5 to 203.0.113.8, tcp/443`}
	d.want("lists", want...)
	d.open()
	d.see(point("203.0.113.9", 1, "DE", 1))
	d.want("after a restart", want...)
	n, err := Forget(d.dir, []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}, true)
	if err != nil || n != 1 {
		t.Errorf("would forget %d, %v", n, err)
	}
	if n, err = Forget(d.dir, []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32")}, false); err != nil || n != 1 {
		t.Errorf("forgot %d, %v", n, err)
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, FileName)); err != nil || strings.Contains(string(text), "203.0.113.9") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestFlood shows that a flood of news is not a flood of alerts.
func TestFlood(t *testing.T) {
	d := newDesk(t, Rules{New: all})
	d.now = d.now.Add(48 * time.Hour)
	for i := range uint32(300) { // of the 360 ticks of an hour
		d.see(point("9.9.9.9", 100+i, "DE", 1))
	}
	if said := d.said(); len(said) != mostAnHour+1 || !strings.HasPrefix(said[mostAnHour], "more: more than 30 alerts of the kind new_as") {
		t.Errorf("%d alerts: %v", len(said), said)
	}
}

// TestTrouble shows that trouble is said once while it lasts, that a pause is no end, and
// that it is said again when it comes back.
func TestTrouble(t *testing.T) {
	d := newDesk(t, Rules{})
	drops := []Trouble{{Drops, "5 frames dropped"}}
	step := func(now []Trouble, after time.Duration) {
		d.now = d.now.Add(after)
		d.troubles(now)
		d.save(true)
	}
	step(drops, 10*time.Second)
	step([]Trouble{{Drops, "9 frames dropped"}, {Clock, "the clock leaps"}}, 10*time.Second)
	step(nil, 5*time.Minute)
	step(drops, 10*time.Second)
	step(nil, 9*time.Minute)
	d.want("lasting", "drops: 5 frames dropped", "clock: the clock leaps")
	if l := d.List().Alerts; !l[1].Ended.IsZero() || l[0].Ended.IsZero() {
		t.Errorf("%+v", l)
	}
	d.open()
	step(nil, 9*time.Minute)
	step(nil, 2*time.Minute)
	step(nil, 9*time.Minute)
	if l := d.List().Alerts; l[1].Ended.IsZero() {
		t.Errorf("not over: %+v", l[1])
	}
	step(drops, time.Minute)
	d.want("again", "drops: 5 frames dropped", "clock: the clock leaps", "drops: 5 frames dropped")
}

// TestWebhook posts alerts to a server that fails at first: each arrives, in order, signed,
// also what was waiting when the program was stopped.
func TestWebhook(t *testing.T) {
	var mu sync.Mutex
	var got []string
	fails := 2
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if want := "sha256=" + Sign("key", r.Header.Get("X-Packetheat-Timestamp"), body); r.Header.Get("X-Packetheat-Signature") != want {
			t.Errorf("signature %q, want %q", r.Header.Get("X-Packetheat-Signature"), want)
		}
		if fails > 0 {
			fails--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got = append(got, string(body))
	}))
	defer server.Close()
	d := newDesk(t, Rules{New: []string{"as"}})
	d.hook = &Webhook{URL: server.URL, Secret: "key", Wait: time.Millisecond}
	d.open()
	d.now = d.now.Add(48 * time.Hour)
	d.see(point("9.9.9.9", 1, "DE", 1), point("9.9.9.9", 2, "DE", 1))
	if l, err := Read(d.dir); err != nil || l.Pending != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	d.open() // the program was stopped before anything was posted
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Watcher.hook.run(ctx)
	}()
	for deadline := time.Now().Add(time.Minute); d.List().Pending > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not taken: %+v", d.List())
		}
	}
	cancel()
	<-done
	if len(got) != 2 || !strings.Contains(got[0], `"id":1,`) || !strings.Contains(got[1], `"asn":2,`) || d.List().Failure != "" {
		t.Errorf("%q, %q", got, d.List().Failure)
	}
}

// TestWebhookGivesUp keeps a bounded number of alerts for a webhook that is away, and not
// for ever.
func TestWebhookGivesUp(t *testing.T) {
	d := newDesk(t, Rules{})
	d.hook = &Webhook{URL: "http://127.0.0.1:1/", Wait: time.Millisecond}
	d.open()
	for i := range 3 * mostPending {
		d.mu.Lock()
		d.say(Alert{Time: d.now, Kind: Drops, Text: fmt.Sprint(i)})
		d.mu.Unlock()
	}
	if n := d.List().Pending; n != mostPending {
		t.Errorf("%d wait", n)
	}
	a, _ := d.Watcher.hook.next()
	if d.Watcher.hook.done(a, errors.New("away")) || d.List().Failure != "away" {
		t.Error("is given up at once")
	}
	d.now = d.now.Add(giveUp)
	if !d.Watcher.hook.done(a, errors.New("away")) || d.List().Pending != mostPending-1 {
		t.Error("is never given up")
	}
	if c := d.Counts(); c.Said[Drops] != 3*mostPending || c.Said[NewAS] != 0 || len(c.Said) != len(Kinds()) || c.Pending != mostPending-1 || c.Failures != 2 || c.Lasting == 0 {
		t.Errorf("counts are %+v", c)
	}
}

// TestBrokenState refuses to begin where what is known cannot be read.
func TestBrokenState(t *testing.T) {
	for name, text := range map[string]string{"broken": "{", "newer": `{"version": 99}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "read alerts") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
