package capture_test

import (
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// BenchmarkRingLive reads b.N 64-byte frames that are sent over a veth pair as
// fast as the machine can, and reports processor time of the reading thread alone.
func BenchmarkRingLive(b *testing.B) {
	link := capturetest.Veth(b)
	cfg := capture.RingConfig{Interface: capturetest.SensorInterface}
	ring := open(b, link, cfg)[0]
	sender := link.Peer.Sender(b)
	sent := make(chan error, 1)
	b.ResetTimer()
	go func() {
		_, err := sender.Send(capturetest.UDPFrames(1000, 64), b.N, 0, nil)
		ring.Stop()
		sent <- err
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadTime(b)
	var octets uint64
	var sink byte // reads each frame, as a decoder would
	for {
		block, err := ring.ReadBlock(time.Second)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		for f := (capture.Frame{}); block != nil && block.Next(&f); {
			octets += uint64(f.WireLen)
			sink ^= f.Data[13]
		}
	}
	used := threadTime(b) - begin
	runtime.KeepAlive(sink)
	stats, err := ring.Stats()
	if err := errors.Join(err, <-sent, ring.Close()); err != nil {
		b.Fatal(err)
	}
	if frames := stats.Packets - stats.Drops; octets != 64*frames {
		b.Fatalf("%d octets in %d frames", octets, frames)
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/frame")
	b.ReportMetric(float64(stats.Drops)/float64(b.N), "drops/frame")
}

// threadTime is the processor time that this thread has used.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}
