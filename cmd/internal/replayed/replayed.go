// Package replayed remembers which capture files a store has been given, so that the
// same packets are not counted twice by mistake. The list is replayed.json beside the
// store's database; who may write to the store may write to it.
package replayed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	fileName = "replayed.json"
	// headLen is what is compared first: a capture's first packets and their times.
	headLen = 1 << 20
)

// File is a capture file that was replayed. It is known by its content, not its name.
type File struct {
	Name     string    `json:"name"`              // as it was typed
	Size     int64     `json:"size"`              // bytes, as it lay there: compressed or not
	Head     string    `json:"head_sha256"`       // of the first MiB, or all if it is shorter
	Sum      string    `json:"sha256,omitempty"`  // of all; "": the replay did not come to its end
	Packets  uint64    `json:"packets,omitempty"` // that were read
	Replayed time.Time `json:"replayed"`          // when it began
}

// List is what a store has been given. It is not safe for concurrent use; whoever
// changes it must have the store open for writing.
type List struct {
	name  string
	files []File
}

// Open reads the list of the store in dir; there need not be one yet. fresh says that
// the store is new: a list that is there belongs to one that was deleted.
func Open(dir string, fresh bool) (*List, error) {
	l := &List{name: filepath.Join(dir, fileName)}
	text, err := os.ReadFile(l.name)
	if errors.Is(err, os.ErrNotExist) || fresh {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &l.files)
	}
	if err != nil {
		return nil, fmt.Errorf("read list of replayed files %q: %w (delete it if you know what is in the store)", l.name, err)
	}
	return l, nil
}

// Path is where the list is kept.
func (l *List) Path() string { return l.name }

// Describe says what a file of the given size is, without its sum.
func Describe(name string, r io.ReaderAt, size int64) (File, error) {
	head, err := sumOf(r, min(size, headLen))
	return File{Name: name, Size: size, Head: head, Replayed: time.Now().UTC()}, err
}

// Find returns the file of the list that f, whose content is r, is the same as or
// begins with: a capture that is still written to grows. Only where the first MiB is the
// same it reads more.
func (l *List) Find(f File, r io.ReaderAt) (found File, ok bool, err error) {
	for _, known := range l.files {
		if known.Size == 0 || known.Size > f.Size {
			continue
		}
		head := f.Head
		if known.Size < min(f.Size, headLen) {
			if head, err = sumOf(r, known.Size); err != nil {
				return File{}, false, err
			}
		}
		if head != known.Head {
			continue
		}
		if known.Sum != "" && known.Size > headLen {
			sum, err := sumOf(r, known.Size)
			if err != nil {
				return File{}, false, err
			}
			if sum != known.Sum {
				continue
			}
		}
		return known, true, nil
	}
	return File{}, false, nil
}

// Begin adds files whose replay begins now, and saves the list: should the program be
// killed, a part of their packets is in the store all the same.
func (l *List) Begin(files ...File) error {
	l.files = append(l.files, files...)
	return l.save()
}

// End notes what is known of the files of the last Begin once they were read.
func (l *List) End(files ...File) error {
	copy(l.files[max(0, len(l.files)-len(files)):], files)
	return l.save()
}

// save replaces the file as a whole, so that nobody reads half of it.
func (l *List) save() (err error) {
	text, err := json.MarshalIndent(l.files, "", "  ")
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(l.name), "."+fileName+"-*")
	if err != nil {
		return fmt.Errorf("write list of replayed files: %w", err)
	}
	_, err = next.Write(append(text, '\n'))
	err = errors.Join(err, next.Chmod(0o640), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), l.name)
	}
	if err != nil {
		return fmt.Errorf("write list of replayed files: %w", errors.Join(err, os.Remove(next.Name())))
	}
	// The packets will be on the disk for sure, so the list must be: else they could be
	// counted twice after the power failed. Some file systems cannot sync a folder.
	if dir, err := os.Open(filepath.Dir(l.name)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

// sumOf is the SHA-256 of the first n bytes of r, or of all if there are fewer.
func sumOf(r io.ReaderAt, n int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, n)); err != nil {
		return "", fmt.Errorf("read capture: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Reader hashes what is read through it. NewReader makes one; one goroutine reads,
// Count may be called by any.
type Reader struct {
	r     io.Reader
	hash  hash.Hash
	count atomic.Int64
}

// NewReader returns a reader of r, which stays the caller's to close.
func NewReader(r io.Reader) *Reader { return &Reader{r: r, hash: sha256.New()} }

// Read reads from the reader behind.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.hash.Write(p[:n])
	r.count.Add(int64(n))
	return n, err
}

// Count is how many bytes have been read.
func (r *Reader) Count() int64 { return r.count.Load() }

// Sum reads what is left, at most up to size bytes in all, and returns the SHA-256 of
// them; fewer are an error.
func (r *Reader) Sum(size int64) (string, error) {
	if left := size - r.Count(); left > 0 {
		if _, err := io.CopyN(io.Discard, r, left); err != nil {
			return "", fmt.Errorf("read capture to its end: %w", err)
		}
	}
	if r.Count() != size {
		return "", errors.New("read capture to its end: it has grown meanwhile")
	}
	return hex.EncodeToString(r.hash.Sum(nil)), nil
}
