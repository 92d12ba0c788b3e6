package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// publicCaptures lists the shared capture files, or skips.
func publicCaptures(t testing.TB) []string {
	t.Helper()
	var paths []string
	for _, ext := range []string{"pcap", "pcapng"} {
		found, err := filepath.Glob("../../../shared/captures/*/*." + ext)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) == 0 {
		t.Skip("no public captures beside the repository")
	}
	return paths
}

// readFile counts the frames of a file and their octets.
func readFile(t testing.TB, f *capture.File) (frames, octets uint64) {
	t.Helper()
	for {
		b, err := f.ReadBlock(time.Minute)
		if errors.Is(err, io.EOF) {
			return frames, octets
		}
		if err != nil || b == nil {
			t.Fatalf("%s: ReadBlock = %v, %v", f.Name(), b, err)
		}
		var frame capture.Frame
		for b.Next(&frame) {
			frames++
			octets += uint64(frame.WireLen)
			if frame.Segments != 1 || uint64(frame.WireLen) < uint64(len(frame.Data)) {
				t.Fatalf("%s: frame %d has %d segments, %d of %d octets", f.Name(), frames, frame.Segments, len(frame.Data), frame.WireLen)
			}
		}
	}
}

// TestPublicCaptures: each public capture is read, or refused in words that name
// the reason, and has as many frames as tcpdump finds in it.
func TestPublicCaptures(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Log("no tcpdump here: counts are not compared")
	}
	var read, refused, compared int
	for _, path := range publicCaptures(t) {
		f, err := capture.OpenFile(path)
		if err != nil {
			if f != nil || !clear(err.Error()) {
				t.Errorf("%s: error says too little: %v", path, err)
			}
			refused++
			continue
		}
		frames, _ := readFile(t, f)
		stats, err := f.Stats()
		if err != nil || stats.Packets != frames+stats.Skipped {
			t.Errorf("%s: %d frames, statistics %+v, %v", path, frames, stats, err)
		}
		if done, size := f.Progress(); done == 0 || done > size {
			t.Errorf("%s: progress is %d of %d", path, done, size)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		read++
		if tcpdump == "" {
			continue
		}
		if want, ok := tcpdumpCount(t, tcpdump, path); ok {
			compared++
			if want != frames+stats.Skipped {
				t.Errorf("%s: %d frames, tcpdump says %d; warning: %s", path, frames, want, f.Warning())
			}
		}
	}
	t.Logf("%d read, of which %d compared with tcpdump; %d refused", read, compared, refused)
	if read < 500 {
		t.Errorf("only %d public captures were read", read)
	}
}

// clear reports whether an error of OpenFile names what is wrong.
func clear(text string) bool {
	for _, word := range []string{"link type", "cut in its header", "not a capture", "is empty", "version", "damaged"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// tcpdumpCount asks tcpdump for the number of frames; false where it gives up.
func tcpdumpCount(t *testing.T, tcpdump, path string) (n uint64, ok bool) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(tcpdump, "--count", "-n", "-r", path)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "TZ=UTC")
	if err := cmd.Run(); err != nil {
		t.Logf("tcpdump %s: %s", filepath.Base(path), strings.TrimSpace(errs.String()))
		return 0, false
	}
	_, err := fmt.Sscanf(out.String(), "%d packet", &n)
	return n, err == nil
}
