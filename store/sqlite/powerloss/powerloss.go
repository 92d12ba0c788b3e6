// Package powerloss shows what a disk may hold after the power failed. A shim, loaded
// into a program by LD_PRELOAD, logs what the program does to the files of one folder;
// this package makes images of that folder as they may be at any moment of the log:
//
//   - What was written to a file before its fsync began, and the fsync has ended, is
//     there. Any later write, or change of length, is kept, lost or torn at random:
//     of a torn write any of its sectors of 512 bytes may be there.
//   - What was created, renamed or removed is so for sure only after an fsync of the
//     folder.
//
// The shim sees what goes through the C library: all that SQLite does. It does not see
// what Go itself writes, which calls the kernel without it: lock, ballast and whatever
// else lies in the folder is in no image, and an fsync by Go counts as none. It does
// not see memory that is mapped either: SQLite's -shm file is never part of an image,
// and need not be, since it is made anew by whoever opens the store first.
//
// It exists for tests alone.
package powerloss

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

//go:embed shim/shim.c
var source []byte

// Build compiles the shim and returns its path. Without gcc, or elsewhere than on
// Linux, the test is skipped, unless PACKETHEAT_REQUIRE_CAPTURE=1.
func Build(t testing.TB) (shim string) {
	t.Helper()
	compiler, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		if os.Getenv("PACKETHEAT_REQUIRE_CAPTURE") == "1" {
			t.Fatalf("power loss cannot be shown: it needs Linux and gcc (%v)", err)
		}
		t.Skip("power loss is shown on Linux with gcc only")
	}
	dir := t.TempDir()
	c := filepath.Join(dir, "shim.c")
	if err := os.WriteFile(c, source, 0o600); err != nil {
		t.Fatal(err)
	}
	shim = filepath.Join(dir, "shim.so")
	if out, err := exec.Command(compiler, "-shared", "-fPIC", "-O1", "-pthread", "-o", shim, c).CombinedOutput(); err != nil {
		t.Fatalf("compile the shim: %v\n%s", err, out)
	}
	return shim
}

// Environ returns what a program's environment needs so that the shim logs what it
// does to dir, which exists and is empty, into log.
func Environ(shim, dir, log string) ([]string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("watch folder: %w", err)
	}
	return []string{"LD_PRELOAD=" + shim, "POWERLOSS_DIR=" + real, "POWERLOSS_LOG=" + log}, nil
}

// Mark appends a text to the log: what it tells had come true by then. Any process
// may call it.
func Mark(log, text string) error {
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	_, err = f.Write(record{op: opMark, data: []byte(text)}.encode())
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	return nil
}

// What a record tells.
const (
	opOpen   = 'o' // at: flags
	opFolder = 'd' // the folder itself is opened
	opWrite  = 'w' // at: offset
	opCut    = 't' // at: length
	opSync   = 's' // at: ticket
	opSynced = 'S' // at: ticket of the sync that has ended
	opRemove = 'u'
	opRename = 'r' // data: the new path
	opMark   = 'm' // data: the text
)

// record is one of the log: a head, a path, data. The head is little-endian: magic,
// size of path and data, file, at, size of the path, op.
type record struct {
	op   byte
	file uint64 // which open of a file this is about
	at   uint64
	path string
	data []byte
}

const (
	magic    = 0x73774c50
	headSize = 32
)

func (r record) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.path)+len(r.data)))
	b = binary.LittleEndian.AppendUint64(b, r.file)
	b = binary.LittleEndian.AppendUint64(b, r.at)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.path)))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.op))
	return append(append(b, r.path...), r.data...)
}

// decode splits the first record off.
func decode(b []byte) (r record, rest []byte, err error) {
	if len(b) < headSize || binary.LittleEndian.Uint32(b) != magic {
		return r, nil, errors.New("read log of the shim: no record where one should be")
	}
	size, name := int(binary.LittleEndian.Uint32(b[4:])), int(binary.LittleEndian.Uint32(b[24:]))
	r = record{op: byte(binary.LittleEndian.Uint32(b[28:])), file: binary.LittleEndian.Uint64(b[8:]), at: binary.LittleEndian.Uint64(b[16:])}
	b = b[headSize:]
	if size > len(b) || name > size {
		return r, nil, fmt.Errorf("read log of the shim: %w", io.ErrUnexpectedEOF)
	}
	r.path, r.data = string(b[:name]), b[name:size]
	return r, b[size:], nil
}

// Log is what happened, in order. It is only read, by any number of goroutines.
type Log struct{ records []record }

// Read reads a log that nobody appends to any more.
func Read(log string) (*Log, error) {
	b, err := os.ReadFile(log)
	if err != nil {
		return nil, fmt.Errorf("read log of the shim: %w", err)
	}
	l := &Log{}
	for len(b) > 0 {
		var r record
		if r, b, err = decode(b); err != nil {
			return nil, err
		}
		l.records = append(l.records, r)
	}
	return l, nil
}

// Len returns how many records there are.
func (l *Log) Len() int { return len(l.records) }

// Marks returns what had been marked before a moment.
func (l *Log) Marks(at int) (texts []string) {
	for _, r := range l.records[:at] {
		if r.op == opMark {
			texts = append(texts, string(r.data))
		}
	}
	return texts
}

// Count returns how many bytes were written and how many syncs have ended.
func (l *Log) Count() (bytes uint64, syncs int) {
	for _, r := range l.records {
		switch r.op {
		case opWrite:
			bytes += uint64(len(r.data))
		case opSynced:
			syncs++
		}
	}
	return bytes, syncs
}

// Cut is a moment at which the power fails, and what becomes then of what the disk
// was not made to keep.
type Cut struct {
	At   int    // records of the log that have happened
	Seed uint64 // of what is kept, lost and torn; 0: all of it is lost
	Lies bool   // the disk has kept nothing for sure: it does not sync when it says so
}

// Cuts chooses n moments, the same ones for the same seed: a third of them right behind
// a mark, half of these with all lost that can be, a sixth before the first mark, the
// others anywhere behind it.
func (l *Log) Cuts(n int, seed uint64) (cuts []Cut) {
	var marks []int
	for i, r := range l.records {
		if r.op == opMark {
			marks = append(marks, i+1)
		}
	}
	if len(marks) == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		c := Cut{At: marks[0] + rng.IntN(len(l.records)-marks[0]+1), Seed: rng.Uint64() | 1}
		switch i % 6 {
		case 0:
			c.At, c.Seed = marks[rng.IntN(len(marks))], 0
		case 3:
			c.At = marks[rng.IntN(len(marks))]
		case 5:
			c.At = rng.IntN(marks[0])
		}
		cuts = append(cuts, c)
	}
	return cuts
}
