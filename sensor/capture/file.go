package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// File reads frames from a capture file: pcap (microseconds, nanoseconds or
// Kuznetzov's variant) or pcapng (any number of interfaces and sections), in
// either byte order, plain or compressed by gzip, zstd or bzip2. OpenFile and
// OpenReader make it. One goroutine calls ReadBlock and Close; Stop, Stats,
// Progress and Warning may be called from any.
//
// gopacket's pcapgo is the second opinion in tests, not the reader: it refuses 38
// of 894 public captures that tcpdump reads, copies every frame, and lets a file say
// how much memory to allocate.
type File struct {
	name   string
	src    *source
	in     *input
	size   int64
	close  func() error
	closed bool
	next   func(*Frame) error // of the format
	block  Block
	frames []Frame // storage of block

	packets, skipped, malformed, blocks atomic.Uint64
	warning                             atomic.Pointer[string]
	skippedLinks                        map[uint16]bool
	lost                                uint64 // frames that the capturing program says it lost
	done                                error  // what ReadBlock returns once the end was reached
}

// blockFrames is the most frames that a block of a file has.
const blockFrames = 4096

// OpenFile opens a capture file; "-" is standard input. Errors say what is
// wrong with a file that is no capture, or has only frames of a link type that
// is not known. The caller closes the File.
func OpenFile(path string) (*File, error) {
	if path == "-" {
		return OpenReader(os.Stdin, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	file, err := OpenReader(f, path)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file.close = f.Close
	return file, nil
}

// OpenReader reads a capture from r, which stays the caller's to close; name is
// for messages. Where r is an *os.File that is no regular file, as a pipe, ReadBlock
// keeps to its timeout and Stop ends a read that waits (on Linux).
func OpenReader(r io.Reader, name string) (*File, error) {
	f := &File{name: name, close: func() error { return nil }}
	f.src = &source{r: r}
	f.src.pollFD, f.size = pollable(r)
	var err error
	if f.in, err = openInput(f.src); err == nil {
		f.src.deadline = time.Now().Add(365 * 24 * time.Hour) // headers are waited for
		if err = f.openFormat(); err != nil {
			f.in.close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open capture %q: %w", name, err)
	}
	f.frames = make([]Frame, 0, blockFrames)
	return f, nil
}

// openFormat reads the header of the file and sets f.next.
func (f *File) openFormat() error {
	magic, err := f.in.peek(4)
	if len(magic) < 4 {
		return fmt.Errorf("not a capture file (%d bytes%s)", len(magic), because(err))
	}
	if string(magic) == pcapngMagic {
		return f.openPcapng()
	}
	return f.openPcap(magic)
}

// because says why a read ended, unless it was the end.
func because(err error) string {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	return ": " + err.Error()
}

// Name returns the name given when the file was opened.
func (f *File) Name() string { return f.name }

// ReadBlock returns the next frames, io.EOF after the last one and after Stop,
// and nil, nil when a pipe had nothing within timeout. A file that is cut or
// damaged ends there with io.EOF: Warning says so.
func (f *File) ReadBlock(timeout time.Duration) (*Block, error) {
	if f.closed {
		return nil, fmt.Errorf("read capture %q: %w", f.name, os.ErrClosed)
	}
	f.in.pinned = false
	f.frames = f.frames[:0]
	f.src.deadline = time.Now().Add(timeout)
	for f.done == nil && len(f.frames) < blockFrames {
		if f.src.stop.Load() {
			f.done = io.EOF
			break
		}
		n := len(f.frames)
		frame := &f.frames[:n+1][n]
		err := f.next(frame)
		switch {
		case err == nil && !knownLink(frame.LinkType):
			f.skip(frame.LinkType)
		case err == nil:
			f.frames = f.frames[:n+1]
			f.in.pinned = true
		case errors.Is(err, errRefill):
			return f.hand()
		case errors.Is(err, errWaiting):
			return nil, nil
		default:
			f.finish(err)
		}
	}
	if len(f.frames) > 0 {
		return f.hand()
	}
	return nil, f.done
}

// hand returns the frames gathered.
func (f *File) hand() (*Block, error) {
	f.packets.Add(uint64(len(f.frames)))
	f.blocks.Add(1)
	f.block = Block{frames: f.frames}
	return &f.block, nil
}

// skip counts a frame of a link type that is not known.
func (f *File) skip(linkType uint16) {
	f.packets.Add(1)
	f.skipped.Add(1)
	if f.skippedLinks[linkType] {
		return
	}
	if f.skippedLinks == nil {
		f.skippedLinks = make(map[uint16]bool)
	}
	f.skippedLinks[linkType] = true
	if len(f.skippedLinks) < 10 {
		f.warn("frames of %s are skipped", linkName(linkType))
	}
}

// errDamaged is wrapped by the errors of what cannot be read on from.
var errDamaged = errors.New("damaged")

// finish ends the file for the reason err.
func (f *File) finish(err error) {
	f.done = io.EOF
	if f.lost > 0 {
		f.warn("the program that wrote it lost %d frames", f.lost)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errStopped):
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.warn("file is cut in the middle of a record at offset %d; all before is kept", f.in.at())
	case errors.Is(err, os.ErrClosed):
		f.done = err
	default:
		f.warn("%v at offset %d; all before is kept", err, f.in.at())
	}
}

// warn adds to the text that Warning returns.
func (f *File) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if old := f.warning.Load(); old != nil {
		text = *old + "; " + text
	}
	f.warning.Store(&text)
}

// Warning returns what a user should know about the part read so far, as that
// the file is cut or has frames that were skipped; empty if nothing.
func (f *File) Warning() string {
	if w := f.warning.Load(); w != nil {
		return *w
	}
	return ""
}

// Progress returns how many bytes of the file, before decompression, were read
// and how many it has: 0 where that is not known, as for a pipe.
func (f *File) Progress() (read, size int64) { return f.src.read.Load(), f.size }

// Stop makes ReadBlock return io.EOF from its next call on, and ends its wait
// for a pipe.
func (f *File) Stop() { f.src.stop.Store(true) }

// Stats returns what was read so far. Packets are frames handed out plus
// Skipped; a file does not know of Drops.
func (f *File) Stats() (Stats, error) {
	return Stats{
		Packets: f.packets.Load(), Skipped: f.skipped.Load(),
		Malformed: f.malformed.Load(), Blocks: f.blocks.Load(),
	}, nil
}

// Close closes what OpenFile opened. A second Close does nothing.
func (f *File) Close() error {
	if f.closed {
		return nil
	}
	f.closed = true
	f.block = Block{}
	f.in.close()
	if err := f.close(); err != nil {
		return fmt.Errorf("close capture %q: %w", f.name, err)
	}
	return nil
}

// refuseLinks is the error of a file that has no link type we know.
func refuseLinks(links []uint16) error {
	names := make([]string, len(links))
	for i, l := range links {
		names[i] = linkName(l)
	}
	return fmt.Errorf("cannot read %s (known: Ethernet, raw IP, PPP, Cisco HDLC, loopback, Linux cooked)", strings.Join(names, "; "))
}
