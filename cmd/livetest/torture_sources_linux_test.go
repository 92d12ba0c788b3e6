package livetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// TestManySources sends packets that each come from another address, more than the
// tables have room for: totals stay exact, what was folded is counted and flagged. With
// PACKETHEAT_TORTURE=1 they are a million addresses, in as little of a tick of ten seconds
// as the machine needs, for four ticks, with the usual tables: the memory beside the rings
// stays below 512 MiB.
func TestManySources(t *testing.T) {
	sources, env, rate := 60_000, []string{"PACKETHEAT_SENSOR_MAX_KEYS=2048"}, 60_000
	length, most := 2*time.Second, 0
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		sources, env, rate = 1_000_000, []string{"PACKETHEAT_SENSOR_TICK=10s"}, 0
		length, most = 40*time.Second, 512<<20
	}
	link := capturetest.Veth(t)
	s := start(t, link, options{env: env})
	s.ready()
	frames := capturetest.UDPFrames(sources, 60)
	for i, f := range frames {
		binary.BigEndian.PutUint32(f[26:], 0x2d000000+uint32(i)*13) // 45.0.0.0 and on, all over /24s
		copy(f[30:], []byte{192, 168, 7, 9})
	}
	sender := link.Peer.Sender(t)
	stop, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := sender.Send(frames, 1<<40, rate, stop)
		sent <- err
	}()
	peak := sample{}
	for end, n := time.Now().Add(length), uint64(0); time.Now().Before(end) || n < uint64(sources) && time.Now().Before(end.Add(patience)); time.Sleep(200 * time.Millisecond) {
		n, _ = link.Sensor.Received(t)
		if now := s.sample(); now.anonymous > peak.anonymous {
			peak = now
		}
	}
	close(stop)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	received, _ := link.Sensor.Received(t)
	s.stop()
	b := balanced(t, s.dir+"/data")
	points, folded := foldedPoints(t, s.dir+"/data")
	t.Logf("%d frames of %d sources, %d dropped; %d points, of which %d are folded, for %d packets; at most %s",
		received, sources, b.Drops, points, folded.points, folded.packets, peak)
	if b.Frames+b.Drops != received {
		t.Errorf("%d frames were received; %d captured and %d dropped", received, b.Frames, b.Drops)
	}
	if folded.points == 0 || folded.packets < b.Folded.Packets || b.Folded.Packets == 0 {
		t.Errorf("%d points for %d packets are flagged as folded; %d packets were folded", folded.points, folded.packets, b.Folded.Packets)
	}
	if most > 0 && peak.anonymous > most {
		t.Errorf("%s, want at most %d MiB", peak, most>>20)
	}
}

type foldedSum struct{ points, packets uint64 }

// foldedPoints counts the points of a store, and those that are flagged as folded.
func foldedPoints(t *testing.T, dir string) (points uint64, folded foldedSum) {
	t.Helper()
	s, err := sqlite.OpenReadOnly(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Points(context.Background(), store.Filter{}, func(chunk []store.Point) error {
		points += uint64(len(chunk))
		for i := range chunk {
			p := &chunk[i]
			if p.Flags&store.Folded != 0 {
				folded.points++
				folded.packets += p.Packets
			} else if !p.Addr.IsSingleIP() {
				return fmt.Errorf("%s is a network, and not flagged", p.Addr)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return points, folded
}
