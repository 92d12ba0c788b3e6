package sqlite

import "sync"

// damage remembers which blocks have been read and found whole or not, so that
// Coverage checks each only once. The zero value knows nothing.
type damage struct {
	mu    sync.Mutex
	whole []uint64        // a bit a batch id
	bad   map[int64]int64 // batch id to tick
}

// note records the outcome of reading a block in full.
func (d *damage) note(id, tick int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if d.bad == nil {
			d.bad = make(map[int64]int64)
		}
		d.bad[id] = tick
		return
	}
	word := int(id / 64)
	for len(d.whole) <= word {
		d.whole = append(d.whole, make([]uint64, word+1-len(d.whole)+1024)...)
	}
	d.whole[word] |= 1 << (id % 64)
}

// checked reports whether the outcome for a block is known.
func (d *damage) checked(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.bad[id]; ok {
		return true
	}
	word := int(id / 64)
	return word < len(d.whole) && d.whole[word]&(1<<(id%64)) != 0
}

// count returns how many damaged blocks of ticks in [from, to) are known.
func (d *damage) count(from, to int64) (n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, tick := range d.bad {
		if from <= tick && tick < to {
			n++
		}
	}
	return n
}
