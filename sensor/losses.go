package sensor

import (
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// Losses counts what is missing or coarser than it could be, each kind apart, since
// the start of a run. The first three and the interface's are frames, and were lost by
// others; the last two are ours, and lose no packet from the totals.
type Losses struct {
	RingDrops    uint64 `json:"ring_drops"`    // the kernel's, because our ring was full
	RingFreezes  uint64 `json:"ring_freezes"`  // how often it was
	BacklogDrops uint64 `json:"backlog_drops"` // of the whole machine, hence only in the total: before any ring, a core's queue was full

	// What the interface says it dropped. RxDropped has its part of BacklogDrops in it,
	// and what no protocol wanted.
	RxDropped uint64 `json:"rx_dropped"`
	RxMissed  uint64 `json:"rx_missed"` // by the hardware, for want of buffers
	RxFIFO    uint64 `json:"rx_fifo"`   // overruns of the hardware's queue

	FoldedPackets uint64 `json:"folded_packets"` // counted under a coarser key: the table was full
	MergedTicks   uint64 `json:"merged_ticks"`   // counted with the tick before: what is behind was slow
}

func (l *Losses) add(o *Losses) {
	l.RingDrops += o.RingDrops
	l.RingFreezes += o.RingFreezes
	l.BacklogDrops += o.BacklogDrops
	l.RxDropped += o.RxDropped
	l.RxMissed += o.RxMissed
	l.RxFIFO += o.RxFIFO
	l.FoldedPackets += o.FoldedPackets
	l.MergedTicks += o.MergedTicks
}

// count takes over what the books know.
func (l *Losses) count(b *store.Books) {
	l.RingDrops, l.RingFreezes, l.FoldedPackets = b.Drops, b.Freezes, b.Folded.Packets
}

// lossMeter turns counters of the kernel into what was added since they were first
// read. They begin again at 0 where an interface is made anew.
type lossMeter struct {
	interfaces map[int]capture.InterfaceLoss // by index, as last read
	backlog    uint64
	began      bool
}

// readLosses reads the counters of the open interfaces, once a second.
func (m *manager) readLosses(meter *lossMeter) {
	names := map[int]string{}
	var indexes []int
	for _, p := range m.all() {
		if index := p.at(); index > 0 {
			names[index] = p.name
			indexes = append(indexes, index)
		}
	}
	if now, err := m.sys.losses(indexes); err == nil {
		for index, grown := range meter.grow(now) {
			m.sensor.noteInterface(names[index], func(i *InterfaceStatus) { i.Losses.add(&grown) })
		}
	}
	if now, err := m.sys.backlog(); err == nil {
		grown := meter.growBacklog(now)
		m.sensor.note(func(st *Status) { st.Losses.BacklogDrops += grown })
	}
}

// grow returns what the counters grew by, of interfaces that had been read before.
func (m *lossMeter) grow(now map[int]capture.InterfaceLoss) map[int]Losses {
	grown := map[int]Losses{}
	for index, n := range now {
		if was, known := m.interfaces[index]; known {
			grown[index] = Losses{
				RxDropped: since(was.RxDropped, n.RxDropped), RxMissed: since(was.RxMissed, n.RxMissed), RxFIFO: since(was.RxFIFO, n.RxFIFO),
			}
		}
	}
	m.interfaces = now
	return grown
}

// growBacklog is grow for the backlog's counter.
func (m *lossMeter) growBacklog(now uint64) (grown uint64) {
	if m.began {
		grown = since(m.backlog, now)
	}
	m.backlog, m.began = now, true
	return grown
}

// since returns what a counter grew by; one that is smaller than it was began anew.
func since(was, now uint64) uint64 {
	if now < was {
		return now
	}
	return now - was
}
