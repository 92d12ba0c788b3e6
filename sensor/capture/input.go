package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	errRefill  = errors.New("more would overwrite frames in use") // end the block first
	errWaiting = errors.New("nothing to read yet")
	errStopped = errors.New("stopped")
)

// source reads what a file is made of, before decompression, and counts it. Where
// it is a pipe, it waits only until Stop or the deadline.
type source struct {
	r        io.Reader
	pollFD   int // of a pipe, terminal or socket; -1: reads do not block for long
	stop     atomic.Bool
	read     atomic.Int64
	deadline time.Time
	resume   bool // a read may end with errWaiting: there is no decompressor to confuse
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	const step = 50 * time.Millisecond
	for s.pollFD >= 0 && !readable(s.pollFD, step) {
		if s.stop.Load() {
			return 0, errStopped
		}
		if s.resume && time.Now().After(s.deadline) {
			return 0, errWaiting
		}
	}
	n, err := s.r.Read(p)
	s.read.Add(int64(n))
	return n, err
}

// pollable returns the descriptor of f if reading from it may block for ever.
func pollable(r io.Reader) (fd int, size int64) {
	f, ok := r.(*os.File)
	if !ok {
		return -1, 0
	}
	info, err := f.Stat()
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		if err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		return -1, size
	}
	return int(f.Fd()), 0
}

// Limits of the input buffer.
const (
	inputSize = 512 << 10
	// libpcap's limits: BT_SHB_INSANE_MAX for a block of pcapng, and
	// MAXIMUM_SNAPLEN for a record of pcap.
	maxBlockLen  = 16 << 20
	maxRecordLen = 256 << 10
)

// input is a buffer over the decompressed bytes. What peek returns stays valid
// until a peek that must read more, which is refused while pinned.
type input struct {
	r      io.Reader
	buf    []byte
	pos    int   // of what has not been consumed
	end    int   // of what has been read
	offset int64 // in the decompressed file, of buf[0]
	pinned bool
	close  func()
}

// peek returns the next n bytes without consuming them. At the end it returns
// what there is with io.EOF if that is nothing, else io.ErrUnexpectedEOF. After
// an error peek may be called again.
func (in *input) peek(n int) ([]byte, error) {
	if in.end-in.pos >= n {
		return in.buf[in.pos : in.pos+n : in.pos+n], nil
	}
	if in.pinned {
		return nil, errRefill
	}
	copy(in.buf, in.buf[in.pos:in.end])
	in.offset += int64(in.pos)
	in.pos, in.end = 0, in.end-in.pos
	if n > len(in.buf) {
		in.buf = append(in.buf, make([]byte, n-len(in.buf))...)
	}
	for idle := 0; in.end < n; {
		got, err := in.r.Read(in.buf[in.end:])
		in.end += got
		if got == 0 && err == nil {
			if idle++; idle > 100 {
				err = io.ErrNoProgress
			}
		}
		if err != nil && in.end < n {
			if errors.Is(err, io.EOF) && in.end > 0 {
				err = io.ErrUnexpectedEOF
			}
			return in.buf[:in.end], err
		}
	}
	return in.buf[:n:n], nil
}

// skip consumes n bytes that were peeked.
func (in *input) skip(n int) { in.pos += n }

// at returns the offset in the decompressed file of what comes next.
func (in *input) at() int64 { return in.offset + int64(in.pos) }

// openInput puts the decompressor that the first bytes ask for between src and
// the buffer.
func openInput(src *source) (*input, error) {
	br := bufio.NewReaderSize(src, 64<<10)
	magic, err := br.Peek(4)
	if len(magic) == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return nil, errors.New("file is empty")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	in := &input{buf: make([]byte, inputSize), close: func() {}}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("decompress gzip: %w", err)
		}
		in.r = z
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// --long=27 is what zstd reads without being asked twice: 128 MiB.
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, fmt.Errorf("decompress zstd: %w", err)
		}
		in.r, in.close = z, z.Close
	case bytes.HasPrefix(magic, []byte("BZh")):
		in.r = bzip2.NewReader(br)
	default:
		in.r = br
		src.resume = true
	}
	return in, nil
}
