package export

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// fresh is a running refresher and what the tests ask about it.
type fresh struct {
	*Refresher
	dir  string
	stop func() error
}

// start runs a refresher whose clock stands at the end of the fake's points.
func start(t *testing.T, r *fakeReader, change func(*RefresherConfig)) *fresh {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	cfg := RefresherConfig{Reader: r, Dir: dir, Every: 20 * time.Millisecond, Share: 1,
		Now: func() time.Time { return noon.Add(30 * time.Minute) }}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &fresh{Refresher: NewRefresher(cfg), dir: dir}
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	f.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = f.stop() })
	return f
}

// eventually waits until ok, for as long as a busy machine may need.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func (f *fresh) csvSum(t *testing.T) (s store.Sum) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, "ip_heatmap.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return sumOfCSV(t, b)
}

func sumOfCSV(t *testing.T, b []byte) (s store.Sum) {
	t.Helper()
	for _, rec := range parseCSV(t, b) {
		s.Add(store.Sum{Packets: rec["packets"], Bytes: rec["bytes"], Opens: rec["opens"]})
	}
	return s
}

func TestRefresherWritesAtOnceOnChangeAndAtStop(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)}
	f := start(t, r, nil)
	eventually(t, "first files", func() bool { return f.Status().Rewrites == 1 })
	for _, name := range []string{"ip_heatmap.html", "ip_heatmap.csv"} {
		if info, err := os.Stat(filepath.Join(f.dir, name)); err != nil || info.Mode() != fileMode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	more := somePoints(120, 10)[100:]
	r.commit(more[0].Time, more...)
	eventually(t, "a rewrite after a commit", func() bool { return f.Status().Rewrites >= 2 })
	if got, want := f.csvSum(t), r.sum(store.Filter{}); got != want {
		t.Errorf("CSV adds up to %+v, points to %+v", got, want)
	}

	// The last tick comes as the sensor stops: no announcement, and yet it is there.
	r.mu.Lock()
	r.points = append(r.points, somePoints(130, 10)[120:]...)
	r.mu.Unlock()
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	if got, want := f.csvSum(t), r.sum(store.Filter{}); got != want {
		t.Errorf("at stop the CSV adds up to %+v, points to %+v", got, want)
	}
}

func TestRefresherLeavesUnchangedFilesAlone(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)}
	f := start(t, r, nil)
	eventually(t, "first files", func() bool { return f.Status().Rewrites == 1 })
	path := filepath.Join(f.dir, "ip_heatmap.csv")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 { // ticks without points
		r.commit(noon.Add(time.Duration(100+i) * tick))
		time.Sleep(30 * time.Millisecond)
	}
	eventually(t, "a tick without points is looked at", func() bool { return f.Status().Skipped > 0 })
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || f.Status().Rewrites != 1 {
		t.Errorf("rewritten without a change: %+v", f.Status())
	}
}

// TestRefresherLetsOldPointsGo: in an idle hour, what leaves the window must leave
// the file.
func TestRefresherLetsOldPointsGo(t *testing.T) {
	var mu sync.Mutex
	now := noon.Add(30 * time.Minute)
	r := &fakeReader{points: somePoints(100, 10)}
	f := start(t, r, func(c *RefresherConfig) {
		c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	eventually(t, "first files", func() bool { return f.Status().Rewrites == 1 })
	mu.Lock()
	now = noon.Add(time.Hour + 45*time.Second)
	mu.Unlock()
	r.commit(noon.Add(time.Hour))
	eventually(t, "a rewrite without the old points", func() bool { return f.Status().Rewrites == 2 })
	// The window begins with a tick.
	want := r.sum(store.Filter{Window: store.Window{From: noon.Add(40 * time.Second)}})
	if got := f.csvSum(t); got != want || want.Packets == 0 {
		t.Errorf("CSV adds up to %+v, points to %+v", got, want)
	}
}

// TestReadersNeverSeeHalfAFile reads while files are replaced as fast as they can.
func TestReadersNeverSeeHalfAFile(t *testing.T) {
	r := &fakeReader{points: somePoints(400, 20)}
	f := start(t, r, func(c *RefresherConfig) { c.Every = time.Millisecond; c.Formats = []Format{CSV, GeoJSON} })
	eventually(t, "first files", func() bool { return f.Status().Rewrites > 0 })
	perTick := r.sum(store.Filter{Window: store.Window{From: noon, To: noon.Add(tick)}})
	if perTick.Packets == 0 {
		t.Fatal("no packets")
	}
	last := uint64(0)
	for i, end := 0, time.Now().Add(2*time.Minute); i < 40 || f.Status().Rewrites < 10 && time.Now().Before(end); i++ {
		p := somePoints(20, 20)
		for k := range p {
			p[k].Time = noon.Add(time.Duration(min(20+i, 320)) * tick) // all in the window
		}
		r.commit(p[0].Time, p...)
		got := f.csvSum(t)
		if got.Packets < last {
			t.Fatalf("the file went back from %d to %d packets", last, got.Packets)
		}
		last = got.Packets
		b, err := os.ReadFile(filepath.Join(f.dir, "ip_heatmap.geojson"))
		if err != nil || !bytes.HasSuffix(b, []byte("]}\n")) {
			t.Fatalf("half a file of %d bytes: %v", len(b), err)
		}
	}
	if n := f.Status().Rewrites; n < 10 {
		t.Errorf("only %d rewrites while reading", n)
	}
}

func TestRefresherGoesOnWhenItCannotWrite(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)}
	var dir string
	f := start(t, r, func(c *RefresherConfig) {
		dir = c.Dir
		if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder should be
			t.Fatal(err)
		}
	})
	eventually(t, "two failures", func() bool { return f.Status().Failures >= 2 })
	if msg := f.Status().LastError; !strings.Contains(msg, dir) || !strings.Contains(msg, "choose another") {
		t.Errorf("error is %q", msg)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "files after all", func() bool { return f.Status().Rewrites > 0 })
	if s := f.Status(); s.LastError != "" {
		t.Errorf("the error stays: %q", s.LastError)
	}
	if got, want := f.csvSum(t), r.sum(store.Filter{}); got != want {
		t.Errorf("CSV adds up to %+v, points to %+v", got, want)
	}
}

// TestRefresherKeepsToItsBudget goes through the levels, with exact sums at each.
func TestRefresherKeepsToItsBudget(t *testing.T) {
	r := &fakeReader{points: somePoints(4000, 20)} // 33 minutes, 20 keys, about 400 kB
	want := r.sum(store.Filter{})
	for _, tt := range []struct {
		budget int64
		step   float64
		rows   uint64
		say    string
	}{
		{32 << 20, 10, 4000, ""},
		{200_000, 60, 680, "a minute"},
		{24_000, 600, 80, "10 min"},
		{4000, 3600, 20, "over the window"},
	} {
		f := start(t, r, func(c *RefresherConfig) {
			c.Budget, c.Formats = tt.budget, []Format{CSV}
			c.Now = func() time.Time { return noon.Add(40 * time.Minute) }
		})
		eventually(t, "a file", func() bool { return f.Status().Rewrites > 0 })
		s := f.Status().Files[0]
		if s.Step != tt.step || s.Rows != tt.rows || !strings.Contains(s.Coarsened, tt.say) || s.Bytes > tt.budget {
			t.Errorf("budget %d: %+v", tt.budget, s)
		}
		if got := f.csvSum(t); got != want {
			t.Errorf("budget %d: CSV adds up to %+v, points to %+v", tt.budget, got, want)
		}
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestRefresherKeepsToItsBudgetByPlace(t *testing.T) {
	r := &fakeReader{points: somePoints(4000, 400)}
	f := start(t, r, func(c *RefresherConfig) { c.Budget, c.Formats = 12_000, []Format{CSV} })
	eventually(t, "a file", func() bool { return f.Status().Rewrites > 0 })
	if s := f.Status().Files[0]; !strings.Contains(s.Coarsened, "without addresses") {
		t.Errorf("%+v", s)
	}
	if got, want := f.csvSum(t), r.sum(store.Filter{}); got != want {
		t.Errorf("CSV adds up to %+v, points to %+v", got, want)
	}

	small := start(t, r, func(c *RefresherConfig) { c.Budget, c.Formats = 500, []Format{CSV} })
	eventually(t, "a failure", func() bool { return small.Status().Failures > 0 })
	if msg := small.Status().LastError; !strings.Contains(msg, "export.budget") {
		t.Errorf("error is %q", msg)
	}
	if err := small.stop(); err == nil {
		t.Error("no error at stop")
	}
	if left, _ := os.ReadDir(small.dir); len(left) != 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

// TestRefresherStretchesTheInterval gives it a tiny share of a core.
func TestRefresherStretchesTheInterval(t *testing.T) {
	r := &fakeReader{points: somePoints(5000, 100)}
	f := start(t, r, func(c *RefresherConfig) { c.Share = 1e-4 })
	eventually(t, "first files", func() bool { return f.Status().Rewrites == 1 })
	s := f.Status()
	if s.Interval < 1 || s.Seconds <= 0 || s.Interval < 0.9e4*s.Seconds {
		t.Errorf("interval %g s after %g s of work", s.Interval, s.Seconds)
	}
	r.commit(noon.Add(time.Hour), somePoints(1, 1)...)
	time.Sleep(60 * time.Millisecond)
	if n := f.Status().Rewrites; n != 1 {
		t.Errorf("%d rewrites", n)
	}
	if err := f.stop(); err != nil { // at stop it does not wait
		t.Error(err)
	}
	if n := f.Status().Rewrites; n != 2 {
		t.Errorf("%d rewrites after stop", n)
	}
}

func TestRefresherFollowsPacketTime(t *testing.T) {
	now := noon
	r := NewRefresher(RefresherConfig{Now: func() time.Time { return now }})
	for _, tt := range []struct{ ahead, want time.Duration }{
		{-time.Hour, 0}, {0, 0}, {20 * time.Second, 20 * time.Second}, {48 * time.Hour, 0},
	} {
		r.news.end = noon.Add(tt.ahead)
		if w := r.window(); !w.To.Equal(noon.Add(tt.want)) || w.To.Sub(w.From) != time.Hour {
			t.Errorf("packets %s ahead: window %s", tt.ahead, w)
		}
	}
}

func TestRemoveStale(t *testing.T) {
	r := &fakeReader{}
	f := start(t, r, func(c *RefresherConfig) {
		if err := errors.Join(os.MkdirAll(c.Dir, 0o700),
			os.WriteFile(filepath.Join(c.Dir, ".ip_heatmap.csv.123.tmp"), nil, 0o600),
			os.WriteFile(filepath.Join(c.Dir, "mine.tmp"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	})
	eventually(t, "first files", func() bool { return f.Status().Rewrites == 1 })
	left, _ := os.ReadDir(f.dir)
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "ip_heatmap.csv ip_heatmap.html mine.tmp" {
		t.Errorf("in the folder: %s", got)
	}
}

// TestStandingCSVIsWhole rewrites the CSV again and again, most of it copied from the
// file before, and compares it with one written at once: as points come, late ones
// too, as bins leave the window, after somebody wrote into the file, and at a level
// that has no bins.
func TestStandingCSVIsWhole(t *testing.T) {
	all := somePoints(2400, 20)
	r := &fakeReader{points: slices.Clone(all[:400])}
	var now time.Time
	f := NewRefresher(RefresherConfig{Reader: r, Dir: t.TempDir(), Window: 10 * time.Minute, Formats: []Format{CSV}, Share: 1000,
		Now: func() time.Time { return now }})
	path := filepath.Join(f.cfg.Dir, "ip_heatmap.csv")
	copied := 0
	for i := 400; i < len(all); i += 20 {
		switch i / 20 {
		case 40:
			late := all[i-60]
			late.Flags = store.Late
			r.points = slices.Insert(r.points, i-60, late)
		case 50:
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		case 60:
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond) // file systems keep time in ticks of some milliseconds
			if _, err := file.WriteAt([]byte("xxxx"), 3000); err != nil {
				t.Fatal(err)
			}
			file.Close()
		case 70, 80, 90:
			f.coarser()
			f.patient = 1000
		}
		r.points = append(r.points, all[i:i+20]...)
		now = r.window().To
		before := f.files[0].kept.number
		kept := f.files[0].kept.usable()
		if err := f.rewrite(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept && f.files[0].kept.number == before+1 {
			copied++
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Filter: store.Filter{Window: f.rows.window}, coarse: f.rows.level}
		if want := run(t, f.rows, CSV, o); string(got) != want {
			t.Fatalf("point %d, level %d: file of %d bytes, want %d", i, f.rows.level, len(got), len(want))
		}
		if i/20%10 != 0 {
			continue // parsing takes long
		}
		if got, want := sumOfCSV(t, got), r.sum(o.Filter); got != want {
			t.Fatalf("point %d: CSV adds up to %+v, points to %+v", i, got, want)
		}
	}
	if copied < 50 {
		t.Errorf("only %d files were copied from the one before", copied)
	}
}
