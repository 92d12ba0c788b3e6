package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// readFrames reads a source to its end, and checks every frame's data while it is
// valid: the fifth last octet is its source's number.
func readFrames(t *testing.T, s Source) (times []int64, err error) {
	t.Helper()
	for {
		block, err := s.ReadBlock(time.Second)
		if err != nil {
			return times, err
		}
		for f := (capture.Frame{}); block != nil && block.Next(&f); {
			times = append(times, f.Time)
			if want := byte(f.Time / 1000 % 256); f.Data[len(f.Data)-1] != want {
				t.Fatalf("frame at %d has data of another: %d, want %d", f.Time, f.Data[len(f.Data)-1], want)
			}
		}
	}
}

// marked is a packet whose last octet says when it was seen.
func marked(t *testing.T, us int64) packet {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	f[len(f)-1] = byte(us % 256)
	return packet{time.UnixMicro(us), f}
}

// Frames of many files come in order of time, whole, none missing, none twice.
func TestMergeOrder(t *testing.T) {
	const base = 1_700_000_000_000_000
	for _, files := range []int{0, 1, 2, 3, 40} {
		t.Run(fmt.Sprint(files, " files"), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(files), 1))
			var named []Named
			var want []int64
			for i := range files {
				at := int64(base + r.IntN(2_000_000))
				var list []packet
				for range r.IntN(9000 / files) { // more than a block; none now and then
					at += int64(r.IntN(1000))
					list = append(list, marked(t, at))
					want = append(want, at*1000)
				}
				named = append(named, Named{fmt.Sprint(i), pcap(t, list)})
			}
			slices.Sort(want)
			m := newMerged(named)
			got, err := readFrames(t, m)
			if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
				t.Errorf("%d frames, in order: %v, want %d; ended by %v", len(got), slices.IsSorted(got), len(want), err)
			}
			stats, err := m.Stats()
			if err := errors.Join(err, m.Close()); err != nil || stats.Packets != uint64(len(want)) {
				t.Errorf("stats %+v of %d frames, %v", stats, len(want), err)
			}
		})
	}
}

// What is of the same time comes in order of the files.
func TestMergeEqualTimes(t *testing.T) {
	at := noon
	file := func(port uint16) Source {
		return pcap(t, []packet{{at, udp(t, "9.9.9.9", "192.168.1.2", port, 40000)}, {at, udp(t, "9.9.9.9", "192.168.1.2", port, 40000)}})
	}
	m := newMerged([]Named{{"a", file(1)}, {"b", file(2)}, {"c", file(3)}})
	var ports []byte
	for {
		block, err := m.ReadBlock(0)
		if err != nil {
			break
		}
		for f := (capture.Frame{}); block.Next(&f); {
			ports = append(ports, f.Data[35])
		}
	}
	if want := []byte{1, 1, 2, 2, 3, 3}; !slices.Equal(ports, want) {
		t.Errorf("order %v, want %v", ports, want)
	}
}

// stubborn is a pipe that has nothing yet, some times, and then fails or ends.
type stubborn struct {
	Source
	nothing int
	err     error
	stopped bool
}

func (s *stubborn) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	if s.nothing > 0 {
		s.nothing--
		return nil, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.Source.ReadBlock(timeout)
}

func (s *stubborn) Stop() { s.stopped = true; s.Source.Stop() }

// A pipe is waited for; a file that fails does not keep the others from being read, and
// its error names it.
func TestMergeWaitsAndFails(t *testing.T) {
	late := &stubborn{Source: pcap(t, []packet{marked(t, 500)}), nothing: 3}
	broken := &stubborn{Source: pcap(t, nil), err: errors.New("disk on fire")}
	m := newMerged([]Named{{"a", pcap(t, []packet{marked(t, 1000), marked(t, 2000)})}, {"pipe", late}, {"broken", broken}})
	for range 3 {
		if block, err := m.ReadBlock(0); block != nil || err != nil {
			t.Fatalf("while the pipe has nothing: %v, %v", block, err)
		}
	}
	times, err := readFrames(t, m)
	if errors.Is(err, io.EOF) || err == nil || !strings.Contains(err.Error(), "broken: disk on fire") {
		t.Errorf("ended by %v, want the error of broken", err)
	}
	if want := []int64{500_000, 1_000_000, 2_000_000}; !slices.Equal(times, want) || late.nothing != 0 {
		t.Errorf("frames at %v, want %v, the pipe's first", times, want)
	}
	m.Stop()
	if !late.stopped || !broken.stopped {
		t.Error("Stop does not reach every source")
	}
}

// Files that overlap, given in any order, make ticks as one file would: nothing is late.
func TestReplayMergesFiles(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	var a, b, all []packet
	for i := range 200 {
		p := packet{noon.Add(time.Duration(i) * time.Second), f}
		all = append(all, p)
		if i%3 == 0 {
			a = append(a, p)
		} else {
			b = append(b, p)
		}
	}
	want := ticks(replay(t, all, nil))
	m := &memory{}
	s := newSensor(t, m, nil)
	if err := s.Replay(context.Background(), []Named{{"b", pcap(t, b)}, {"none", pcap(t, nil)}, {"a", pcap(t, a)}}); err != nil {
		t.Fatal(err)
	}
	if got := ticks(m); !slices.Equal(got, want) {
		t.Errorf("ticks %q, want %q", got, want)
	}
	m.checkBooks(t, true)
	if i := s.Status().Interfaces; len(i) != 1 || i[0].Name != "b and 2 more" || i[0].Books.Frames != 200 {
		t.Errorf("status %+v", i)
	}
	if err := newSensor(t, m, nil).Replay(context.Background(), nil); err != nil {
		t.Errorf("no files at all: %v", err)
	}
}
