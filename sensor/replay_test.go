package sensor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// ticks summarises batches: tick offset from noon in ticks, seq, packets, late flag.
func ticks(m *memory) []string {
	var list []string
	for _, b := range m.batches {
		var n uint64
		late := ""
		for _, p := range b.Points {
			n += p.Packets
			if p.Flags&store.Late != 0 {
				late = " late"
			}
		}
		list = append(list, fmt.Sprintf("%d/%d: %d%s", b.Tick.Sub(noon.Truncate(10*time.Second))/(10*time.Second), b.Seq, n, late))
	}
	return list
}

func TestReplayTicks(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	at := func(seconds ...int) (list []packet) {
		for _, s := range seconds {
			list = append(list, packet{noon.Add(time.Duration(s) * time.Second), f})
		}
		return list
	}
	tests := []struct {
		name    string
		packets []packet
		want    []string
	}{
		{"empty file", nil, nil},
		{"one tick", at(0, 1, 2), []string{"0/0: 3"}},
		{"neighbours", at(0, 10, 11), []string{"0/0: 1", "1/0: 2"}},
		{"out of order within two ticks", at(0, 20, 10, 1, 21), []string{"0/0: 2", "1/0: 1", "2/0: 2"}},
		{"later than that", at(0, 10, 20, 30, 40, 50, 1), []string{"0/0: 1", "1/0: 1", "2/0: 1", "0/1: 1 late", "3/0: 1", "4/0: 1", "5/0: 1"}},
		{"silence is idle", at(0, 30), []string{"1/0: 0", "2/0: 0", "0/0: 1", "3/0: 1"}},
		{"long silence is off", at(0, 7200), []string{"0/0: 1", "720/0: 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := replay(t, tt.packets, nil)
			if got := ticks(m); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("batches are %q, want %q", got, tt.want)
			}
			m.checkBooks(t, true)
		})
	}
}

// Packet times are kept as they are, however odd.
func TestReplayOddTimes(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	times := []time.Time{time.Unix(0, 0), time.Unix(5, 0), time.Date(1985, 10, 26, 1, 21, 0, 0, time.UTC), noon, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), noon.Add(-time.Hour)}
	var packets []packet
	for _, at := range times {
		packets = append(packets, packet{at, f})
	}
	m := replay(t, packets, nil)
	seen := map[time.Time]uint64{}
	for _, p := range m.points() {
		seen[p.Time.UTC()] += p.Packets
	}
	for _, at := range times {
		if seen[at.UTC().Truncate(10*time.Second)] == 0 {
			t.Errorf("no point at %s", at)
		}
	}
	m.checkBooks(t, true)
}

// Books balance and nothing is lost over random traffic, garbage included, in a
// table small enough to fold.
func TestReplayBooks(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	var packets []packet
	var public, bytes uint64
	for i := range 30_000 {
		src := netip.AddrFrom4([4]byte{20, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}).String()
		data := tcp(t, src, "192.168.1.2", uint16(1024+r.IntN(60000)), uint16(1+r.IntN(1000)), r.IntN(2) == 0, false)
		switch r.IntN(10) {
		case 0:
			data = data[:r.IntN(len(data))+1] // cut
		case 1:
			for range 5 {
				data[r.IntN(len(data))] = byte(r.Uint32())
			}
		}
		public++
		bytes += uint64(len(data))
		packets = append(packets, packet{noon.Add(time.Duration(i) * time.Millisecond), data})
	}
	m := replay(t, packets, func(c *Config) { c.MaxKeys = 1024 })
	books := m.checkBooks(t, true)
	if books.Captured != (store.Count{Packets: public, Bytes: bytes}) {
		t.Errorf("captured %+v, sent %d packets %d bytes", books.Captured, public, bytes)
	}
	if books.Folded.Packets == 0 || books.Undecodable.Packets == 0 || books.NonIP.Packets == 0 {
		t.Errorf("the mix misses a kind: %+v", books)
	}
}

// A sink that fails for a while is tried again with the same number, so nothing is
// lost and nothing counts twice.
func TestWriterTriesAgain(t *testing.T) {
	m := &memory{}
	fails := 0
	m.fail = func(b *store.Batch) error {
		if fails++; fails <= 2 {
			return errors.New("disk full")
		}
		return nil
	}
	s := newSensor(t, m, nil)
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	err := s.Replay(context.Background(), []Named{{"x", pcap(t, []packet{{noon, f}, {noon.Add(10 * time.Second), f}})}})
	if err != nil {
		t.Fatal(err)
	}
	if books := m.checkBooks(t, true); books.OnePublic.Packets != 2 {
		t.Errorf("stored %d packets, want 2", books.OnePublic.Packets)
	}
	if st := s.Status(); st.CommitErrors != 2 || st.CommitError != "" || st.Commits != 2 {
		t.Errorf("status %+v, want 2 errors, 2 commits and no present error", st)
	}
}

// A sink that never works ends a replay with an error that says what is missing.
func TestReplayFailsWithItsSink(t *testing.T) {
	full := errors.New("disk full")
	m := &memory{fail: func(*store.Batch) error { return full }}
	s := newSensor(t, m, nil)
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	var packets []packet
	for i := range 200 {
		packets = append(packets, packet{noon.Add(time.Duration(i) * 10 * time.Second), f})
	}
	if err := s.Replay(context.Background(), []Named{{"x", pcap(t, packets)}}); !errors.Is(err, full) {
		t.Errorf("error is %v, want %v", err, full)
	}
}

// A live writer whose sink hangs merges ticks; the sums stay exact.
func TestWriterMergesWaitingTicks(t *testing.T) {
	release := make(chan struct{})
	m := &memory{}
	blocked := slowSink{m, release}
	s := newSensor(t, blocked, nil)
	w := newWriter(s, true)
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	const n = 3 * maxQueued
	for i := range n {
		tick := noon.Truncate(10 * time.Second).Add(time.Duration(i) * 10 * time.Second)
		b := &store.Batch{Sensor: "test", Tick: tick, Interval: 10 * time.Second, From: tick, To: tick.Add(10 * time.Second)}
		b.Points = []store.Point{{Time: tick, Interval: b.Interval, Sensor: "test", Addr: netip.MustParsePrefix("9.9.9.9/32"), Packets: 2, Bytes: 9}}
		b.Books.OnePublic = store.Count{Packets: 2, Bytes: 9}
		b.Books.Decoded, b.Books.Captured = b.Books.OnePublic, b.Books.OnePublic
		w.enqueue(b)
	}
	if waiting := len(w.queue.list); waiting > maxQueued {
		t.Errorf("%d batches wait, the bound is %d", waiting, maxQueued)
	}
	close(release)
	w.close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if books := m.checkBooks(t, true); books.OnePublic.Packets != 2*n {
		t.Errorf("stored %d packets, want %d", books.OnePublic.Packets, 2*n)
	}
	if s.Status().MergedTicks == 0 {
		t.Error("merged ticks are not counted")
	}
}

type slowSink struct {
	*memory
	release chan struct{}
}

func (s slowSink) Append(ctx context.Context, b *store.Batch) error {
	<-s.release
	return s.memory.Append(ctx, b)
}

func TestReplayStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := &memory{}
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	err := newSensor(t, m, nil).Replay(ctx, []Named{{"x", pcap(t, []packet{{noon, f}})}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
	m.checkBooks(t, true)
}

// A run whose context has ended before it began ends, too.
func TestRunEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	sys := system{
		open:    func(capture.RingConfig, Filter) ([]Source, error) { return nil, errors.New("must not be asked") },
		resolve: func([]string) (choice, error) { return choice{names: []string{"eth0"}}, nil },
		watch:   func(context.Context) (<-chan struct{}, error) { return nil, errors.New("nothing to watch") },
	}
	sys.networks = func() ([]netip.Prefix, error) { return nil, nil }
	sys.losses = func([]int) (map[int]capture.InterfaceLoss, error) { return nil, nil }
	sys.backlog = func() (uint64, error) { return 0, nil }
	done := make(chan error, 1)
	go func() { done <- newSensor(t, &memory{}, nil).runOn(ctx, Live{Interfaces: []string{"eth0"}}, sys) }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the run does not end")
	}
}
