package capture_test

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRingThousandCycles: rings are opened and closed a thousand times under traffic,
// sixteen captures at a time, closed in the middle or stopped and drained; nothing leaks,
// no frame is of another size, and what was drained balances.
func TestRingThousandCycles(t *testing.T) {
	cycles, workers := 1000, 16
	if testing.Short() {
		cycles = 100
	}
	link := capturetest.Veth(t)
	stop := make(chan struct{})
	sender := link.Peer.Sender(t)
	var sending, working sync.WaitGroup
	sending.Go(func() {
		if _, err := sender.Send(capturetest.UDPFrames(64, 64), 1<<30, 50_000, stop); err != nil {
			t.Error(err)
		}
	})
	before := descriptors(t)
	var next, frames atomic.Int64
	for range workers {
		working.Go(func() {
			link.Sensor.Do(t, func() {
				for i := next.Add(1); i <= int64(cycles) && !t.Failed(); i = next.Add(1) {
					frames.Add(cycle(t, int(i)))
				}
			})
		})
	}
	working.Wait()
	close(stop)
	sending.Wait()
	if after := descriptors(t); after > before+2 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	if frames.Load() == 0 {
		t.Error("no frame was captured")
	}
	t.Logf("%d cycles, %d frames", cycles, frames.Load())
}

// cycle opens rings on the thread it runs on, reads a little and closes them; every
// tenth capture is stopped and drained.
func cycle(t *testing.T, i int) (frames int64) {
	cfg := smallRing(1 + i%2)
	cfg.RingBytes, cfg.BlockSize, cfg.BlockTimeout = 256<<10, 64<<10, 2*time.Millisecond
	rings, err := capture.OpenRings(cfg)
	if err != nil {
		t.Error(err)
		return 0
	}
	for _, r := range rings {
		begin := frames
		if i%10 == 0 {
			r.Stop()
		}
		for try := 0; try < 3 || i%10 == 0; try++ {
			block, err := r.ReadBlock(time.Duration(i%3) * time.Millisecond)
			if errors.Is(err, io.EOF) {
				stats, err := r.Stats()
				if got := uint64(frames - begin); err != nil || got+stats.Drops != stats.Packets {
					t.Errorf("drained %d frames, %+v, %v", got, stats, err)
				}
				break
			}
			if err != nil {
				t.Error(err)
				break
			}
			for f := (capture.Frame{}); block != nil && block.Next(&f); frames++ {
				if f.WireLen != 64 {
					t.Errorf("a frame of %d octets", f.WireLen)
				}
			}
		}
		if i%7 == 0 {
			runtime.Gosched()
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return frames
}
