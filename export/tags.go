package export

import (
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// cloudLabel is the label that rows tell apart: what makes all maps the same.
const cloudLabel = "cloud"

// partCloud is the bit of big clouds in the number of a part; see tables.part.
const partCloud = 8

// tags are the labels of a page. A nil *tags knows none.
type tags struct {
	*store.Tagger
	cloud func(addr, peer netip.Prefix, asn uint32) bool // of cloudLabel; nil: there is none
}

func newTags(labels store.Labels) *tags {
	if labels == nil {
		return nil
	}
	t := &tags{Tagger: store.NewTagger(labels)}
	t.cloud, _ = labels.Matcher(cloudLabel)
	return t
}

func (t *tags) addr(p netip.Prefix, asn uint32) uint32 {
	if t == nil {
		return 0
	}
	return t.Addr(p, asn)
}

func (t *tags) peer(p netip.Prefix) uint32 {
	if t == nil {
		return 0
	}
	return t.Peer(p)
}

func (t *tags) names() []string {
	if t == nil {
		return nil
	}
	return t.Names
}

// part is what a page tells apart of a flow at a place: partCloud where the address is
// one of a big cloud, protocol class × 2, and 1 when out.
func (t *tables) part(flow uint32) uint8 {
	for int(flow) >= len(t.parts) {
		t.parts = append(t.parts, 0)
	}
	if had := t.parts[flow]; had != 0 {
		return had - 1
	}
	k := &t.flows.list[flow]
	part := uint8(store.ClassOf(k.proto))<<1 | k.bits&bitOut
	if t.tags != nil && t.tags.cloud != nil && t.tags.cloud(t.ends.list[k.addr], netip.Prefix{}, t.nets.list[k.net].asn) {
		part |= partCloud
	}
	t.parts[flow] = part + 1
	return part
}

// retagEvery is how long standing files keep what labels said: to ask again about a
// hundred thousand flows takes some milliseconds.
const retagEvery = time.Minute

// retag asks for the labels of the flows again, every now and then.
func (c *recent) retag(labels store.Labels) {
	if now := time.Now(); labels != nil && (c.tables.tags == nil || now.Sub(c.tagged) > retagEvery) {
		c.tables.tags, c.tagged = newTags(labels), now
		c.tables.parts = c.tables.parts[:0]
		c.subjects, c.slots = nil, nil
	}
}

// rowOf is a row of a page; i is its place × partsOfSubject and its part.
func rowOf(bin, i uint32, s *store.Sum) page.Row {
	return page.Row{Bin: bin, Place: i / partsOfSubject, Proto: uint8(i >> 1 & 3), Out: i&1 == 1, Cloud: i&partCloud != 0,
		Packets: s.Packets, Bytes: s.Bytes, Opens: s.Opens}
}

// cloudRows sums the points of big clouds as rows; those of a bin are one row where
// they come together, as in order of time.
type cloudRows struct {
	bin  uint32
	sums []store.Sum // by place × partsOfSubject and part
	used []uint32    // of them, in this bin
	rows []page.Row
}

func (c *cloudRows) add(bin, cell uint32, s store.Sum) {
	if bin != c.bin {
		c.flush()
		c.bin = bin
	}
	for int(cell) >= len(c.sums) {
		c.sums = append(c.sums, make([]store.Sum, int(cell)+1)...)
	}
	if c.sums[cell].Packets == 0 {
		c.used = append(c.used, cell)
	}
	c.sums[cell].Add(s)
}

func (c *cloudRows) flush() {
	for _, i := range c.used {
		c.rows = append(c.rows, rowOf(c.bin, i, &c.sums[i]))
		c.sums[i] = store.Sum{}
	}
	c.used = c.used[:0]
}

// cellKey is what a row is the sum of.
type cellKey struct {
	bin, place uint32
	proto      uint8
	out        bool
}

// splitClouds takes the rows of big clouds out of those of everything. Places that were
// taken together by country stay whole: nobody knows any more whose they were.
func (b *builder) splitClouds(clouds []page.Row) {
	sums := make(map[cellKey]*page.Row, len(clouds))
	for i := range clouds {
		r := &clouds[i]
		key := cellKey{r.Bin, r.Place, r.Proto, r.Out}
		if sum := sums[key]; sum != nil {
			sum.Packets, sum.Bytes, sum.Opens = sum.Packets+r.Packets, sum.Bytes+r.Bytes, sum.Opens+r.Opens
			continue
		}
		sums[key] = r
	}
	kept := b.rows[:0:0]
	for _, r := range b.rows {
		c := sums[cellKey{r.Bin, r.Place, r.Proto, r.Out}]
		if c == nil || c.Packets > r.Packets || c.Bytes > r.Bytes || c.Opens > r.Opens {
			kept = append(kept, r)
			continue
		}
		r.Packets, r.Bytes, r.Opens = r.Packets-c.Packets, r.Bytes-c.Bytes, r.Opens-c.Opens
		if r.Packets > 0 {
			kept = append(kept, r)
		}
		kept = append(kept, *c)
	}
	b.rows, b.clouds = kept, true
}
