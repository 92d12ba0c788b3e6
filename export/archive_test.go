package export

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// namesIn lists a folder.
func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// hourBefore is the window of the whole hour that was over last.
func hourBefore(now time.Time) store.Window {
	end := now.Truncate(time.Hour)
	return store.Window{From: end.Add(-time.Hour), To: end}
}

// TestArchiveMakesEachWindowOnce moves a clock over some days: each gets its file, when it
// is over, none is written twice, and the oldest go.
func TestArchiveMakesEachWindowOnce(t *testing.T) {
	day := func(now time.Time) store.Window {
		end := now.Truncate(24 * time.Hour)
		return store.Window{From: end.AddDate(0, 0, -1), To: end}
	}
	r := &fakeReader{}
	for d := range 4 {
		for _, p := range somePoints(50, 10) {
			p.Time = p.Time.AddDate(0, 0, d-3)
			r.points = append(r.points, p)
		}
	}
	dir := t.TempDir()
	now := noon.AddDate(0, 0, -3)
	a := NewArchive(ArchiveConfig{RefresherConfig: RefresherConfig{Reader: r, Dir: dir, Name: "day", Formats: []Format{CSV, HTML}, Share: 1000,
		Resolve: day, Now: func() time.Time { return now }}, Dated: true, Keep: 2})
	for _, other := range []string{"day-2026-11-01.txt", "day-2026.csv", "other-2026-11-01.csv"} {
		if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for ; now.Before(noon.AddDate(0, 0, 2)); now = now.Add(6 * time.Hour) {
		if err := a.make(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"day-2026-11-01.txt", "day-2026-11-21.csv", "day-2026-11-21.html", "day-2026-11-22.csv", "day-2026-11-22.html",
		"day-2026.csv", "other-2026-11-01.csv"}
	if diff := gocmp.Diff(want, namesIn(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	csv, err := os.ReadFile(filepath.Join(dir, "day-2026-11-21.csv"))
	if err != nil {
		t.Fatal(err)
	}
	w := day(noon.AddDate(0, 0, 1))
	if got, want := sumOfCSV(t, csv), r.sum(store.Filter{Window: w}); got != want || want.Packets == 0 {
		t.Errorf("the day's CSV adds up to %+v, points to %+v", got, want)
	}
	if page.Built() {
		html, err := os.ReadFile(filepath.Join(dir, "day-2026-11-21.html"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := page.Read(html)
		if err != nil || s.Meta.Refresh != 0 || !s.Meta.From.Equal(w.From) || !s.Meta.To.Equal(w.To) {
			t.Errorf("the day's page: %+v, %v", s.Meta, err)
		}
	}
	// Files of the test are newer than their windows, so none was made twice.
	if s := a.Status(); s.Rewrites != 5 || s.Failures != 0 || s.LastError != "" || s.Used <= 0 || len(s.Files) != 2 {
		t.Errorf("status: %+v", s)
	}
}

// TestArchiveWaits makes no file of a window that is not over, or in which there was no
// sensor yet; and makes one again that was written before its window was over.
func TestArchiveWaits(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)} // from noon
	dir := t.TempDir()
	now := noon.Add(time.Hour + 30*time.Second)
	a := NewArchive(ArchiveConfig{RefresherConfig: RefresherConfig{Reader: r, Dir: dir, Name: "hour", Formats: []Format{CSV}, Share: 1000,
		Resolve: hourBefore, Now: func() time.Time { return now }}})
	try := func(at time.Time, want string) {
		t.Helper()
		now = at
		if err := a.make(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(namesIn(t, dir), " "); got != want {
			t.Errorf("at %s there is %q, want %q", at, got, want)
		}
	}
	try(noon.Add(30*time.Minute), "")           // of 11 to 12
	try(noon.Add(time.Hour+30*time.Second), "") // late packets may come
	try(noon.Add(time.Hour+2*time.Minute), "hour.csv")
	path := filepath.Join(dir, "hour.csv")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, noon, noon); err != nil { // by an older run, say
		t.Fatal(err)
	}
	try(noon.Add(time.Hour+3*time.Minute), "hour.csv")
	if csv, err := os.ReadFile(path); err != nil || len(csv) == 0 {
		t.Errorf("it was not made again: %d bytes, %v", len(csv), err)
	}
}

// TestArchiveSaysWhatIsWrong once, and in its status, and goes on.
func TestArchiveSaysWhatIsWrong(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)}
	dir := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logged{}
	a := NewArchive(ArchiveConfig{RefresherConfig: RefresherConfig{Reader: r, Dir: dir, Name: "hour", Formats: []Format{CSV}, Share: 1000,
		Resolve: hourBefore, Now: func() time.Time { return noon.Add(2 * time.Hour) }, Logger: log.logger()}})
	a.cfg.Resolve = func(time.Time) store.Window { return store.Window{From: noon, To: noon.Add(time.Hour)} }
	for range 3 {
		err := a.make(t.Context())
		if err == nil {
			t.Fatal("written into a file that is no folder")
		}
		a.failed(err)
	}
	if s := a.Status(); s.Failures != 3 || !strings.Contains(s.LastError, "choose another") || log.lines() != 1 {
		t.Errorf("%d lines in the log; status %+v", log.lines(), s)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	eventually(t, "a file", func() bool { return a.Status().Rewrites == 1 })
	cancel()
	if err := <-done; err != nil || a.Status().LastError != "" {
		t.Errorf("%v; status %+v", err, a.Status())
	}
}

// TestRefresherResolves follows a window that begins at a time of its own, and one that
// is over in the end.
func TestRefresherResolves(t *testing.T) {
	r := &fakeReader{points: somePoints(600, 10)} // ten minutes from noon
	now := noon.Add(5 * time.Minute)
	f := NewRefresher(RefresherConfig{Reader: r, Dir: t.TempDir(), Name: "job", Formats: []Format{CSV, HTML}, Share: 1000, Aside: true,
		Now: func() time.Time { return now },
		Resolve: func(time.Time) store.Window {
			return store.Window{From: noon.Add(time.Minute), To: noon.Add(8 * time.Minute)}
		}})
	for _, at := range []time.Duration{5 * time.Minute, time.Hour} {
		now = noon.Add(at)
		if err := f.rewrite(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w := f.rows.window; !w.From.Equal(noon.Add(time.Minute)) || !w.To.Equal(noon.Add(8*time.Minute)) {
			t.Errorf("window %s", w)
		}
		if o := f.options(f.files[1]); (o.Refresh == 0) != (at == time.Hour) {
			t.Errorf("%s after noon the page reloads itself after %s", at, o.Refresh)
		}
	}
	commits := make(chan store.Commit, 2)
	commits <- store.Commit{Tick: noon.Add(9 * time.Minute), Interval: tick, Points: 1}
	close(commits)
	if f.listen(commits); f.due() {
		t.Error("due because of a tick after its window")
	}
}

// logged counts the lines of a log.
type logged struct{ bytes.Buffer }

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logged) lines() int { return bytes.Count(l.Bytes(), []byte("\n")) }
