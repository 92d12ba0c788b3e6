package sensor

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// spreadOut are packets with the given distances from noon in milliseconds.
func spreadOut(t *testing.T, millis ...int) (list []packet) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	for _, ms := range millis {
		list = append(list, packet{noon.Add(time.Duration(ms) * time.Millisecond), f})
	}
	return list
}

// arrivals reads a source and returns when, after the first, each frame came.
func arrivals(t *testing.T, s Source) (list []time.Duration) {
	t.Helper()
	var begin time.Time
	for {
		block, err := s.ReadBlock(20 * time.Millisecond)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if begin.IsZero() {
			begin = time.Now()
		}
		for f := (capture.Frame{}); block != nil && block.Next(&f); {
			list = append(list, time.Since(begin))
		}
	}
}

// Frames come when their time says, neither before nor after, at any speed.
func TestPacedArrivals(t *testing.T) {
	for _, tt := range []struct {
		name    string
		speed   float64
		packets []int // ms
		want    []int // ms
	}{
		{"real time", 1, []int{0, 50, 100, 200}, []int{0, 50, 100, 200}},
		{"twenty times", 20, []int{0, 1000, 2000, 4000}, []int{0, 50, 100, 200}},
		{"half", 0.5, []int{0, 25, 100}, []int{0, 50, 200}},
		{"out of order", 1, []int{0, 100, 40, 150}, []int{0, 100, 100, 150}},
		{"before the first", 1, []int{0, -5000, 50}, []int{0, 0, 50}},
		{"a silence of hours", 1, []int{0, 50, 50 + 2*3600_000, 100 + 2*3600_000}, []int{0, 50, 50, 100}},
		{"a thousand at once", 1, make([]int, 1000), make([]int, 1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []time.Duration
			for _, ms := range tt.want {
				want = append(want, time.Duration(ms)*time.Millisecond)
			}
			synctest.Test(t, func(t *testing.T) {
				if got := arrivals(t, newPaced(pcap(t, spreadOut(t, tt.packets...)), tt.speed)); !slices.Equal(got, want) {
					t.Errorf("frames came after %v, want %v", got, want)
				}
			})
		})
	}
}

// Pacing changes when packets come, not what is stored; two files are one stream.
func TestReplaySpeed(t *testing.T) {
	synctest.Test(t, replaySpeed)
}

func replaySpeed(t *testing.T) {
	millis := []int{0, 4000, 9000, 11000, 20500, 30000, 41000}
	want := replay(t, spreadOut(t, millis...), nil)
	m := &memory{}
	begin := time.Now()
	files := []Named{{"a", pcap(t, spreadOut(t, 4000, 11000, 41000))}, {"b", pcap(t, spreadOut(t, 0, 9000, 20500, 30000))}}
	if err := newSensor(t, m, nil).Replay(context.Background(), files, Speed(100)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took != 410*time.Millisecond {
		t.Errorf("41 s of capture at a hundred times their speed took %v", took)
	}
	if got, want := ticks(m), ticks(want); !slices.Equal(got, want) {
		t.Errorf("ticks %q, want %q", got, want)
	}
}

// The end of the context ends a replay that waits for its next packet, and what came
// before is stored.
func TestReplaySpeedStops(t *testing.T) {
	synctest.Test(t, replaySpeedStops)
}

func replaySpeedStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	m := &memory{}
	begin := time.Now()
	err := newSensor(t, m, nil).Replay(ctx, []Named{{"x", pcap(t, spreadOut(t, 0, 0, 600_000, 600_001))}}, Speed(1))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want %v", err, context.DeadlineExceeded)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	if books := m.checkBooks(t, false); books.Decoded.Packets != 2 {
		t.Errorf("%d packets stored, want the 2 that were due", books.Decoded.Packets)
	}
}

// A speed that is none is refused, and the files are closed.
func TestReplaySpeedRefused(t *testing.T) {
	for _, speed := range []float64{-1, math.NaN(), math.Inf(1)} {
		file := pcap(t, spreadOut(t, 0))
		if err := newSensor(t, &memory{}, nil).Replay(context.Background(), []Named{{"x", file}}, Speed(speed)); err == nil {
			t.Errorf("speed %v was accepted", speed)
		}
		if _, err := file.ReadBlock(0); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the file is still open: %v", err)
		}
	}
}
