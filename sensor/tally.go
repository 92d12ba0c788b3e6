package sensor

import (
	"math"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/decode"
	"github.com/packetheat/packetheat/store"
)

// tally is what one shard has counted for one tick: the table and the books. It
// belongs to one goroutine at a time and is handed on whole.
type tally struct {
	tick     int64 // ns since the Unix epoch, start of the tick
	networks *Networks
	outer    bool // charge tunnels to their outer addresses
	table    *table
	books    store.Books
	tunnels  uint64 // packets with a tunnel inside
	late     bool   // the tick had been handed on before
	last     int64  // newest packet time, ns
	copies   copies // found in a sample since the tick before

	waiting [maxWaiting]waiting // packets decoded and not counted yet
	waits   int                 // how many
	sought  uint64              // see table.seek
}

// waiting is a packet that has been decoded and not counted yet: 64 bytes.
type waiting struct {
	key
	hash           uint64
	packets, bytes uint32
	opens          uint32
	place          uint32 // of its entry + 1, as table.seek found it; 0: none
}

// maxWaiting is how many packets are looked up together. From 16 on it makes little
// difference; all of them stay in the processor's first cache.
const maxWaiting = 32

// count decodes a frame and lets it wait to be counted; settle counts. No lock,
// channel, allocation or look-up.
func (t *tally) count(f *capture.Frame, p *decode.Packet) {
	books := &t.books
	books.Frames++
	books.Captured.Packets += uint64(f.Segments)
	books.Captured.Bytes += uint64(f.WireLen)
	status := decode.Decode(p, decode.LinkType(f.LinkType), f.EtherType, f.Data)
	if status != decode.Decoded {
		into := &books.Undecodable
		if status == decode.NonIP {
			into = &books.NonIP
		}
		into.Packets += uint64(f.Segments)
		into.Bytes += uint64(f.WireLen)
		return
	}
	if p.Tunnels > 0 {
		t.tunnel(p, uint64(f.Segments))
	}
	w := &t.waiting[t.waits]
	w.src, w.dst, w.meta = p.Src, p.Dst, uint64(p.Proto)|metaUsed
	if p.HasPorts {
		w.meta |= uint64(min(p.SrcPort, p.DstPort))<<metaPort | metaHasPort
	}
	if p.V6 {
		w.meta |= metaV6
	}
	w.packets, w.bytes, w.opens = f.Segments, f.WireLen, 0
	if p.SYN {
		w.opens = 1
	}
	w.hash = t.table.hash(&w.key)
	if t.waits++; t.waits == maxWaiting {
		t.settle()
	}
}

// settle counts the packets that wait. It must be called before the tally is read or
// handed on. A key that is in the table was classified when it came; only new keys and
// local traffic are looked at closely.
func (t *tally) settle() {
	batch := t.waiting[:t.waits]
	t.waits = 0
	t.sought = t.table.seek(batch)
	var sums [bothPublic + 1]store.Count
	for i := range batch {
		w := &batch[i]
		var c class
		e := t.table.at(w)
		if e == nil { // new, or new a moment ago
			e = t.table.find(w.hash, &w.key)
		}
		if e != nil {
			c = e.class
			e.packets += uint64(w.packets)
			e.bytes += uint64(w.bytes)
			e.opens += w.opens
		} else {
			c = t.first(w)
		}
		sums[c].Packets += uint64(w.packets)
		sums[c].Bytes += uint64(w.bytes)
	}
	t.books.LocalOnly.Add(sums[localOnly])
	t.books.OnePublic.Add(sums[srcPublic])
	t.books.OnePublic.Add(sums[dstPublic])
	t.books.TwoPublic.Add(sums[bothPublic])
	for _, sum := range sums {
		t.books.Decoded.Add(sum)
	}
}

// first counts a packet whose key is not in the table: local traffic never is.
func (t *tally) first(w *waiting) class {
	c := t.classify(w.src, w.dst, w.meta&metaV6 != 0)
	n := count{uint64(w.packets), uint64(w.bytes), w.opens}
	if c != localOnly && t.table.insert(w.hash, &w.key, c, n) {
		t.books.Folded.Add(store.Count{Packets: n.packets, Bytes: n.bytes})
	}
	return c
}

// refuse counts a frame that the filter does not take.
func (t *tally) refuse(f *capture.Frame) {
	n := store.Count{Packets: uint64(f.Segments), Bytes: uint64(f.WireLen)}
	t.books.Frames++
	t.books.Captured.Add(n)
	t.books.Filtered.Add(n)
}

// tunnel makes the outer header the packet where the user wants that, or where both
// inner ends are local.
func (t *tally) tunnel(p *decode.Packet, packets uint64) {
	t.tunnels += packets
	if !t.outer && t.classify(p.Src, p.Dst, p.V6) != localOnly {
		return
	}
	p.Src, p.Dst, p.V6 = p.OuterSrc, p.OuterDst, p.OuterV6
	p.Proto, p.SrcPort, p.DstPort, p.HasPorts = p.OuterProto, p.OuterSrcPort, p.OuterDstPort, p.OuterHasPorts
	p.SYN, p.Tunnels = false, 0
}

func (t *tally) classify(src, dst decode.Addr, v6 bool) class {
	var c class
	if !t.networks.local(src, v6) {
		c = srcPublic
	}
	if !t.networks.local(dst, v6) {
		c |= dstPublic
	}
	return c
}

// absorb adds all that from counted, as if its packets had come in the tick of t.
func (t *tally) absorb(from *tally) {
	for i := range from.table.entries {
		e := &from.table.entries[i]
		n := count{e.packets, e.bytes, e.opens}
		if e.meta&metaFolded != 0 {
			t.table.put1(&e.key, e.class, n, math.MaxInt)
			continue
		}
		hash := t.table.hash(&e.key)
		if into := t.table.find(hash, &e.key); into != nil {
			into.add(n)
		} else if t.table.insert(hash, &e.key, e.class, n) {
			t.books.Folded.Add(store.Count{Packets: n.packets, Bytes: n.bytes})
		}
	}
	t.books.Add(&from.books)
	t.tunnels += from.tunnels
	t.last = max(t.last, from.last)
	t.copies.add(from.copies)
}
