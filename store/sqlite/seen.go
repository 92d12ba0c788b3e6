package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// seenFormat is the first format that has summaries of addresses.
const seenFormat = 4

// maxSeen is how many addresses one answer lists at most.
const maxSeen = 1 << 20

// ErrTooMany is the error of a question that too many addresses answer.
var ErrTooMany = errors.New("too many addresses")

// SeenAddress is one address that was seen, or, where addresses are stored masked or
// folded, a network of which some was.
type SeenAddress struct {
	Addr        netip.Prefix
	First, Last time.Time // start of the first tick, end of the last
	store.Sum
}

// Seen is the answer to "ever seen?".
type Seen struct {
	Rows []SeenAddress // in order of address

	// Window is what the answer is about: the window asked for, moved outward to whole
	// days where the points are gone and cut to the time from which addresses are known.
	// Both ends are zero where none are known at all.
	Window  store.Window
	Damaged uint64 // summaries, of a day mostly, that could not be read
	Cut     bool   // some day had more addresses than are kept: who is not listed may have been there
}

// Seen looks for addresses of networks in all that is known about a window: points, and
// of the time before them the summaries of days. Both together are exact to the tick
// where there are points, else to the day. Addresses that have anything in common with
// one of the networks are listed, each once, whatever sensor has seen them. It fails
// with ErrTooMany where these are more than a million.
func (s *Store) Seen(ctx context.Context, networks []netip.Prefix, w store.Window) (Seen, error) {
	if err := w.Check(); err != nil {
		return Seen{}, err
	}
	return prompt(ctx, func() (Seen, error) {
		return steadily(func() (Seen, error) {
			q := &seenQuery{Store: s, asked: newAsked(networks), sums: make(map[netip.Prefix]*seenRow)}
			q.from, q.to = tickRange(w)
			err := q.run(ctx)
			switch {
			case err == nil || errors.Is(err, errMoved) || errors.Is(err, ErrTooMany):
			case ctx.Err() != nil:
				err = ctx.Err()
			default:
				err = fmt.Errorf("look for addresses in %q: %w%s", s.path, err, hint(err))
			}
			return q.answer(), err
		})
	})
}

// seenQuery is one question under way.
type seenQuery struct {
	*Store
	Seen
	asked    asked
	from, to int64
	mark     int64
	sums     map[netip.Prefix]*seenRow
	dec      *decoder
	addrs    []netip.Prefix

	runs []*seenRun // to be read, and
	gaps []reach    // what is read from points
}

func (q *seenQuery) run(ctx context.Context) (err error) {
	if q.dec, err = newDecoder(); err != nil {
		return err
	}
	if err := q.plan(ctx); err != nil {
		return err
	}
	for _, r := range q.runs {
		if err := q.read(ctx, r); err != nil {
			return err
		}
	}
	for _, g := range q.gaps {
		p := &seenPass{sensor: g.sensor, asked: q.asked, sums: q.sums}
		if err := q.scanSeen(ctx, g.sensor, g.from, g.to, p); err != nil {
			return err
		}
		if len(q.sums) > maxSeen {
			return ErrTooMany
		}
	}
	if q.mark == never && len(q.runs) == 0 {
		return nil
	}
	m, err := readMarks(ctx, q.readers)
	if err == nil && m[markPoints] != q.mark { // points have gone that were to be read
		err = errMoved
	}
	return err
}

// seenDoubts are ids of long summaries that cannot be read. The zero value has none.
type seenDoubts struct {
	mu  sync.Mutex
	ids map[int64]bool
}

func (d *seenDoubts) add(id int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ids == nil {
		d.ids = make(map[int64]bool)
	}
	d.ids[id] = true
}

func (d *seenDoubts) has(id int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ids[id]
}

// plan finds out, in one transaction, what is read from where.
func (q *seenQuery) plan(ctx context.Context) error {
	tx, err := q.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := q.dicts.load(ctx, tx); err != nil {
		return err
	}
	version, err := pragma(ctx, tx, "user_version")
	if err != nil {
		return err
	}
	q.mark = never
	if version >= 2 {
		m, err := readMarks(ctx, tx)
		if err != nil {
			return err
		}
		q.mark = m[markPoints]
	}
	if err := q.extent(ctx, tx, version); err != nil {
		return err
	}
	for sensor := 1; sensor < len(q.dicts.sensors.snapshot()); sensor++ {
		covered, err := q.summaries(ctx, tx, uint32(sensor), version)
		if err != nil {
			return err
		}
		at := max(q.from, q.mark)
		for _, r := range covered {
			if r.start > at {
				q.gaps = append(q.gaps, reach{uint32(sensor), at, min(r.start, q.to)})
			}
			at = max(at, r.upto)
		}
		if at < q.to {
			q.gaps = append(q.gaps, reach{uint32(sensor), at, q.to})
		}
	}
	return nil
}

// extent says since when, and until when, addresses are known.
func (q *seenQuery) extent(ctx context.Context, tx *sql.Tx, version int64) error {
	queries := []string{"SELECT min(tick) FROM batches HAVING min(tick) IS NOT NULL"}
	if version >= 2 {
		queries = append(queries, "SELECT min(start) FROM tiers WHERE chunks > 0 HAVING min(start) IS NOT NULL")
	}
	first := int64(math.MaxInt64)
	for _, query := range queries {
		n, any, err := optional(ctx, tx, query)
		if err != nil {
			return err
		}
		if any {
			first = min(first, max(n, q.mark))
		}
	}
	if version >= seenFormat {
		n, any, err := optional(ctx, tx, "SELECT min(start) FROM addresses WHERE days = 1 HAVING min(start) IS NOT NULL")
		if err != nil {
			return err
		}
		if any {
			first = min(first, n)
		}
	}
	last, any, err := optional(ctx, tx, "SELECT max(tick) FROM batches HAVING max(tick) IS NOT NULL")
	if err != nil || first == math.MaxInt64 {
		return err
	}
	end := last + q.seconds()
	if !any {
		if end, err = number(ctx, tx, "SELECT coalesce(max(start + level), 0) FROM tiers"); err != nil {
			return err
		}
	}
	from, to := max(q.from, first), min(q.to, end)
	if from < to {
		q.Window = store.Window{From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC()}
	}
	return nil
}

// summaries chooses those of a sensor that are read: the longest that lie in the window.
// It returns the days that they stand for, in order.
func (q *seenQuery) summaries(ctx context.Context, tx *sql.Tx, sensor uint32, version int64) ([]*seenRun, error) {
	if version < seenFormat {
		return nil, nil
	}
	list, err := readSeen(ctx, tx, "days > 0 AND sensor = ? AND start < ? AND upto > ?", sensor, q.to, q.from)
	if err != nil {
		return nil, err
	}
	stale := make(map[int64]bool) // days that points say more about
	err = eachRow(ctx, tx, func(_ uint32, start, _ int64) { stale[floorTo(start, level1d)] = true },
		`SELECT sensor, tick, 0 FROM late WHERE sensor = ?1 UNION ALL SELECT t.sensor, t.start, 0 FROM tiers t JOIN addresses a
		ON a.days = 1 AND a.sensor = t.sensor AND a.start = t.start WHERE t.level = ?2 AND t.sensor = ?1 AND t.id <> a.tier`, sensor, level1d)
	if err != nil {
		return nil, err
	}
	var days []*seenRun
	var long []*seenRun
	for i := range list {
		r := &list[i]
		switch {
		case r.days > seenDay:
			long = append(long, r)
		case r.start >= q.mark && (stale[r.start] || !r.whole() || r.upto > q.to):
		case r.start < q.from && q.from >= q.mark: // points are as good, and to the tick
		default:
			days = append(days, r)
		}
	}
	for _, d := range days { // those at the edges are wider
		if from := time.Unix(d.start, 0).UTC(); d.start < q.from && from.Before(q.Window.From) {
			q.Window.From = from
		}
		if to := time.Unix(d.upto, 0).UTC(); d.upto > q.to && to.After(q.Window.To) {
			q.Window.To = to
		}
	}
	slices.SortFunc(long, func(a, b *seenRun) int { return cmp.Or(cmp.Compare(b.days, a.days), cmp.Compare(a.start, b.start)) })
	taken := make(map[int64]bool)
	for _, r := range long {
		var of []*seenRun
		for _, d := range days {
			if d.start >= r.start && d.start < r.end() {
				of = append(of, d)
			}
		}
		if len(of) == 0 || taken[of[0].start] || !bytes.Equal(seenHash(of), r.made) || q.doubted.has(r.id) {
			continue
		}
		for _, d := range of {
			taken[d.start] = true
		}
		q.runs = append(q.runs, r)
	}
	for _, d := range days {
		if !taken[d.start] {
			q.runs = append(q.runs, d)
		}
	}
	return days, nil
}

// readSeenChunks is how many chunks are read in one transaction.
const readSeenChunks = 32

// read adds what a summary has of what was asked for.
func (q *seenQuery) read(ctx context.Context, r *seenRun) error {
	head, err := q.dec.seenHead(r.head, r.chunks)
	if err != nil {
		return q.doubt(ctx, r)
	}
	q.Cut = q.Cut || head.cut
	for chunks := range slices.Chunk(q.asked.chunksOf(&head), readSeenChunks) {
		if err := ctx.Err(); err != nil {
			return err
		}
		blobs, err := loadSeen(ctx, q.readers, r.id, chunks)
		if err != nil {
			return err
		}
		if len(blobs) != len(chunks) {
			return q.doubt(ctx, r)
		}
		for i := range blobs {
			if err := q.chunk(&blobs[i], r); err != nil {
				return q.doubt(ctx, r)
			}
		}
		if len(q.sums) > maxSeen {
			return ErrTooMany
		}
	}
	return nil
}

// doubt counts a summary that cannot be read, unless it has been replaced meanwhile. Of
// a long one, its days are read the next time.
func (q *seenQuery) doubt(ctx context.Context, r *seenRun) error {
	n, err := number(ctx, q.readers, "SELECT count(*) FROM addresses WHERE id = ? AND days > 0", r.id)
	switch {
	case err != nil:
		return err
	case n == 0:
		return errMoved
	case r.days > seenDay:
		q.doubted.add(r.id)
		return errMoved
	}
	q.Damaged++
	return nil
}

func (q *seenQuery) chunk(b *seenBlob, r *seenRun) (err error) {
	if q.addrs, err = q.dec.seenEnds(q.addrs, b.ends); err != nil {
		return err
	}
	var rows []seenRow
	walk := asker{asked: q.asked}
	for i, addr := range q.addrs {
		if !walk.has(addr) {
			continue
		}
		if rows == nil {
			rows = make([]seenRow, len(q.addrs))
			if err := q.dec.seenSums(rows, b.sums, r.start, q.seconds()); err != nil {
				return err
			}
		}
		rows[i].addr = addr
		if known := q.sums[addr]; known != nil {
			known.add(&rows[i])
		} else {
			q.sums[addr] = &rows[i]
		}
	}
	return nil
}

func (q *seenQuery) answer() Seen {
	tick := time.Duration(q.seconds()) * time.Second
	for _, r := range sortedSeen(q.sums) {
		q.Rows = append(q.Rows, SeenAddress{r.addr, time.Unix(r.first, 0).UTC(), time.Unix(r.last, 0).UTC().Add(tick), r.Sum})
	}
	return q.Seen
}
