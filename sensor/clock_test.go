package sensor

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// scripted is a live source that a test feeds: each step sets the clock, and hands
// out the packets that arrive then.
type scripted struct {
	mu    sync.Mutex
	now   time.Time
	steps []step
	open  Source // of the block handed out last
	t     *testing.T
}

type step struct {
	clock   time.Time
	packets []packet
}

func (s *scripted) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *scripted) ReadBlock(time.Duration) (*capture.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) == 0 {
		return nil, io.EOF
	}
	next := s.steps[0]
	s.steps = s.steps[1:]
	s.now = next.clock
	if len(next.packets) == 0 {
		return nil, nil
	}
	s.open = pcap(s.t, next.packets)
	return s.open.ReadBlock(0)
}

func (s *scripted) Stats() (capture.Stats, error) { return capture.Stats{}, nil }
func (s *scripted) Stop()                         {}
func (s *scripted) Close() error                  { return nil }

// follow runs steps through one live shard and returns what was stored and logged.
func follow(t *testing.T, steps []step) (*memory, string) {
	t.Helper()
	m, source := &memory{}, &scripted{now: steps[0].clock, steps: steps, t: t}
	var log bytes.Buffer
	s := newSensor(t, m, func(c *Config) {
		c.Now = source.clock
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	p := s.start(true)
	p.add("test", source, nil)
	if err := p.drain(); err != nil {
		t.Fatal(err)
	}
	return m, log.String()
}

func packetsOf(m *memory) (n uint64) {
	for _, p := range m.points() {
		n += p.Packets
	}
	return n
}

// Whatever the clock does, every packet is stored under its own time, and neither
// silence nor a step of the clock makes thousands of ticks.
func TestClockSteps(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	second := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	at := func(clock time.Time) step { return step{clock, []packet{{clock, f}}} }
	tests := []struct {
		name    string
		steps   []step
		batches int // at most
		logged  string
	}{
		{"steady", []step{at(second(0)), at(second(9)), at(second(12)), at(second(25)), {second(40), nil}}, 5, ""},
		{"set back by an hour", []step{at(second(0)), at(second(12)), at(second(-3600)), at(second(-3588)), at(second(-3570))}, 8, "set back"},
		{"set back within a tick", []step{at(second(0)), at(second(-2)), at(second(3)), at(second(15))}, 3, ""},
		{"leaps ahead by a day", []step{at(second(0)), at(second(86400)), at(second(86412))}, 5, "leapt ahead"},
		{"sleeps for an hour", []step{at(second(0)), {second(3600), nil}, at(second(3601))}, 5, "slept"},
		{"packets ahead of the clock", []step{{second(0), []packet{{second(7200), f}, {second(1), f}}}, at(second(12))}, 5, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, log := follow(t, tt.steps)
			m.checkBooks(t, false)
			var want uint64
			for _, s := range tt.steps {
				want += uint64(len(s.packets))
				for _, p := range s.packets {
					if !hasPointAt(m, p.at) {
						t.Errorf("no point in the tick of %s", p.at)
					}
				}
			}
			if got := packetsOf(m); got != want {
				t.Errorf("stored %d packets, want %d", got, want)
			}
			if len(m.batches) > tt.batches {
				t.Errorf("%d batches, want at most %d", len(m.batches), tt.batches)
			}
			if (tt.logged == "") != (log == "") || !strings.Contains(log, tt.logged) {
				t.Errorf("log is %q, want %q in it", log, tt.logged)
			}
		})
	}
}

func hasPointAt(m *memory, at time.Time) bool {
	for _, p := range m.points() {
		if p.Time.Equal(at.UTC().Truncate(10 * time.Second)) {
			return true
		}
	}
	return false
}

// A tick that a second pass of the clock fills again is another batch of it.
func TestClockSecondPassIsLate(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	at := func(s int) step {
		clock := noon.Add(time.Duration(s) * time.Second)
		return step{clock, []packet{{clock, f}}}
	}
	m, _ := follow(t, []step{at(0), at(12), at(24), at(0), at(12)})
	late := 0
	for _, b := range m.batches {
		if b.Seq > 0 && len(b.Points) > 0 && b.Points[0].Flags&store.Late != 0 {
			late++
		}
	}
	if late == 0 || packetsOf(m) != 5 {
		t.Errorf("%d late batches, %d packets; want some and 5", late, packetsOf(m))
	}
}
