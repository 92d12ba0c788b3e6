package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestBackupWhileWriting backs a store up several times while another goroutine
// appends: each backup has exactly the batches up to one moment, and is a store that
// can be written to.
func TestBackupWhileWriting(t *testing.T) {
	s := openNew(t, Options{})
	appendAll(t, s, mini("a", 0, 0, 5))
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 1; ctx.Err() == nil; i++ {
			if err := s.Append(context.Background(), mini("a", 10*i, 0, 5)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer writing.Wait()
	defer cancel()
	for range 5 {
		dir := t.TempDir()
		told := int64(-1)
		if err := s.Backup(t.Context(), filepath.Join(dir, FileName), false, func(done, total int64) { told = total - done }); err != nil {
			t.Fatal(err)
		}
		if told != 0 {
			t.Errorf("progress ends %d bytes early", told)
		}
		copied, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		st, err := copied.Stats(t.Context())
		if err != nil || st.Batches == 0 {
			t.Fatalf("%+v, %v", st, err)
		}
		var want history
		for i := range int(st.Batches) {
			want = append(want, mini("a", 10*i, 0, 5).Points...)
		}
		same(t, "points", inOrder(want), inOrder(pointsOf(t, copied, store.Filter{})))
		if got, err := pragma(t.Context(), copied.w, "auto_vacuum"); err != nil || got != 2 {
			t.Errorf("auto_vacuum is %d, %v", got, err)
		}
		appendAll(t, copied, mini("b", 0, 0, 1))
		copied.Close()
	}
}

// TestBackupOfReader backs up by way of a store opened for reading, and of a copy
// beside which nothing can be written.
func TestBackupOfReader(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := mini("a", 0, 0, 5)
	appendAll(t, s, b)
	s.Close()
	r, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	to := t.TempDir()
	if err := r.Backup(t.Context(), filepath.Join(to, FileName), false, nil); err != nil {
		t.Fatal(err)
	}
	again, err := OpenReadOnly(to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same(t, "points", inOrder(b.Points), inOrder(pointsOf(t, again, store.Filter{})))
	info, err := os.Stat(filepath.Join(to, FileName))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestBackupRefuses(t *testing.T) {
	s := openNew(t, Options{})
	appendAll(t, s, mini("a", 0, 0, 5))
	dir := t.TempDir()
	file := filepath.Join(dir, "there")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), file, false, nil); !errors.Is(err, ErrExists) {
		t.Errorf("over a file: %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "precious" {
		t.Errorf("the file is now %q", b)
	}
	if err := s.Backup(t.Context(), dir, true, nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("over a folder: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "none", "x"), false, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, filepath.Join(dir, "x"), false, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := s.Backup(t.Context(), file, true, nil); err != nil {
		t.Errorf("by force: %v", err)
	}
}
