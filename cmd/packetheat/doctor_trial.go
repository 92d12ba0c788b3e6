package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// nowhere is a locator and a sink for sensors whose points nobody wants.
type nowhere struct{}

func (nowhere) Locate(netip.Addr) geo.Location                             { return geo.Location{} }
func (nowhere) Append(context.Context, *store.Batch) error                 { return nil }
func (nowhere) NextSeq(context.Context, string, time.Time) (uint32, error) { return 0, nil }

// opening is how long the rings of a trial may take to open.
const opening = 5 * time.Second

// trial runs the sensor as run would, without a store, and looks at what it says.
func (e *examination) trial(ctx context.Context) {
	if e.trying <= 0 || tryPacketSocket() != nil {
		return
	}
	c := e.c.Sensor
	s, err := sensor.New(sensor.Config{
		Name: c.Name, Tick: time.Second, Networks: c.LocalNetworks, Mapped: mappedNetworks(e.c), MaxKeys: c.MaxKeys,
		Outer: c.OuterTunnels, Filter: c.CaptureFilter(), Sink: nowhere{}, NewLocator: func() sensor.Locator { return nowhere{} },
	})
	if err != nil {
		e.add("capture", failure, err.Error(), "")
		return
	}
	trying, stop := context.WithTimeout(ctx, opening+e.trying)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(trying, ringsOf(e.c, c.Interfaces, nil)) }()
	select {
	case <-s.Ready():
	case err = <-ended:
	case <-time.After(opening):
	}
	if err != nil {
		e.add("capture", failure, err.Error(), "packetheat interfaces lists what can be captured on")
		return
	}
	select {
	case <-trying.Done():
	case <-time.After(e.trying):
	}
	running := s.Status() // while the rings are open
	stop()
	if err := <-ended; err != nil {
		e.add("capture", failure, err.Error(), "")
		return
	}
	e.findings = append(e.findings, tried(running, s.Status(), e.trying)...)
	e.fanout(running)
	e.promiscuous(ctx, running)
}

// tried says what a trial has shown: running is the status with the rings open, ended
// that at its end.
func tried(running, ended sensor.Status, took time.Duration) (found []finding) {
	add := func(check, level, text, fix string) { found = append(found, finding{check, level, text, fix}) }
	for _, i := range running.Interfaces {
		switch {
		case i.Shards == 0:
			add("capture", failure, i.Name+": "+i.State, "run waits for it; see packetheat interfaces")
		case i.RingBytes < i.RingWanted:
			add("ring", warning, fmt.Sprintf("%s has %s of the %s asked for: the kernel had no more in one piece", i.Name, term.Bytes(uint64(i.RingBytes)), term.Bytes(uint64(i.RingWanted))),
				"free memory (restart after boot, or echo 1 > /proc/sys/vm/compact_memory), or lower sensor.ring.total or .block_size")
		default:
			add("ring", good, fmt.Sprintf("%s has %s in %d rings, as asked for", i.Name, term.Bytes(uint64(i.RingBytes)), i.Shards), "")
		}
	}
	b, l := ended.Books, ended.Losses
	before := len(found)
	for _, loss := range []struct {
		n         uint64
		what, fix string
	}{
		{b.Drops, "lost because the ring was full", "raise sensor.ring.total or sensor.shards"},
		{l.BacklogDrops, "lost because a core's queue was full, before any ring", "sysctl -w net.core.netdev_max_backlog=10000, and see why the core was busy"},
		{l.RxMissed + l.RxFIFO, "lost in the network card", "raise its buffers: ethtool -G INTERFACE rx 4096"},
	} {
		if loss.n > 0 {
			add("drops", warning, fmt.Sprintf("%s of %s frames in %s %s", term.Count(loss.n), term.Count(b.Frames), took, loss.what), loss.fix)
		}
	}
	if len(found) == before {
		add("drops", good, fmt.Sprintf("none of %s frames in %s", term.Count(b.Frames), took), "")
	}
	for _, w := range ended.Warnings {
		add("traffic", warning, w.Text, w.Mend)
	}
	return found
}

// fanout tries whether the kernel spreads packets over rings: some containers'
// kernels do not.
func (e *examination) fanout(s sensor.Status) {
	for _, i := range s.Interfaces {
		if i.Shards == 0 {
			continue
		}
		rings, err := capture.OpenRings(capture.RingConfig{Interface: i.Name, Shards: 2, RingBytes: 1 << 20, BlockSize: 1 << 18, Fanout: fanoutOf(e.c)})
		if err != nil {
			e.add("fanout", warning, fmt.Sprintf("%s: %v", i.Name, err), "sensor.shards: 1 does without")
			return
		}
		closeRings(rings)
	}
	e.add("fanout", good, e.c.Sensor.Fanout+" works", "")
}

func closeRings(rings []*capture.Ring) {
	for _, r := range rings {
		_ = r.Close() // it was only looked at
	}
}

// promiscuous counts frames for other machines, which only promiscuous mode takes: on
// a mirror port those are what it is for.
func (e *examination) promiscuous(ctx context.Context, s sensor.Status) {
	others, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtType},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(capture.PacketOtherHost), SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 64},
	})
	if err != nil || e.c.Sensor.Promiscuous {
		return
	}
	counting := map[string]*capture.Ring{}
	for _, i := range s.Interfaces {
		if i.Shards == 0 || i.Name == "lo" {
			continue
		}
		rings, err := capture.OpenRings(capture.RingConfig{Interface: i.Name, Promiscuous: true, Filter: others, RingBytes: 1 << 20, BlockSize: 1 << 18})
		if err == nil {
			defer closeRings(rings)
			counting[i.Name] = rings[0]
		}
	}
	if len(counting) == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(measured):
	}
	for _, i := range s.Interfaces {
		if ring := counting[i.Name]; ring != nil {
			if stats, err := ring.Stats(); err == nil {
				e.findings = append(e.findings, mirrored(i.Name, stats.Packets, i.Books.Frames/max(1, uint64(e.trying/measured)))...)
			}
		}
	}
}

// mirrored judges frames for others in a second beside those that were for us.
func mirrored(name string, others, ours uint64) []finding {
	switch {
	case others > 10 && others > ours/2:
		return []finding{{"promiscuous", warning, fmt.Sprintf("%s sees %s frames/s for other machines, more than half of its own: a mirror port?", name, term.Count(others)),
			"to count them as well: sensor.promiscuous: true"}}
	case others > 10:
		return []finding{{"promiscuous", note, fmt.Sprintf("%s also sees %s frames/s for other machines", name, term.Count(others)), "sensor.promiscuous: true would count them"}}
	}
	return []finding{{"promiscuous", good, "not needed on " + name + ": there are no frames for other machines", ""}}
}

// sorted puts the findings that need something done last, where the eye is.
func sorted(findings []finding) []finding {
	rank := map[string]int{good: 0, note: 1, warning: 2, failure: 3}
	list := slices.Clone(findings)
	slices.SortStableFunc(list, func(a, b finding) int { return rank[a.Level] - rank[b.Level] })
	return list
}
