package decode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket/pcapgo"
)

// capturesDir is where the public capture files are, from this package.
const capturesDir = "../../../shared/captures"

// frame is one record of a capture file.
type frame struct {
	file string // base name of the file
	n    int    // position in it, from 1
	link LinkType
	data []byte
	wire int
}

// publicFrames reads all frames of all public captures whose link type is
// supported, and skips the test where there are none.
func publicFrames(tb testing.TB) []frame {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(capturesDir, "*", "*.pcap*"))
	if err != nil {
		tb.Fatal(err)
	}
	if len(names) == 0 {
		tb.Skip("no public captures at " + capturesDir)
	}
	var frames []frame
	for _, name := range names {
		for _, f := range readCapture(tb, name) {
			if f.link.Supported() && len(f.data) > 0 {
				frames = append(frames, f)
			}
		}
	}
	return frames
}

// readCapture reads a pcap or pcapng file as far as it is readable: many of
// the public ones break off or lie on purpose.
func readCapture(tb testing.TB, name string) []frame {
	tb.Helper()
	file, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	r := bufio.NewReader(file)
	magic, err := r.Peek(4)
	if err != nil {
		return nil
	}
	if binary.BigEndian.Uint32(magic) == 0x0a0d0d0a {
		return readNg(r, filepath.Base(name))
	}
	return readPcap(r, filepath.Base(name))
}

// readPcap reads the classic format. pcapgo refuses records that are longer
// than the file's snap length, which tcpdump and tshark read.
func readPcap(r io.Reader, name string) []frame {
	var head [24]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[0] == 0xa1 {
		order = binary.BigEndian
	}
	record := make([]byte, 16)
	if order.Uint32(head[:]) == 0xa1b2cd34 { // Kuznetzov's: interface, protocol, type follow
		record = make([]byte, 24)
	}
	link := LinkType(order.Uint32(head[20:]))
	var frames []frame
	for {
		if _, err := io.ReadFull(r, record); err != nil {
			return frames
		}
		size := order.Uint32(record[8:])
		if size > 1<<18 {
			return frames
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r, data); err != nil {
			return frames
		}
		frames = append(frames, frame{name, len(frames) + 1, link, data, int(order.Uint32(record[12:]))})
	}
}

// readNg reads pcapng by pcapgo.
func readNg(r io.Reader, name string) []frame {
	ng, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return nil
	}
	var frames []frame
	for {
		data, info, err := ng.ReadPacketData()
		if errors.Is(err, io.EOF) || err != nil {
			return frames
		}
		link, err := ng.Interface(info.InterfaceIndex)
		if err != nil {
			return frames
		}
		frames = append(frames, frame{name, len(frames) + 1, LinkType(link.LinkType), data, info.Length})
	}
}

// TestDecodeSnapped holds, for all public captures, how much of a frame the
// ring has to keep: 128 bytes say who the outermost ends are, with their ports;
// 192 bytes say the same as all of it. Nothing allocates.
func TestDecodeSnapped(t *testing.T) {
	frames := publicFrames(t)
	short := 0
	for _, f := range frames {
		var whole, at128, at192 Packet
		status := Decode(&whole, f.link, 0, f.data)
		if got := Decode(&at128, f.link, 0, f.data[:min(128, len(f.data))]); got != status || outermost(&whole) != outermost(&at128) {
			t.Errorf("%s frame %d: %v, in 128 bytes %v:\nwhole %+v\n128   %+v", f.file, f.n, status, got, whole, at128)
		}
		if got := Decode(&at192, f.link, 0, f.data[:min(192, len(f.data))]); got != status || whole != at192 {
			t.Errorf("%s frame %d: %v, in 192 bytes %v:\nwhole %+v\n192   %+v", f.file, f.n, status, got, whole, at192)
		}
		if whole != at128 {
			short++
		}
	}
	t.Logf("%d of %d frames say less in 128 bytes: IPv6 tunnels", short, len(frames))
	var p Packet
	allocs := testing.AllocsPerRun(1, func() {
		for i := range frames {
			Decode(&p, frames[i].link, 0, frames[i].data)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in %d frames", allocs, len(frames))
	}
}
