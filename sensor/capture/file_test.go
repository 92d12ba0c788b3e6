package capture

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// fourFrames is a pcap file in the given byte order.
func fourFrames(o order) []byte {
	b := pcapHeader(o, magicMicro, 2, 4, 1)
	for i := range uint32(4) {
		b = append(b, pcapRecord(o, [4]uint32{100 + i, 5, 10 + i, 60}, nil, make([]byte, 10+i))...)
	}
	return b
}

func TestPcap(t *testing.T) {
	data := []byte("0123456789")
	plain := Frame{Data: data, Time: 1_000_002_000, WireLen: 60, Segments: 1, LinkType: 1}
	with := func(change func(*Frame)) Frame { f := plain; change(&f); return f }
	head := [4]uint32{1, 2, 10, 60}
	for _, tt := range []struct {
		name  string
		magic uint32
		minor uint16
		link  uint32
		head  [4]uint32
		extra []byte
		want  Frame
	}{
		{"microseconds", magicMicro, 4, 1, head, nil, plain},
		{"nanoseconds", magicNano, 4, 1, head, nil, with(func(f *Frame) { f.Time = 1_000_000_002 })},
		{"Kuznetzov", magicModified, 4, 1, head, []byte{0, 0, 0, 1, 8, 0, 4, 0}, with(func(f *Frame) { f.PacketType = 4 })},
		{"FCS bits in the link type", magicMicro, 4, 0x24000001, head, nil, plain},
		{"version 2.2, lengths swapped", magicMicro, 2, 1, [4]uint32{1, 2, 60, 10}, nil, plain},
		{"version 2.3, lengths swapped", magicMicro, 3, 1, [4]uint32{1, 2, 60, 10}, nil, plain},
		{"version 2.3, lengths in order", magicMicro, 3, 1, head, nil, plain},
		{"more captured than there was", magicMicro, 4, 1, [4]uint32{1, 2, 10, 5}, nil, with(func(f *Frame) { f.WireLen = 10 })},
		{"raw IP", magicMicro, 4, 101, head, nil, with(func(f *Frame) { f.LinkType = 101 })},
		{"in 2106", magicMicro, 4, 1, [4]uint32{1<<32 - 1, 0, 10, 60}, nil, with(func(f *Frame) { f.Time = (1<<32 - 1) * 1e9 })},
		{"in 1970", magicMicro, 4, 1, [4]uint32{0, 0, 10, 60}, nil, with(func(f *Frame) { f.Time = 0 })},
	} {
		for _, o := range orders {
			t.Run(tt.name+" "+o.String(), func(t *testing.T) {
				file := append(pcapHeader(o, tt.magic, 2, tt.minor, tt.link), pcapRecord(o, tt.head, tt.extra, data)...)
				got, f := readBytes(t, file)
				if diff := cmp.Diff([]Frame{tt.want}, got); diff != "" || f.Warning() != "" {
					t.Errorf("frames (-want +got):\n%s\nwarning %q", diff, f.Warning())
				}
			})
		}
	}
}

func TestOpenFileErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "file is empty"},
		{"one byte", []byte{1}, "not a capture file (1 bytes)"},
		{"text", []byte("hello, world, this is no capture"), "not a capture file (begins with 68 65 6c 6c"},
		{"snoop", []byte("snoop\x00\x00\x00rest"), "editcap"},
		{"xz", []byte("\xfd7zXZ\x00"), "xz -d"},
		{"header cut", pcapHeader(little, magicMicro, 2, 4, 1)[:20], "cut in its header (20 of 24 bytes)"},
		{"version", pcapHeader(little, magicMicro, 3, 0, 1), "unsupported pcap version 3.0"},
		{"Wi-Fi", pcapHeader(little, magicMicro, 2, 4, 127), "link type 127, 802.11 with radiotap header"},
		{"unnamed link type", pcapHeader(little, magicMicro, 2, 4, 999), "link type 999"},
		{"impossible link type", pcapHeader(little, magicMicro, 2, 4, 0x300000), "link type 3145728"},
		{"pcapng cut", ngSHB(little)[:20], "cut in its header"},
		{"pcapng magic", append([]byte(pcapngMagic), make([]byte, 30)...), "byte order mark"},
		{"pcapng version", bytes.Replace(ngSHB(little), []byte{1, 0, 0, 0}, []byte{9, 0, 0, 0}, 1), "version 9.0"},
		{"pcapng of Wi-Fi and USB", bytes.Join([][]byte{ngSHB(big), ngIDB(big, 127, 0), ngIDB(big, 220, 0)}, nil), "USB for Linux"},
		{"bad gzip", []byte{0x1f, 0x8b, 9, 9}, "gzip"},
		{"gzip of nothing", gzipped(t, nil), "not a capture file (0 bytes)"},
		{"gzip of text", gzipped(t, []byte("hello")), "not a capture file (begins"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.pcap")
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path)
			if f != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "x.pcap") {
				t.Errorf("OpenFile = %v, %v, want an error with %q and the name", f, err, tt.want)
			}
		})
	}
	if _, err := OpenFile(filepath.Join(t.TempDir(), "none.pcap")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := OpenFile(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

// TestFileCompressed: the same frames come out of every packing.
func TestFileCompressed(t *testing.T) {
	plain := fourFrames(big)
	want, _ := readBytes(t, plain)
	if len(want) != 4 {
		t.Fatalf("%d frames", len(want))
	}
	packed, err := hex.DecodeString(fourFramesBzip2)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"gzip": gzipped(t, plain), "zstd": zstandard(t, plain), "bzip2": packed,
		"gzip in two members": append(gzipped(t, plain[:50]), gzipped(t, plain[50:])...),
	} {
		got, f := readBytes(t, file)
		if diff := cmp.Diff(want, got); diff != "" || f.Warning() != "" {
			t.Errorf("%s: frames (-want +got):\n%s\nwarning %q", name, diff, f.Warning())
		}
		if read, size := f.Progress(); read != int64(len(file)) || size != 0 {
			t.Errorf("%s: progress %d of %d, want %d of 0 (unknown)", name, read, size, len(file))
		}
	}
}

// TestFileCut: wherever a file is cut, all frames before are read, and a warning
// says so unless the cut is between two records.
func TestFileCut(t *testing.T) {
	frame := make([]byte, 9)
	ng := bytes.Join([][]byte{ngSHB(little), ngIDB(little, 1, 0),
		ngEPB(little, 0, 1, 60, frame), ngEPB(little, 0, 2, 60, frame)}, nil)
	for _, file := range [][]byte{fourFrames(little), fourFrames(big), ng} {
		whole, _ := readBytes(t, file)
		complete := 0 // frames before the cut
		for cut := 1; cut < len(file); cut++ {
			f, err := OpenReader(bytes.NewReader(file[:cut]), "cut")
			if err != nil {
				continue
			}
			got := frames(t, f)
			if len(got) < complete || len(got) > complete+1 {
				t.Fatalf("cut at %d: %d frames after %d", cut, len(got), complete)
			}
			clean := len(got) == complete+1 || cut == pcapHeaderLen
			complete = len(got)
			if diff := cmp.Diff(whole[:complete:complete], append([]Frame{}, got...)); diff != "" {
				t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
			}
			if warned := strings.Contains(f.Warning(), "cut in the middle"); bytes.HasPrefix(file, ng[:4]) {
				if clean && warned {
					t.Errorf("cut at %d: warning %q", cut, f.Warning())
				}
			} else if warned == clean {
				t.Errorf("cut at %d: warning %q", cut, f.Warning())
			}
		}
		packed := gzipped(t, file)
		got, f := readBytes(t, packed[:len(packed)-6]) // the data is whole, its checksum is not
		if len(got) > len(whole) || f.Warning() == "" {
			t.Errorf("cut gzip: %d frames, warning %q", len(got), f.Warning())
		}
	}
}

// TestFileDamaged: a record that cannot be is the end, with all before kept.
func TestFileDamaged(t *testing.T) {
	bad := pcapRecord(little, [4]uint32{1, 2, 1 << 30, 1 << 30}, nil, make([]byte, 100))
	got, f := readBytes(t, append(fourFrames(little), bad...))
	if len(got) != 4 || !strings.Contains(f.Warning(), "claims 1073741824 bytes at offset") {
		t.Errorf("%d frames, warning %q", len(got), f.Warning())
	}
	ng := bytes.Join([][]byte{ngSHB(little), ngIDB(little, 1, 0), ngEPB(little, 0, 1, 60, make([]byte, 8))}, nil)
	for name, tail := range map[string][]byte{
		"tiny": ngWords(little, 6, 8, 8), "huge": ngWords(little, 6, 1<<30, 0), "odd": ngWords(little, 6, 33, 0),
		"two lengths": append(ngWords(little, 6, 16), ngWords(little, 0, 20)...),
	} {
		got, f := readBytes(t, append(bytes.Clone(ng), tail...))
		if len(got) != 1 || !strings.Contains(f.Warning(), "damaged") {
			t.Errorf("%s: %d frames, warning %q", name, len(got), f.Warning())
		}
	}
}

// TestFileLarge: frames that span many refills of the buffer arrive unchanged,
// also through a reader that gives one odd piece after the other.
func TestFileLarge(t *testing.T) {
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(1<<18, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	const n = 3000
	for i := range n {
		data := bytes.Repeat([]byte{byte(i)}, 14+i*7919%1500)
		if i == 1000 {
			data = make([]byte, 200_000)
		}
		info := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(data), Length: len(data) + i}
		if err := w.WritePacket(info, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []io.Reader{bytes.NewReader(file.Bytes()), &pieces{b: file.Bytes()}} {
		f, err := OpenReader(r, "large")
		if err != nil {
			t.Fatal(err)
		}
		got := frames(t, f)
		check, err := pcapgo.NewReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != n {
			t.Fatalf("%d frames, want %d", len(got), n)
		}
		for i, frame := range got {
			data, info, err := check.ReadPacketData()
			if err != nil || !bytes.Equal(data, frame.Data) || info.Timestamp.UnixNano() != frame.Time || info.Length != int(frame.WireLen) {
				t.Fatalf("frame %d differs from what pcapgo reads: %v", i, err)
			}
		}
		if s, _ := f.Stats(); s.Packets != n || s.Blocks < 2 {
			t.Errorf("statistics %+v", s)
		}
	}
}

// pieces reads b in pieces of changing size.
type pieces struct {
	b    []byte
	turn int
}

func (p *pieces) Read(buf []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	p.turn++
	n := copy(buf[:min(len(buf), 1+p.turn*7919%70001)], p.b)
	p.b = p.b[n:]
	return n, nil
}

// TestFilePipe: a pipe that is still being written is read as it comes; a wait
// ends after the timeout, and for good after Stop.
func TestFilePipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	file := fourFrames(little)
	half := pcapHeaderLen + 16 + 10 + 5 // one record and a part of the next
	if _, err := w.Write(file[:half]); err != nil {
		t.Fatal(err)
	}
	f, err := OpenReader(r, "pipe")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := f.ReadBlock(time.Minute); err != nil || len(walk(b)) != 1 {
		t.Fatalf("first block: %v, %v", b, err)
	}
	if readable(int(r.Fd()), 0) {
		t.Skip("no waiting for pipes here")
	}
	if b, err := f.ReadBlock(60 * time.Millisecond); b != nil || err != nil {
		t.Fatalf("half a record: %v, %v, want nothing yet", b, err)
	}
	if _, err := w.Write(file[half:]); err != nil {
		t.Fatal(err)
	}
	if b, err := f.ReadBlock(time.Minute); err != nil || len(walk(b)) != 3 {
		t.Fatalf("rest: %v, %v", b, err)
	}
	time.AfterFunc(50*time.Millisecond, f.Stop)
	begin := time.Now()
	if b, err := f.ReadBlock(time.Minute); b != nil || !errors.Is(err, io.EOF) || time.Since(begin) > 30*time.Second {
		t.Errorf("after Stop: %v, %v, %v", b, err, time.Since(begin))
	}
}

// TestFileStop: Stop ends a regular file at the next block; Close twice and
// ReadBlock after it do no harm.
func TestFileStop(t *testing.T) {
	f, err := OpenReader(bytes.NewReader(fourFrames(little)), "memory")
	if err != nil {
		t.Fatal(err)
	}
	f.Stop()
	if b, err := f.ReadBlock(0); b != nil || !errors.Is(err, io.EOF) {
		t.Errorf("after Stop: %v, %v", b, err)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadBlock(0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// FuzzFile: no file makes the reader panic, loop or allocate without bound.
func FuzzFile(f *testing.F) {
	f.Add(fourFrames(little))
	f.Add(fourFrames(big))
	f.Add(gzipped(f, fourFrames(big)))
	f.Add(zstandard(f, fourFrames(little)))
	for _, o := range orders {
		f.Add(bytes.Join([][]byte{ngSHB(o), ngIDB(o, 1, 0, ngOption(o, ngOptTSResol, []byte{9})),
			ngEPB(o, 0, 1, 60, make([]byte, 9), ngOption(o, ngOptFlags, ngWords(o, 2))),
			ngBlock(o, ngSimplePacket, ngWords(o, 9), make([]byte, 9))}, nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return // what a bomb unpacks to is read, but not waited for here
		}
		file, err := OpenReader(bytes.NewReader(b), "fuzz")
		if err != nil {
			return
		}
		defer file.Close()
		for range 10_000 {
			block, err := file.ReadBlock(0)
			if err != nil {
				return
			}
			for fr := (Frame{}); block.Next(&fr); {
				if uint64(fr.WireLen) < uint64(len(fr.Data)) || fr.Segments != 1 || !knownLink(fr.LinkType) {
					t.Fatalf("frame %+v", fr)
				}
			}
		}
	})
}

// BenchmarkFile reads a pcap file of 64-byte frames from memory.
func BenchmarkFile(b *testing.B) {
	file := pcapHeader(little, magicMicro, 2, 4, 1)
	const n = 50_000
	for i := range uint32(n) {
		file = append(file, pcapRecord(little, [4]uint32{i, 0, 64, 64}, nil, testFrame(17))...)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		f, err := OpenReader(bytes.NewReader(file), "memory")
		if err != nil {
			b.Fatal(err)
		}
		got := 0
		for {
			block, err := f.ReadBlock(0)
			if err != nil {
				break
			}
			for fr := (Frame{}); block.Next(&fr); {
				got++
			}
		}
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/frame")
}
