package sensor

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// counters is a system that says what a test wants.
type counters struct {
	interfaces map[int]capture.InterfaceLoss
	cores      uint64
}

func (c *counters) system() system {
	return system{
		losses: func(indexes []int) (map[int]capture.InterfaceLoss, error) {
			asked := map[int]capture.InterfaceLoss{}
			for _, i := range indexes {
				if l, ok := c.interfaces[i]; ok {
					asked[i] = l
				}
			}
			return asked, nil
		},
		backlog: func() (uint64, error) { return c.cores, nil },
	}
}

// What an interface and the cores had lost before the start is not ours; an interface
// that is made anew begins at 0.
func TestLossesSinceStart(t *testing.T) {
	s := newSensor(t, &memory{}, nil)
	p := &port{name: "eth0"}
	kernel := &counters{interfaces: map[int]capture.InterfaceLoss{7: {RxDropped: 1000, RxMissed: 50, RxFIFO: 5}}, cores: 99}
	m := &manager{sensor: s, sys: kernel.system(), ports: map[string]*port{"eth0": p}}
	var meter lossMeter
	p.opened(&s.gaps, 7, noon)
	check := func(what string, want, total Losses) {
		t.Helper()
		m.readLosses(&meter)
		st := s.Status()
		var got Losses
		for _, i := range st.Interfaces {
			got = i.Losses
		}
		if diff := gocmp.Diff([]Losses{want, total}, []Losses{got, st.Losses}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("at the start", Losses{}, Losses{})
	kernel.interfaces[7] = capture.InterfaceLoss{RxDropped: 1003, RxMissed: 51, RxFIFO: 5}
	kernel.cores = 101
	want := Losses{RxDropped: 3, RxMissed: 1}
	check("grown", want, Losses{BacklogDrops: 2, RxDropped: 3, RxMissed: 1})
	check("read again", want, Losses{BacklogDrops: 2, RxDropped: 3, RxMissed: 1})
	kernel.interfaces[7] = capture.InterfaceLoss{RxDropped: 4}
	check("counters began anew", Losses{RxDropped: 7, RxMissed: 1}, Losses{BacklogDrops: 2, RxDropped: 7, RxMissed: 1})
	p.shut(&s.gaps, noon)
	delete(kernel.interfaces, 7)
	p.opened(&s.gaps, 8, noon.Add(time.Second))
	kernel.interfaces[8] = capture.InterfaceLoss{RxDropped: 500}
	check("another interface", Losses{RxDropped: 7, RxMissed: 1}, Losses{BacklogDrops: 2, RxDropped: 7, RxMissed: 1})
	kernel.interfaces[8] = capture.InterfaceLoss{RxDropped: 501}
	check("which grows", Losses{RxDropped: 8, RxMissed: 1}, Losses{BacklogDrops: 2, RxDropped: 8, RxMissed: 1})
}

// dropping is a live source whose kernel says it dropped some.
type dropping struct{ *scripted }

func (dropping) Stats() (capture.Stats, error) {
	return capture.Stats{Packets: 12, Drops: 10, Freezes: 3}, nil
}
func (dropping) Size() int { return 4 << 20 }

// Drops of the kernel, folds and merged ticks are told apart, for each interface and in
// all, in names that programs rely on.
func TestLossesApart(t *testing.T) {
	m := &memory{}
	source := &scripted{now: noon, steps: []step{{noon, nil}, {noon.Add(time.Second), nil}}, t: t}
	s := newSensor(t, m, func(c *Config) { c.Now = source.clock })
	p := s.start(true)
	p.add("eth0", dropping{source}, nil)
	if err := p.drain(); err != nil {
		t.Fatal(err)
	}
	s.note(func(st *Status) { st.MergedTicks += 2 }) // the writer's
	s.noteInterface("eth0", func(i *InterfaceStatus) {
		i.Losses.MergedTicks++
		i.Books.Folded = store.Count{Packets: 5, Bytes: 300}
	})
	st := s.Status()
	one := Losses{RingDrops: 10, RingFreezes: 3, FoldedPackets: 5, MergedTicks: 1}
	all := one
	all.MergedTicks = 3
	if diff := gocmp.Diff([]Losses{one, all}, []Losses{st.Interfaces[0].Losses, st.Losses}); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
	if st.MergedTicks != 3 {
		t.Errorf("%d merged ticks, want 3", st.MergedTicks)
	}
	text, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		`"losses":{"ring_drops":10,"ring_freezes":3,"backlog_drops":0,"rx_dropped":0,"rx_missed":0,"rx_fifo":0,"folded_packets":5,"merged_ticks":`,
		`"ring_bytes":0`, `"ring_wanted":0`, `"warnings":[]`,
	} {
		if !strings.Contains(string(text), name) {
			t.Errorf("%s is not in %s", name, text)
		}
	}
}

// The memory that a source says it has is in Status while it is open.
func TestStatusRingBytes(t *testing.T) {
	s := newSensor(t, &memory{}, nil)
	sh := s.newShard(0, "eth0", dropping{&scripted{}}, true)
	s.shards = append(s.shards, sh)
	if i := s.Status().Interfaces; len(i) != 1 || i[0].RingBytes != 4<<20 || i[0].Shards != 1 {
		t.Errorf("status %+v, want one ring of 4 MiB", i)
	}
}
