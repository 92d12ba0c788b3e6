package sensor

import (
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
}

// count decodes a frame and counts it. No lock, channel, allocation or look-up.
func (t *tally) count(f *capture.Frame, p *decode.Packet) {
	n := count{packets: uint64(f.Segments), bytes: uint64(f.WireLen)}
	books := &t.books
	books.Frames++
	books.Captured.Packets += n.packets
	books.Captured.Bytes += n.bytes
	status := decode.Decode(p, decode.LinkType(f.LinkType), f.EtherType, f.Data)
	if status != decode.Decoded {
		into := &books.Undecodable
		if status == decode.NonIP {
			into = &books.NonIP
		}
		into.Packets += n.packets
		into.Bytes += n.bytes
		return
	}
	books.Decoded.Packets += n.packets
	books.Decoded.Bytes += n.bytes
	if p.Tunnels > 0 {
		t.tunnel(p, n.packets)
	}
	if p.SYN {
		n.opens = 1
	}
	t.add(p, n)
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
	if !t.outer && t.classify(p) != localOnly {
		return
	}
	p.Src, p.Dst, p.V6 = p.OuterSrc, p.OuterDst, p.OuterV6
	p.Proto, p.SrcPort, p.DstPort, p.HasPorts = p.OuterProto, p.OuterSrcPort, p.OuterDstPort, p.OuterHasPorts
	p.SYN, p.Tunnels = false, 0
}

// add counts a decoded packet under its key. A key that is in the table was
// classified when it came; only new keys and local traffic are looked at closely.
func (t *tally) add(p *decode.Packet, n count) {
	k := key{src: p.Src, dst: p.Dst, meta: uint64(p.Proto) | metaUsed}
	if p.HasPorts {
		k.meta |= uint64(min(p.SrcPort, p.DstPort))<<metaPort | metaHasPort
	}
	if p.V6 {
		k.meta |= metaV6
	}
	e := t.table.slot(&k)
	if e.meta != 0 {
		e.packets += n.packets
		e.bytes += n.bytes
		e.opens += n.opens
		t.account(e.class, n)
		return
	}
	c := t.classify(p)
	t.account(c, n)
	if c != localOnly && t.table.insert(&k, c, n) {
		t.books.Folded.Packets += n.packets
		t.books.Folded.Bytes += n.bytes
	}
}

func (t *tally) classify(p *decode.Packet) class {
	var c class
	if !t.networks.local(p.Src, p.V6) {
		c = srcPublic
	}
	if !t.networks.local(p.Dst, p.V6) {
		c |= dstPublic
	}
	return c
}

func (t *tally) account(c class, n count) {
	into := &t.books.OnePublic
	switch c {
	case localOnly:
		into = &t.books.LocalOnly
	case bothPublic:
		into = &t.books.TwoPublic
	}
	into.Packets += n.packets
	into.Bytes += n.bytes
}

// absorb adds all that from counted, as if its packets had come in the tick of t.
func (t *tally) absorb(from *tally) {
	for i := range from.table.slots {
		e := &from.table.slots[i]
		if e.meta == 0 {
			continue
		}
		n := count{e.packets, e.bytes, e.opens}
		if into := t.table.find(&e.key); into != nil {
			into.add(n)
		} else if e.meta&metaFolded != 0 {
			t.table.put(&e.key, e.class).add(n)
		} else if t.table.insert(&e.key, e.class, n) {
			t.books.Folded.Add(store.Count{Packets: n.packets, Bytes: n.bytes})
		}
	}
	t.books.Add(&from.books)
	t.tunnels += from.tunnels
	t.last = max(t.last, from.last)
	t.copies.add(from.copies)
}
