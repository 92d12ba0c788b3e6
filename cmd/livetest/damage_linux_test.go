package livetest

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store/sqlite"
)

// TestStoreDamagedWhileStopped flips one bit of the stored points while no sensor runs, as a
// disk does that grows old: the sensor starts, goes on with the same store, says that a
// block is damaged, and nothing is lost but the points of that one block.
func TestStoreDamagedWhileStopped(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	dir, sender := workdir(t), link.Peer.Sender(t)
	burst := func(s *sensor, n int) {
		frames := slotFrames(t, n)
		transmit(t, link, sender, frames, len(frames))
		s.storedAt(v4(n*slotHosts + slotHosts - 1).String())
	}
	s := start(t, link, options{dir: dir})
	s.ready()
	for n := range 4 {
		burst(s, n)
	}
	s.stop()
	before := csvRows(t, dir)
	at, points := flipBit(t, filepath.Join(dir, "data", sqlite.FileName))

	s = start(t, link, options{dir: dir})
	s.ready()
	burst(s, 4)
	var answer struct {
		Coverage struct {
			Damaged int `json:"damaged"`
		}
	}
	if err := json.Unmarshal(s.get("/api/v1/series"), &answer); err != nil || answer.Coverage.Damaged != 1 {
		t.Errorf("the dashboard tells of %d damaged blocks, %v", answer.Coverage.Damaged, err)
	}
	s.stop()

	lost, news := 0, 0
	after := csvRows(t, dir)
	for _, row := range before {
		switch there := slices.Contains(after, row); {
		case there == strings.HasPrefix(row, at+","):
			t.Errorf("the block of %s was damaged, and of its rows or others one is there or not: %v %s", at, there, row)
		case !there:
			lost++
		}
	}
	for _, row := range after {
		if !slices.Contains(before, row) {
			news++
		}
	}
	if lost != points || news < slotHosts {
		t.Errorf("%d rows are lost, %d were damaged; %d are new", lost, points, news)
	}
	if _, errs, code := tell(t, dir, "top", "ip"); code != 0 || !strings.Contains(errs, "1 damaged block left out") {
		t.Errorf("top: status %d, says %s", code, errs)
	}
	if out, errs, code := tell(t, dir, "db", "check"); code != 1 || !strings.Contains(out+errs, "damaged") {
		t.Errorf("db check: status %d, says %s%s", code, out, errs)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "data", "*corrupt*")); len(aside) > 0 {
		t.Errorf("the whole file was set aside for one block: %q", aside)
	}
}

// storedAt waits until something of an address is stored.
func (s *sensor) storedAt(address string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !bytes.Contains(s.get("/api/v1/points.csv"), []byte(","+address+",")); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("nothing of %s is stored after %s", address, patience)
		}
	}
}

// csvRows are the lines of all points, without the head.
func csvRows(t *testing.T, dir string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(ask(t, dir, "export", "csv", "-o", "-")), "\n")
	return lines[1:]
}

// flipBit damages the points of one batch, of those neither the first nor the last, in the
// store's file. It returns the batch's time, as CSV has it, and the number of its points.
func flipBit(t *testing.T, path string) (at string, points int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	var tick int64
	var block []byte
	err = errors.Join(db.QueryRow(`SELECT b.tick, b.points, k.ends FROM batches b JOIN blocks k ON k.id = b.id
		WHERE b.points > 0 ORDER BY b.tick LIMIT 1 OFFSET 1`).Scan(&tick, &points, &block), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	where := bytes.Index(file, block)
	if where < 0 || bytes.Count(file, block) != 1 {
		t.Fatalf("a block of %d bytes is in the file %d times", len(block), bytes.Count(file, block))
	}
	file[where+len(block)/2] ^= 0x10
	if err := os.WriteFile(path, file, 0o640); err != nil {
		t.Fatal(err)
	}
	return time.Unix(tick, 0).UTC().Format(time.RFC3339), points
}
