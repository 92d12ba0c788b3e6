package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// parcelBatches is how many batches a parcel has at most.
const parcelBatches = 512

// LastBatch returns the id of the newest batch, 0 in an empty store.
func (s *Store) LastBatch(ctx context.Context) (int64, error) {
	id, err := lastID(ctx, s.readers)
	if err != nil {
		err = fmt.Errorf("read the newest batch of %q: %w%s", s.path, err, hint(err))
	}
	return id, err
}

// BatchesAfter returns the batches that follow the one of an id, 0 for the first, in
// order of commit: as many as have so many points together, but one at least; an empty
// parcel where there are none. They are made again from blocks and tiers, the same each
// time, and come with points as long as points are kept. A store that is open for
// reading will do.
func (s *Store) BatchesAfter(ctx context.Context, id int64, points int) (Parcel, error) {
	p, err := s.parcel(ctx, id, points)
	if err != nil {
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		return p, fmt.Errorf("read batches of %q: %w%s", s.path, err, hint(err))
	}
	return p, nil
}

func (s *Store) parcel(ctx context.Context, id int64, points int) (Parcel, error) {
	rows, err := s.parcelRows(ctx, id, points)
	if err != nil || len(rows) == 0 {
		return Parcel{Last: id}, err
	}
	p := Parcel{Last: rows[len(rows)-1].id}
	u := unpacker{Store: s}
	if u.dec, err = newDecoder(); err != nil {
		return p, err
	}
	wanted := make(map[interval]map[int64]bool)
	var order []interval
	for i := range rows {
		iv := interval{level10m, floorTo(rows[i].tick, level10m), rows[i].sensor}
		if wanted[iv] == nil {
			wanted[iv] = make(map[int64]bool)
			order = append(order, iv)
		}
		wanted[iv][rows[i].id] = true
	}
	var all []found
	for _, iv := range order {
		ids := wanted[iv]
		list, err := u.interval(ctx, iv, func(r *batchRow) bool { return ids[r.id] })
		if err != nil {
			return p, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.row.id, b.row.id) })
	for i := range all {
		f := &all[i]
		f.Points = canonical(f.Points)
		if f.bad || !f.booked {
			p.Damaged++
		} else if f.mates > 1 && len(f.Points) == 0 && f.row.points > 0 {
			p.Merged++
		}
		p.Batches, p.ids = append(p.Batches, f.Batch), append(p.ids, f.row.id)
	}
	return p, nil
}

// parcelRows reads the rows that a parcel is made of.
func (s *Store) parcelRows(ctx context.Context, id int64, points int) (list []batchRow, err error) {
	rows, err := s.readers.QueryContext(ctx, `SELECT id, tick, sensor, seq, on_ns, off_ns, points, geo, books FROM batches
		WHERE id > ? ORDER BY id LIMIT ?`, id, parcelBatches)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for sum := int64(0); rows.Next(); {
		var r batchRow
		if err := rows.Scan(&r.id, &r.tick, &r.sensor, &r.seq, &r.on, &r.off, &r.points, &r.geo, &r.books); err != nil {
			return nil, err
		}
		if sum += r.points; len(list) > 0 && sum > int64(points) {
			break
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// interval unpacks the wanted batches of ten minutes of a sensor, on one state of the
// store. (Of a batch that was given up meanwhile there is nothing.)
func (u *unpacker) interval(ctx context.Context, iv interval, wanted func(*batchRow) bool) ([]found, error) {
	tx, err := u.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if err := u.dicts.load(ctx, tx); err != nil {
		return nil, err
	}
	rows, err := readBatches(ctx, tx, iv, -1)
	if err != nil {
		return nil, err
	}
	list, err := u.unpack(ctx, tx, iv, rows, wanted)
	return slices.DeleteFunc(list, func(f found) bool { return !wanted(f.row) }), err
}
