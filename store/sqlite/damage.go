package sqlite

import "sync"

// damage remembers which blocks, and which parts of tiers, have been read and found
// whole or not, so that Coverage checks each only once. The zero value knows nothing.
type damage struct {
	mu            sync.Mutex
	blocks, parts findings
	tiers         map[int64]uint16 // by id, a bit for each part that is damaged in some chunk
}

// findings are about blobs that have an id.
type findings struct {
	whole map[int64]*[16]uint64 // a bit an id
	bad   map[int64]int64       // to the tick that it is about
}

func (f *findings) note(id, tick int64, err error) (news bool) {
	if err != nil {
		if f.bad == nil {
			f.bad = make(map[int64]int64)
		}
		_, known := f.bad[id]
		f.bad[id] = tick
		return !known
	}
	page := f.whole[id>>10]
	if page == nil {
		if f.whole == nil {
			f.whole = make(map[int64]*[16]uint64)
		}
		page = new([16]uint64)
		f.whole[id>>10] = page
	}
	page[id>>6&15] |= 1 << (id & 63)
	return false
}

func (f *findings) checked(id int64) bool {
	if _, ok := f.bad[id]; ok {
		return true
	}
	page := f.whole[id>>10]
	return page != nil && page[id>>6&15]&(1<<(id&63)) != 0
}

func (f *findings) count(from, to int64) (n uint64) {
	for _, tick := range f.bad {
		if from <= tick && tick < to {
			n++
		}
	}
	return n
}

// note records the outcome of reading a block in full.
func (d *damage) note(id, tick int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocks.note(id, tick, err)
}

// checked reports whether the outcome for a block is known.
func (d *damage) checked(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blocks.checked(id)
}

// noteParts records the outcome of reading parts of a tier's chunk; tick is the start
// of its interval. It reports whether damage was not known before.
func (d *damage) noteParts(tier, chunk int64, parts []int, tick int64, err error) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, part := range parts {
		if d.parts.note(partID(tier, chunk, part), tick, err) {
			news = true
		}
		if err != nil {
			if d.tiers == nil {
				d.tiers = make(map[int64]uint16)
			}
			d.tiers[tier] |= 1 << part
		}
	}
	return news
}

// partChecked is checked for a part by its id in the table parts.
func (d *damage) partChecked(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.parts.checked(id)
}

// of reports whether what a source is read from is known to be damaged in a tier.
func (d *damage) of(tier int64, from source) bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	mask := uint16(1<<from.sums() | 1<<from.times())
	if from == sourceKeys {
		mask |= 1 << partKeysEnds
	}
	return d.tiers[tier]&mask != 0
}

// count returns how many damaged blobs of ticks in [from, to) are known.
func (d *damage) count(from, to int64) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.blocks.count(from, to) + d.parts.count(from, to)
}

// noteRow records that the row of a tier is damaged.
func (d *damage) noteRow(tier, tick int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts.note(partID(tier, 0, chunkRoom-1), tick, err) // a number that no part has
}
