package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// spare is how much room below Retention.Size is left for the write-ahead log and for
// what comes until the next pass.
func spare(size int64) int64 { return min(max(size/16, 4<<20), 256<<20) }

// keepAtLeast is how much of the newest points room never takes: they are about to be
// sealed, and the map must show something.
const keepAtLeast = 3600

// bySize gives up what there is no room for: the oldest points first, then views of
// ten minutes, then those of an hour, then the oldest summaries of addresses. Views of
// a day stay.
func (p *pruning) bySize(ctx context.Context) error {
	need, why, err := p.missing(ctx)
	if err != nil {
		return err
	}
	if need <= 0 {
		return p.vacuum(ctx)
	}
	target := p.marks
	ends := [3]int64{floorTo(p.newest-keepAtLeast, level10m)}
	for i := range ends {
		if i > 0 {
			ends[i] = floorTo(ends[i-1], markSteps[i])
		}
		mark, freed, err := p.room(ctx, i, ends[i], need)
		if err != nil {
			return err
		}
		target[i] = max(target[i], mark)
		if need -= freed; need <= 0 {
			break
		}
	}
	if err := p.to(ctx, target); err != nil {
		return err
	}
	if need > 0 {
		freed, err := p.addressesBySize(ctx, need)
		if err != nil {
			return err
		}
		need -= freed
	}
	if err := p.vacuum(ctx); err != nil {
		return err
	}
	p.message = why + p.cutShort()
	if need > 0 {
		p.message = fmt.Sprintf("%s; all that may go has gone and %d MiB are still missing", why, need>>20+1)
	}
	return nil
}

// missing returns how many bytes must go, and because of what.
func (p *pruning) missing(ctx context.Context) (need int64, why string, err error) {
	used, err := p.used(ctx)
	if err != nil {
		return 0, "", err
	}
	unused, err := p.unused(ctx) // is given back where room is short
	if err != nil {
		return 0, "", err
	}
	if size := p.retention.Size; size > 0 {
		need = used - (size - spare(size))
		p.pressed = need+unused > 0
		if need > 0 {
			why = fmt.Sprintf("store.retention.size (%d MiB) is reached", size>>20)
		}
	}
	if p.retention.Free > 0 {
		free := p.keep.free
		if free == nil {
			free = freeSpace
		}
		left, err := free(filepath.Dir(p.path))
		if err != nil {
			return need, why, nil // not known on this system: the size must do
		}
		short := p.retention.Free - left
		p.pressed = p.pressed || short > 0
		if n := short - unused; n > max(0, need) {
			need, why = n, fmt.Sprintf("the disk has %d MiB free, store.retention.free asks for %d MiB", left>>20, p.retention.Free>>20)
		}
	}
	return need, why, nil
}

// cutShort says how long points are kept, where that is less than asked for.
func (p *pruning) cutShort() string {
	if p.marks[markPoints] == never {
		return ""
	}
	kept := float64(p.newest-p.marks[markPoints]) / (24 * 3600)
	asked := "for ever"
	if age := p.retention.Points; age > 0 {
		asked = fmt.Sprintf("for %.4g days", age.Hours()/24)
	}
	return fmt.Sprintf(": points are kept for %.1f days, not %s: raise it to keep more", kept, asked)
}

// room returns the mark up to which must go what mark i is about, to win need bytes or
// as much as there is before end, and how much that is.
func (p *pruning) room(ctx context.Context, i int, end, need int64) (mark, freed int64, err error) {
	query := fmt.Sprintf(`SELECT t.start AS at, sum(%s) + %d * t.batches FROM tiers t
		JOIN parts p ON p.id >= t.id * %d AND p.id < (t.id + 1) * %[3]d AND p.id %% %d <= %d
		WHERE t.chunks > 0 AND t.start < ?1 GROUP BY t.start, t.id
		UNION ALL SELECT b.tick, length(k.sums) + length(k.ends) FROM blocks k CROSS JOIN batches b ON b.id = k.id WHERE b.tick < ?1
		ORDER BY at`, roomOf, rowRoom, partRoom, chunkRoom, partKeysSamples)
	if i > markPoints {
		query = fmt.Sprintf(`SELECT t.start, sum(%s) + %d FROM tiers t
			JOIN parts p ON p.id >= t.id * %d AND p.id < (t.id + 1) * %[3]d
			WHERE t.level = %d AND t.start < ?1 GROUP BY t.start, t.id ORDER BY t.start`, roomOf, rowRoom, partRoom, levels[len(levels)-i])
	}
	rows, err := p.readers.QueryContext(ctx, query, end)
	if err != nil {
		return never, 0, err
	}
	defer rows.Close()
	mark = p.marks[i]
	for freed < need && rows.Next() {
		var start, bytes int64
		if err := rows.Scan(&start, &bytes); err != nil {
			return never, 0, err
		}
		mark, freed = min(floorTo(start, markSteps[i])+markSteps[i], end), freed+bytes
	}
	return mark, freed, rows.Err()
}

// used returns the bytes of the file that hold something, and those of the log.
func (s *Store) used(ctx context.Context) (int64, error) {
	pages, err := pragma(ctx, s.readers, "page_count")
	if err != nil {
		return 0, err
	}
	unused, err := s.unused(ctx)
	if err != nil {
		return 0, err
	}
	size, err := pragma(ctx, s.readers, "page_size")
	return pages*size - unused + s.logBytes(), err
}

// unused returns the bytes of the file that hold nothing.
func (s *Store) unused(ctx context.Context) (int64, error) {
	free, err := pragma(ctx, s.readers, "freelist_count")
	if err != nil {
		return 0, err
	}
	size, err := pragma(ctx, s.readers, "page_size")
	return free * size, err
}

// logBytes returns the size of the write-ahead log.
func (s *Store) logBytes() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// vacuumEvery is how often pages that hold nothing any more are given back: they still
// have in them what was deleted, so not much later than points go.
const vacuumEvery = time.Hour

// vacuumPages is how many pages one transaction moves: a millisecond or two.
const vacuumPages = 64

// vacuum gives unused pages back to the file system, after an hour, or at once where
// that was asked for, or there are many. It moves the last pages of the file into
// their place, so that nothing of what was in them is left.
func (p *pruning) vacuum(ctx context.Context) error {
	pages, err := pragma(ctx, p.readers, "page_count")
	if err != nil {
		return err
	}
	free, err := pragma(ctx, p.readers, "freelist_count")
	if err != nil || free == 0 {
		return err
	}
	if !p.forced && !p.pressed && free < pages/16 && time.Since(p.keep.vacuumed) < vacuumEvery {
		return nil
	}
	for free > 0 {
		start := time.Now()
		before := free
		if free, err = p.vacuumSome(ctx); err != nil {
			return err
		}
		if free >= before { // others delete as well, or the file cannot be vacuumed
			break
		}
		if err := rest(ctx, 2*time.Since(start)); err != nil {
			return err
		}
	}
	p.keep.vacuumed = time.Now()
	return p.emptyLog(ctx)
}

// vacuumSome is one transaction of vacuum; it returns how many pages are left to do.
func (s *Store) vacuumSome(ctx context.Context) (free int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return 0, errClosed
	}
	ctx = context.WithoutCancel(ctx)
	// A row for each page: whoever does not read them all frees one only.
	rows, err := s.w.QueryContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages))
	if err != nil {
		return 0, err
	}
	for rows.Next() {
	}
	if err := rows.Close(); err != nil {
		return 0, err
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	return pragma(ctx, s.w, "freelist_count")
}
