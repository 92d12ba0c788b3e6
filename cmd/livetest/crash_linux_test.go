package livetest

import (
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store/sqlite"
	"github.com/packetheat/packetheat/store/sqlite/powerloss"
)

// tortured picks the long version of a test.
func tortured[T any](short, long T) T {
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		return long
	}
	return short
}

// sending sends five thousand frames a second until stop is called, which says how
// many there were.
func sending(t *testing.T, sender *capturetest.Sender, frames [][]byte) (stop func() int) {
	end, sent := make(chan struct{}), make(chan int, 1)
	go func() {
		n, err := sender.Send(frames, 1<<40, 5000, end)
		if err != nil {
			t.Error(err)
		}
		sent <- n
	}()
	return func() int { close(end); return <-sent }
}

// whole has SQLite look for damage.
func whole(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, sqlite.FileName)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var found string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		t.Errorf("integrity_check of %s: %s %v", dir, found, err)
	}
}

// TestCrash kills the sensor at random moments of its work. All it had shown is there,
// the next run goes on with the same store, and nothing is counted twice. With
// PACKETHEAT_TORTURE=1 it is killed sixty times.
func TestCrash(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	traffic, sender := mix(t, 500), link.Peer.Sender(t)
	dir, kept := workdir(t), make(sums)
	kills := tortured(1, 60)
	rng := rand.New(rand.NewPCG(1, 2))
	for range kills {
		kept = crash(t, link, sender, traffic, dir, kept, time.Duration(rng.IntN(1200))*time.Millisecond)
	}
	s := start(t, link, options{dir: dir})
	s.ready()
	transmit(t, link, sender, traffic.frames, len(traffic.frames))
	s.stop()
	for k, v := range traffic.points {
		kept.add(k, v.Packets, v.Bytes, v.Opens)
	}
	same(t, "after the next run", kept, readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-"))))
	booksOf(t, dir+"/data", false)
	t.Logf("%d kills, none of %d packets lost that had been shown", kills, kept.total().Packets)
}

// crash runs the sensor on a store that holds before, kills it under load, some time
// after it has shown something, and returns what the store holds then.
func crash(t *testing.T, link *capturetest.Link, sender *capturetest.Sender, traffic *ledger, dir string, before sums, more time.Duration) sums {
	t.Helper()
	s := start(t, link, options{dir: dir})
	s.ready()
	stop := sending(t, sender, traffic.frames)
	told, old := uint64(0), before.total().Packets
	for deadline := time.Now().Add(patience); told < old+5000 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		told = readCSV(t, strings.NewReader(string(s.get("/api/v1/points.csv")))).total().Packets
	}
	time.Sleep(more)
	_ = s.cmd.Process.Kill()
	<-s.exited
	stop()
	kept := readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-")))
	if kept.total().Packets < told || told <= old {
		t.Errorf("%d packets had been shown (%d before this run), %d are there after kill -9", told, old, kept.total().Packets)
	}
	for k, v := range before {
		if kept[k].Packets < v.Packets {
			t.Errorf("%v: %d packets before this run, %d after it", k, v.Packets, kept[k].Packets)
		}
	}
	whole(t, dir+"/data")
	return kept
}

// TestPowerLoss logs what the program itself does to its store while it captures, is
// killed, starts again and stops, and lets the power fail at many moments of that:
// whatever the disk then holds, the store opens, is whole, and has all that had been
// shown. With PACKETHEAT_TORTURE=1 there are 150 images.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	shim := powerloss.Build(t)
	traffic, sender := mix(t, 300), link.Peer.Sender(t)
	dir := workdir(t)
	log := filepath.Join(dir, "log")
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	env, err := powerloss.Environ(shim, filepath.Join(dir, "data"), log)
	if err != nil {
		t.Fatal(err)
	}
	shown := uint64(0)
	for _, killed := range []bool{true, false} {
		s := start(t, link, options{dir: dir, env: env})
		s.ready()
		stop := sending(t, sender, traffic.frames)
		until := shown + tortured[uint64](5_000, 300_000)
		for deadline := time.Now().Add(5 * patience); shown < until && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			if now := readCSV(t, strings.NewReader(string(s.get("/api/v1/points.csv")))).total().Packets; now != shown {
				shown = now
				mark(t, log, shown)
			}
		}
		if killed {
			_ = s.cmd.Process.Kill()
			<-s.exited
		} else {
			s.stop()
		}
		stop()
		shown = readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-"))).total().Packets
	}
	mark(t, log, shown)
	l, err := powerloss.Read(log)
	if err != nil {
		t.Fatal(err)
	}
	cuts := l.Cuts(tortured(6, 150), 1)
	for _, c := range cuts {
		checkImage(t, l, c)
	}
	bytes, syncs := l.Count()
	t.Logf("%d images of %d steps (%d bytes written, %d syncs), none has lost a packet that had been shown", len(cuts), l.Len(), bytes, syncs)
}

func mark(t *testing.T, log string, shown uint64) {
	t.Helper()
	if err := powerloss.Mark(log, strconv.FormatUint(shown, 10)); err != nil {
		t.Fatal(err)
	}
}

// checkImage opens the store of an image as the next run of the program does, and
// holds it against what had been shown by then.
func checkImage(t *testing.T, l *powerloss.Log, c powerloss.Cut) {
	t.Helper()
	dir := t.TempDir()
	if err := l.Image(dir, c); err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Errorf("%+v: %v", c, err)
		return
	}
	if s.Recovered() != "" {
		t.Errorf("%+v: the file was set aside", c)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	whole(t, dir)
	b := booksOf(t, dir, false)
	var shown uint64
	if marks := l.Marks(c.At); len(marks) > 0 {
		shown, _ = strconv.ParseUint(marks[len(marks)-1], 10, 64)
	}
	if got := b.OnePublic.Packets + 2*b.TwoPublic.Packets; got < shown {
		t.Errorf("%+v: %d packets of points had been shown, %d are there", c, shown, got)
	}
}
