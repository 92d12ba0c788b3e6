package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture"
)

// machine is what a live run asks, as a test wants it.
type machine struct {
	mu      sync.Mutex
	choice  choice
	refuse  map[string]error // why an interface cannot be opened
	rings   []*quietRing     // all that were ever opened
	changed chan struct{}
}

// quietRing is a ring on which nothing comes.
type quietRing struct {
	cfg   capture.RingConfig
	index int
	have  int // bytes that there were

	stop   chan struct{}
	once   sync.Once
	mu     sync.Mutex
	closed bool
	gone   bool
}

func (r *quietRing) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	select {
	case <-r.stop:
		if r.gone {
			return nil, capture.ErrInterfaceGone
		}
		return nil, io.EOF
	case <-time.After(min(timeout, 20*time.Millisecond)):
		return nil, nil
	}
}

func (r *quietRing) Stats() (capture.Stats, error) { return capture.Stats{}, nil }
func (r *quietRing) Stop()                         { r.once.Do(func() { close(r.stop) }) }
func (r *quietRing) Index() int                    { return r.index }
func (r *quietRing) Size() int                     { return r.have }

// Close implements Source.
func (r *quietRing) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

func (r *quietRing) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// set makes the run see another choice. A name's index is that of all, in order.
func (m *machine) set(all []capture.Interface, names ...string) {
	m.mu.Lock()
	m.choice = choice{names: names, all: all, reason: "the test says so"}
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// links makes interfaces that are up; their indexes count from 1.
func links(names ...string) (all []capture.Interface) {
	for i, name := range names {
		all = append(all, capture.Interface{Name: name, Index: i + 1, Up: true})
	}
	return all
}

func (m *machine) system() system {
	return system{
		resolve: func([]string) (choice, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.choice, nil
		},
		open: func(cfg capture.RingConfig, _ Filter) (sources []Source, err error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			if err := m.refuse[cfg.Interface]; err != nil {
				return nil, err
			}
			for range max(cfg.Shards, 1) {
				r := &quietRing{cfg: cfg, index: m.choice.index(cfg.Interface), have: cfg.RingBytes / 2, stop: make(chan struct{})}
				m.rings = append(m.rings, r)
				sources = append(sources, r)
			}
			return sources, nil
		},
		watch:    func(context.Context) (<-chan struct{}, error) { return m.changed, nil },
		waitUp:   func(ctx context.Context, _ string) error { return ctx.Err() },
		networks: func() ([]netip.Prefix, error) { return []netip.Prefix{netip.MustParsePrefix("80.1.2.3/32")}, nil },
		losses:   func([]int) (map[int]capture.InterfaceLoss, error) { return nil, nil },
		backlog:  func() (uint64, error) { return 0, errors.New("no such file") },
	}
}

// open lists the rings that are open: name, megabytes, and + where promiscuous.
func (m *machine) open() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, r := range m.rings {
		if !r.isClosed() {
			more := map[bool]string{true: "+"}[r.cfg.Promiscuous]
			list = append(list, fmt.Sprintf("%s%s:%d", r.cfg.Interface, more, r.cfg.RingBytes>>20))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// expect waits until these rings are open.
func (m *machine) expect(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); m.open() != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("open are %q, want %q", m.open(), want)
		}
	}
}

// runMachine starts a run on a machine.
func runMachine(t *testing.T, m *machine, l Live) (s *Sensor, stop func() error) {
	t.Helper()
	m.changed = make(chan struct{}, 1)
	s = newSensor(t, &memory{}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.runOn(ctx, l, m.system()) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatalf("the run ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("not ready after a minute")
	}
	return s, stop
}

// The memory for rings is divided by interfaces and shards; one that comes when all is
// given away gets an eighth, one that comes for another its share.
func TestLiveDividesRingTotal(t *testing.T) {
	m := &machine{}
	m.choice = choice{names: []string{"a", "b"}, all: links("a", "b", "c")}
	s, stop := runMachine(t, m, Live{Ring: capture.RingConfig{Shards: 2}, RingTotal: 128 << 20})
	m.expect(t, "a:32 a:32 b:32 b:32")
	for _, i := range s.Status().Interfaces {
		if i.RingWanted != 64<<20 || i.RingBytes != 32<<20 || i.Shards != 2 {
			t.Errorf("%+v: want 64 MiB asked for, half of it obtained, by 2 rings", i)
		}
	}
	m.set(links("a", "b", "c"), "a", "b", "c")
	m.expect(t, "a:32 a:32 b:32 b:32 c:8 c:8")
	m.set(links("a", "b", "c"), "c")
	m.expect(t, "c:8 c:8")
	m.set(links("a", "b", "c"), "b")
	m.expect(t, "b:64 b:64")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m.expect(t, "")
}

// However many interfaces share it, a ring has two blocks.
func TestLiveLeastRing(t *testing.T) {
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("i%02d", i))
	}
	m := &machine{choice: choice{names: names, all: links(names...)}}
	runMachine(t, m, Live{Ring: capture.RingConfig{BlockSize: 4 << 20}, RingTotal: 16 << 20})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rings {
		if r.cfg.RingBytes < 8<<20 {
			t.Fatalf("a ring of %d bytes for blocks of 4 MiB", r.cfg.RingBytes)
		}
	}
}

// A renamed interface keeps its rings; a name that another interface has taken gets new
// ones; a bridge that must be promiscuous from now on, too.
func TestLiveKeepsOrReopens(t *testing.T) {
	m := &machine{choice: choice{names: []string{"a"}, all: links("a", "b")}}
	runMachine(t, m, Live{Ring: capture.RingConfig{RingBytes: 4 << 20}})
	m.expect(t, "a:4")
	m.set(links("wan", "b"), "wan") // index 1, which a had
	time.Sleep(100 * time.Millisecond)
	m.expect(t, "a:4")
	m.set(links("wan", "a"), "a") // index 2
	opened := func() int { m.mu.Lock(); defer m.mu.Unlock(); return len(m.rings) }
	for end := time.Now().Add(time.Minute); opened() < 2 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	m.expect(t, "a:4")
	m.mu.Lock()
	if n := len(m.rings); n != 2 || m.rings[1].index != 2 {
		t.Errorf("%d rings were opened, want 2, the second on the interface that has the name now", n)
	}
	m.choice.promiscuous = []string{"a"}
	m.mu.Unlock()
	m.changed <- struct{}{}
	m.expect(t, "a+:4")
}

// What cannot be opened at the start ends the run; what cannot be opened later is tried
// again, and said.
func TestLiveRefusedRings(t *testing.T) {
	forbidden := errors.New("permission denied")
	m := &machine{refuse: map[string]error{"a": forbidden}, choice: choice{names: []string{"a"}, all: links("a")}}
	if err := newSensor(t, &memory{}, nil).runOn(context.Background(), Live{}, m.system()); !errors.Is(err, forbidden) {
		t.Errorf("the run ended by %v, want %v", err, forbidden)
	}
	m = &machine{refuse: map[string]error{"b": forbidden, "c": capture.ErrInterfaceGone}, choice: choice{names: []string{"a", "c"}, all: links("a")}}
	s, _ := runMachine(t, m, Live{Ring: capture.RingConfig{RingBytes: 4 << 20}})
	m.expect(t, "a:4")
	m.set(links("a", "b"), "a", "b")
	states := func() (list []string) {
		for _, i := range s.Status().Interfaces {
			list = append(list, i.Name+" "+i.State)
		}
		return list
	}
	want := []string{"a capturing", "b waiting: permission denied", "c stopped: no longer wanted"}
	for end := time.Now().Add(time.Minute); !slices.Equal(states(), want) && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if diff := gocmp.Diff(want, states()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	m.mu.Lock()
	delete(m.refuse, "b")
	m.mu.Unlock()
	m.expect(t, "a:4 b:4")
}

// Without a default route what was chosen for having one stays; what was chosen for
// want of one changes with the interfaces.
func TestLiveFallback(t *testing.T) {
	m := &machine{choice: choice{names: []string{"a"}, all: links("a", "b"), fallback: true}}
	fallback := func(names ...string) {
		m.mu.Lock()
		m.choice = choice{names: names, all: links("a", "b"), fallback: true}
		m.mu.Unlock()
		m.changed <- struct{}{}
	}
	runMachine(t, m, Live{Ring: capture.RingConfig{RingBytes: 4 << 20}})
	m.expect(t, "a:4")
	fallback("a", "b")
	m.expect(t, "a:4 b:4")
	m.set(links("a", "b"), "b")
	m.expect(t, "b:4")
	fallback("a", "b")
	time.Sleep(100 * time.Millisecond)
	m.expect(t, "b:4")
}

// While all interfaces are down nothing is captured, though their rings are open; one
// that is up suffices.
func TestLiveKnowsDown(t *testing.T) {
	m := &machine{choice: choice{names: []string{"a", "b"}, all: links("a", "b")}}
	s, _ := runMachine(t, m, Live{})
	for _, step := range []struct{ a, b bool }{{true, false}, {false, false}, {false, true}} {
		all := links("a", "b")
		all[0].Up, all[1].Up = step.a, step.b
		m.set(all, "a", "b")
		is := func() bool {
			s.gaps.mu.Lock()
			defer s.gaps.mu.Unlock()
			return s.gaps.on["a"] == step.a && s.gaps.on["b"] == step.b && s.gaps.off.IsZero() == (step.a || step.b)
		}
		for end := time.Now().Add(time.Minute); !is() && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		if !is() {
			t.Errorf("up %v: gaps are %+v, off since %v", step, s.gaps.on, s.gaps.off)
		}
		if since := s.Status().Capturing; since.IsZero() == (step.a || step.b) {
			t.Errorf("up %v: status says capturing since %v", step, since)
		}
	}
}
