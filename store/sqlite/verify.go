package sqlite

import (
	"context"
	"errors"
	"slices"
)

// verifyBytes is how much one call of Coverage checks at most: some 30 ms of reading.
const verifyBytes = 16 << 20

// doubts are what has not been read in full yet.
type doubts struct {
	blocks []batchRow
	tiers  []piece
}

func (d *doubts) addTier(t *piece) {
	if t.points > 0 {
		d.tiers = append(d.tiers, *t)
	}
}

// partTypes are the types of blobs by their number among the parts.
var partTypes = [maxPart]byte{1: partSums, partEnds, partTimes, partSamples,
	partSums, partTimes, partSums, partTimes, partSums, partTimes, partSums, partTimes}

// verify reads blocks and tiers that nobody has read in full yet, within bounds, and
// notes the damaged.
func (b *coverageBuilder) verify(ctx context.Context) error {
	left := verifyBytes
	for rows := range slices.Chunk(b.doubtful.blocks, chunkRows/4) {
		if left <= 0 {
			return nil
		}
		n, err := b.verifyBlocks(ctx, rows)
		if err != nil {
			return err
		}
		left -= n
	}
	for i := range b.doubtful.tiers {
		t := &b.doubtful.tiers[i]
		next := partID(t.id, 0, 0)
		for next < partID(t.id+1, 0, 0) && left > 0 && !b.store.damage.partChecked(next) {
			n, behind, err := b.verifyTier(ctx, t, next, min(left, chunkBytes))
			if err != nil {
				return err
			}
			left, next = left-n, behind
		}
	}
	return nil
}

// verifyBlocks checks blocks and returns how big they were. Those that are not there
// are damaged, unless they have been sealed meanwhile.
func (b *coverageBuilder) verifyBlocks(ctx context.Context, batches []batchRow) (size int, err error) {
	s := b.store
	ticks := make(map[int64]int64, len(batches))
	ids := make([]int64, len(batches))
	for i, r := range batches {
		ticks[r.id], ids[i] = r.tick, r.id
	}
	tx, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	generation, err := readGeneration(ctx, tx)
	if err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, sums, ends FROM blocks WHERE id IN ("+list(ids)+")")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var sums, ends []byte
		if err := rows.Scan(&id, &sums, &ends); err != nil {
			return size, err
		}
		_, err1 := unseal(sums, partSums)
		_, err2 := unseal(ends, partEnds)
		s.damage.note(id, ticks[id], errors.Join(err1, err2))
		delete(ticks, id)
		size += len(sums) + len(ends)
	}
	if err := rows.Err(); err != nil {
		return size, err
	}
	if generation == b.kept.generation {
		for id, tick := range ticks {
			s.damage.note(id, tick, errDamaged)
		}
	}
	return size, nil
}

// verifyTier checks parts of a tier from an id on, up to so many bytes, and returns how
// many there were and the id to go on from. That part 0, which there is not, is noted as
// whole says that all of the tier has been checked.
func (b *coverageBuilder) verifyTier(ctx context.Context, t *piece, from int64, bytes int) (size int, next int64, err error) {
	end := partID(t.id+1, 0, 0)
	rows, err := b.store.readers.QueryContext(ctx, "SELECT id, data FROM parts WHERE id >= ? AND id < ? ORDER BY id", from, end)
	if err != nil {
		return 0, end, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return size, end, err
		}
		number := int(id % chunkRoom)
		if number < maxPart {
			_, err := unseal(data, partTypes[number])
			b.store.damage.noteParts(t.id, id%partRoom/chunkRoom, []int{number}, t.start, err)
		}
		if size += len(data); size >= bytes {
			return size, id + 1, nil
		}
	}
	if err := rows.Err(); err != nil {
		return size, end, err
	}
	b.store.damage.noteParts(t.id, 0, []int{0}, t.start, nil)
	return size, end, nil
}
