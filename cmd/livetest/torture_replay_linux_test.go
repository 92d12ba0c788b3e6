package livetest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// replayMB is how large the capture file of TestReplayLarge is, in units of 10^6 octets:
// by default 1,000 under PACKETHEAT_TORTURE=1, else it is not run.
const replayMB = "PACKETHEAT_REPLAY_MB"

// TestReplayLarge replays a gigabyte of 64-byte frames, 50,000 a second from 20,000
// addresses, into a store, and says how many packets a second that were and how many a
// second on a core. It fails on a packet that is missing, not on a figure.
func TestReplayLarge(t *testing.T) {
	megabytes, err := strconv.Atoi(os.Getenv(replayMB))
	if os.Getenv(replayMB) == "" && os.Getenv("PACKETHEAT_TORTURE") == "1" {
		megabytes, err = 1000, nil
	}
	if megabytes <= 0 {
		t.Skipf("minutes, and disk space: PACKETHEAT_TORTURE=1 or %s=1000 runs it", replayMB)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := workdir(t)
	file := filepath.Join(dir, "large.pcap")
	packets := writeLarge(t, file, int64(megabytes)*1e6)
	cmd := exec.Command(program, "replay", file, "--data", filepath.Join(dir, "data"), "--local", "10.0.0.0/8")
	cmd.Dir, cmd.Env = dir, environment()
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(begin)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	t.Logf("%d packets in %.1f s, %.1f s of CPU: %.2f million a second, %.2f million a second of a core; %d MiB of memory at most",
		packets, wall.Seconds(), cpu.Seconds(), float64(packets)/wall.Seconds()/1e6, float64(packets)/cpu.Seconds()/1e6, usage.Maxrss>>10)
	b := booksOf(t, filepath.Join(dir, "data"), false)
	if b.Captured.Packets != packets || b.OnePublic.Packets != packets {
		t.Errorf("the file has %d packets, the store %d, of which %d with one public end", packets, b.Captured.Packets, b.OnePublic.Packets)
	}
}

// writeLarge writes a capture file of so many octets and returns how many packets it has.
func writeLarge(t *testing.T, path string, size int64) (packets uint64) {
	t.Helper()
	const flows, perSecond, length = 20_000, 50_000, 64
	frames := capturetest.UDPFrames(flows, length)
	for i, f := range frames {
		addr := v4(i).As4()
		copy(f[26:], addr[:])
		copy(f[30:], []byte{10, 0, 0, 1})
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintf(w, "\x4d\x3c\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00") // nanoseconds, Ethernet
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Now().Add(-24 * time.Hour).Unix()
	var head [16]byte
	for written := int64(24); written < size; written += int64(len(head)) + length {
		binary.LittleEndian.PutUint32(head[:], uint32(begin+int64(packets/perSecond)))
		binary.LittleEndian.PutUint32(head[4:], uint32(packets%perSecond*(1_000_000_000/perSecond)))
		binary.LittleEndian.PutUint32(head[8:], length)
		binary.LittleEndian.PutUint32(head[12:], length)
		_, _ = w.Write(head[:]) // Flush returns what fails
		_, _ = w.Write(frames[r.IntN(flows)])
		packets++
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return packets
}
