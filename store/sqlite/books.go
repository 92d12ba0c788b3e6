package sqlite

import (
	"encoding/binary"

	"github.com/packetheat/packetheat/store"
)

// totals are the counters kept in a batch's row.
type totals struct {
	books     store.Books
	points    store.Sum // of all points
	unlocated store.Sum // of the points without a place
	damaged   uint64    // of a tier: batches whose block or counters could not be read
	forgotten store.Sum // of points that were taken out on purpose; the books still have them
}

// counters lists every counter in the order of the blob. New ones are added at the
// end: a shorter blob leaves them 0.
func (t *totals) counters() []*uint64 {
	b := &t.books
	list := []*uint64{&b.Ring, &b.Drops, &b.Freezes, &b.Frames}
	for _, c := range []*store.Count{&b.Captured, &b.Filtered, &b.NonIP, &b.Undecodable, &b.Decoded,
		&b.LocalOnly, &b.OnePublic, &b.TwoPublic, &b.Folded, &b.Late} {
		list = append(list, &c.Packets, &c.Bytes)
	}
	for _, s := range []*store.Sum{&t.points, &t.unlocated} {
		list = append(list, &s.Packets, &s.Bytes, &s.Opens)
	}
	return append(list, &t.damaged, &t.forgotten.Packets, &t.forgotten.Bytes, &t.forgotten.Opens)
}

// add adds o to t, counter by counter.
func (t *totals) add(o *totals) {
	theirs := o.counters()
	for i, c := range t.counters() {
		*c += *theirs[i]
	}
}

// totalsOf sums up a batch.
func totalsOf(b *store.Batch) totals {
	t := totals{books: b.Books}
	for i := range b.Points {
		p := &b.Points[i]
		t.points.Add(p.Sum())
		if p.Place == (store.Place{}) {
			t.unlocated.Add(p.Sum())
		}
	}
	return t
}

func (t *totals) encode() []byte {
	b := beginSeal(nil, partBooks)
	for _, c := range t.counters() {
		b = binary.AppendUvarint(b, *c)
	}
	return endSeal(b)
}

func (t *totals) decode(sealed []byte) error {
	b, err := unseal(sealed, partBooks)
	if err != nil {
		return err
	}
	r := reader{b: b}
	for _, c := range t.counters() {
		if len(r.b) == 0 {
			break
		}
		*c = r.uvarint()
	}
	if r.bad {
		return errDamaged
	}
	return nil
}
