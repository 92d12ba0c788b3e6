package sqlite

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// BallastName is a file of 16 MiB in the store's folder that holds nothing. Where the
// disk is full, deleting needs room before it gives any: SQLite writes what changes to
// its log first. This file is removed then, and made again when there is room.
const BallastName = "ballast"

const (
	ballastSize  = 16 << 20
	ballastRoom  = 4 * ballastSize // that must be free where it is made
	ballastEvery = 10 * time.Second
)

// ballast is that file. The zero value has no folder and does nothing.
type ballast struct {
	mu     sync.Mutex
	path   string
	none   bool // it is not made, only given up: the store is open for a moment
	inUse  int  // how many need the room that it took
	looked time.Time
}

// keep makes the file where it is missing and there is room. It looks every ten
// seconds at most. What it cannot do now it does later: its errors are nobody's.
func (b *ballast) keep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path == "" || b.none || b.inUse > 0 || time.Since(b.looked) < ballastEvery {
		return
	}
	b.looked = time.Now()
	if info, err := os.Stat(b.path); err == nil && info.Size() == ballastSize {
		return
	}
	if free, err := freeSpace(filepath.Dir(b.path)); err != nil || free < ballastRoom {
		return
	}
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return
	}
	if err := errors.Join(allocate(f, ballastSize), f.Close()); err != nil {
		_ = os.Remove(b.path)
	}
}

// drop gives the room of the file back until hold is called. It reports whether there
// was any.
func (b *ballast) drop() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inUse++
	return b.path != "" && os.Remove(b.path) == nil
}

func (b *ballast) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inUse--
	b.looked = time.Time{}
}

// relieve runs f, which deletes. Where the disk is too full for that, f is run again
// without the ballast, whose room nobody else of ours takes: Append fails meanwhile as
// it did before.
func (s *Store) relieve(f func() error) error {
	err := f()
	if !diskFull(err) {
		return err
	}
	dropped := s.ballast.drop()
	defer s.ballast.keep()
	defer s.ballast.hold()
	if !dropped {
		return err
	}
	s.log.Warn("the disk is full: the store deletes in the room of its ballast", "store", s.path, "bytes", ballastSize)
	return f()
}

// fill writes f full of what no file system can make smaller.
func fill(f *os.File, size int64) error {
	_, err := io.CopyN(f, rand.NewChaCha8([32]byte{}), size)
	return err
}
