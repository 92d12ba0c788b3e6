package capture_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"

	"github.com/packetheat/packetheat/sensor/capture"
)

// packetReader is what pcapgo's two readers have in common.
type packetReader interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// TestPublicCapturesPcapgo: bytes, length and time of each frame of the public
// captures are what gopacket reads, as far as it does.
func TestPublicCapturesPcapgo(t *testing.T) {
	var files, compared int
	for _, path := range publicCaptures(t) {
		f, err := capture.OpenFile(path)
		if err != nil {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var other packetReader
		if filepath.Ext(path) == ".pcap" {
			other, err = pcapgo.NewReader(bytes.NewReader(content))
		} else {
			other, err = pcapgo.NewNgReader(bytes.NewReader(content), pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
		}
		if err == nil {
			files++
			compared += compareFrames(t, f, other)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d frames of %d files compared", compared, files)
	if compared < 9_000 {
		t.Errorf("only %d frames were compared", compared)
	}
}

// compareFrames reads both to the end of the shorter and returns how many
// frames were the same.
func compareFrames(t *testing.T, f *capture.File, other packetReader) (n int) {
	t.Helper()
	for {
		b, err := f.ReadBlock(time.Minute)
		if err != nil {
			return n
		}
		for frame := (capture.Frame{}); b.Next(&frame); n++ {
			data, info, err := other.ReadPacketData()
			if s, _ := f.Stats(); err != nil || s.Skipped > 0 {
				return n
			}
			stamp := info.Timestamp.UnixNano()
			if info.Timestamp.IsZero() {
				stamp = 0 // simple packets of pcapng have none
			}
			if (frame.Time-stamp)%(1<<32) == 0 {
				stamp = frame.Time // pcapgo multiplies invalid microseconds in 32 bits
			}
			if !bytes.Equal(data, frame.Data) || stamp != frame.Time || max(info.Length, len(data)) != int(frame.WireLen) {
				t.Errorf("%s: frame %d: %d of %d octets at %d, pcapgo has %d of %d at %d", f.Name(), n+1,
					len(frame.Data), frame.WireLen, frame.Time, len(data), info.Length, stamp)
				return n
			}
		}
	}
}
