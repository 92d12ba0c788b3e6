package sqlite

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// growLog writes so many MiB through the log, a MiB a commit, into always the same row.
func growLog(t *testing.T, s *Store, mib int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := context.Background()
	if _, err := s.w.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS junk (id INTEGER PRIMARY KEY, data BLOB)"); err != nil {
		t.Fatal(err)
	}
	for range mib {
		if _, err := s.w.ExecContext(ctx, "INSERT OR REPLACE INTO junk VALUES (1, randomblob(1 << 20))"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignReaderIsNamed has another process hold the log: it is named, and once it
// has ended the log is short again.
func TestForeignReaderIsNamed(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	appendAll(t, s, mini("a", 0, 0, 2))
	pid, end := foreignReader(t, dir)
	growLog(t, s, 4)
	if st := s.LogStatus(); st.Readers != nil {
		t.Errorf("a log of %d bytes has readers %v", st.Bytes, st.Readers)
	}
	growLog(t, s, 66)
	st := s.LogStatus()
	want := []LogReader{{pid, filepath.Base(os.Args[0])[:min(15, len(filepath.Base(os.Args[0])))]}}
	if st.Bytes < hugeLog {
		t.Errorf("the log has %d bytes: this test is to see one that is held", st.Bytes)
	}
	if diff := cmp.Diff(want, st.Readers); diff != "" {
		t.Errorf("readers: %s", diff)
	}
	s.logWatch.looked = time.Time{}
	appendAll(t, s, mini("a", 10, 0, 2))
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, want[0].String()) {
		t.Errorf("log says %q", text)
	}
	end()
	growLog(t, s, 8)
	if st := s.LogStatus(); st.Bytes > hugeLog || st.Readers != nil {
		t.Errorf("when nobody reads the log has %d bytes, readers %v", st.Bytes, st.Readers)
	}
}

// TestOurReadersHoldNothing: a caller of ours that is stuck in the middle of an answer
// keeps no log: it stays below 64 MiB and a tick.
func TestOurReadersHoldNothing(t *testing.T) {
	s := openNew(t, Options{})
	for i := range 600 {
		appendAll(t, s, mini("a", 10*i, 0, 2))
	}
	stuck, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		once := false
		done <- s.Points(context.Background(), store.Filter{}, func([]store.Point) error {
			if !once {
				once = true
				close(stuck)
				<-goOn
			}
			return nil
		})
	}()
	<-stuck
	most := int64(0)
	for range 20 {
		growLog(t, s, 4)
		most = max(most, s.LogStatus().Bytes)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if most > hugeLog+1<<20 {
		t.Errorf("the log grew to %d bytes beside a reader of ours that was stuck", most)
	}
	t.Logf("80 MiB written beside a reader that was stuck: the log has %.1f MiB at most", float64(most)/(1<<20))
}

func TestLockers(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  READ 4242 fd:01:777 124 124
2: POSIX  ADVISORY  READ 4242 fd:01:777 125 125
3: POSIX  ADVISORY  WRITE 99 fd:01:777 120 120
3: -> POSIX  ADVISORY  WRITE 98 fd:01:777 124 124
4: POSIX  ADVISORY  READ 17 fd:01:777 128 128
5: POSIX  ADVISORY  READ 18 fd:02:777 124 124
6: POSIX  ADVISORY  READ 19 00:2f:777 127 127
7: FLOCK  ADVISORY  WRITE 20 fd:01:777 0 EOF
8: POSIX  ADVISORY  READ 21 fd:01:778 124 124
9: POSIX  ADVISORY  READ 0 fd:01:777 123 123
`
	if diff := cmp.Diff([]int{0, 19, 4242}, lockers(strings.NewReader(locks), 0xfd01, 777)); diff != "" {
		t.Error(diff)
	}
}
