package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// shipmentRows is how many points travel together at most, unless a batch alone has more.
// A shipment is one block and one part, so that it arrives as a whole or not at all; that
// holds up to 1,048,449 rows, which is where ClickHouse cuts.
const shipmentRows = 500_000

// Append ships batches that were committed to the store whose id is origin. It returns nil
// once the server has acknowledged all of them. After an error any part may have arrived;
// sending the same batches again, together or in other groups, counts each of them once,
// as does sending again what was acknowledged long ago.
//
// After an error the batches of the shipment that failed are remembered, to be sent again
// as they were: they must not be changed then. An ErrContent is the exception: those
// batches have not arrived, and may be sent one by one to find out which is refused.
//
// One goroutine at a time may ship what is of one origin. Batches of one Append travel
// together, a shipment a day: servers like few big ones, about one a second.
func (s *Store) Append(ctx context.Context, origin string, batches []*store.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	for _, b := range batches {
		if err := b.Check(); err != nil {
			return fmt.Errorf("append: %w: %w", err, ErrContent)
		}
		if t := b.Tick.Unix(); t < 0 || t >= 1<<32 {
			return fmt.Errorf("append tick %s of %q: %w", b.Tick.UTC().Format(time.RFC3339), b.Sensor, ErrTime)
		}
	}
	if err := s.ship(ctx, origin, batches); err != nil {
		return fmt.Errorf("append %d batches to %q at %s: %w%s", len(batches), s.o.database(), s.where(), err, hint(err))
	}
	return nil
}

func (s *Store) ship(ctx context.Context, origin string, batches []*store.Batch) error {
	rest, err := s.missing(ctx, origin, batches)
	if err != nil {
		return err
	}
	again, rest := s.pending.take(origin, rest)
	groups := shipments(rest)
	if again != nil {
		groups = append([][]*store.Batch{again}, groups...)
	}
	for _, group := range groups {
		s.pending.begin(origin, group)
		if err := s.shipGroup(ctx, origin, group); err != nil {
			if ofContent(err) {
				s.pending.done(origin)
				err = fmt.Errorf("%w: %w", err, ErrContent)
			}
			return err
		}
		s.pending.done(origin)
	}
	return nil
}

// shipGroup sends the points of batches of one day, then their rows of the table batches.
func (s *Store) shipGroup(ctx context.Context, origin string, group []*store.Batch) error {
	fresh := group
	if s.caps.Tokens {
		var err error
		if fresh, err = s.complete(ctx, origin, group); err != nil {
			return err
		}
	}
	if err := s.sendPoints(ctx, origin, fresh); err != nil {
		return err
	}
	if s.caps.Tokens && s.o.Cluster == "" {
		if err := s.verify(ctx, origin, fresh); err != nil {
			return err
		}
	}
	return s.sendBatches(ctx, origin, group)
}

// shipments puts batches into groups that travel together: of one day, since a part is of
// one partition, and not too many rows.
func shipments(batches []*store.Batch) (groups [][]*store.Batch) {
	list := slices.Clone(batches)
	slices.SortStableFunc(list, compareBatches)
	rows := 0
	for i, b := range list {
		if i == 0 || day(b) != day(list[i-1]) || rows+len(b.Points) > shipmentRows {
			groups = append(groups, nil)
			rows = 0
		}
		last := &groups[len(groups)-1]
		*last = append(*last, b)
		rows += len(b.Points)
	}
	return groups
}

func day(b *store.Batch) int64 { return b.Tick.Unix() / 86400 }

// sendPoints sends all points of a group in one block, under the group's token.
func (s *Store) sendPoints(ctx context.Context, origin string, group []*store.Batch) error {
	rows := newPointRows(s.caps)
	token := tokenOf(origin, group)
	for _, b := range group {
		rows.add(origin, shipmentOf(token), b)
	}
	return s.insertPoints(ctx, token, rows)
}

// insertPoints inserts rows under a token.
func (s *Store) insertPoints(ctx context.Context, token string, rows *pointRows) error {
	return s.insertRows(ctx, "points", token, rows)
}

// insertRows inserts rows into points or a table like it.
func (s *Store) insertRows(ctx context.Context, table, token string, rows *pointRows) error {
	if rows.n == 0 {
		return nil
	}
	b, err := s.conn.PrepareBatch(s.inserting(ctx, token), "INSERT INTO "+s.o.table(table)+" ("+names(pointColumns(s.caps))+")")
	if err != nil {
		return err
	}
	defer b.Close()
	for i, values := range rows.values() {
		if err := b.Column(i).Append(values); err != nil {
			return err
		}
	}
	return b.Send()
}

// sendBatches notes that the batches have arrived.
func (s *Store) sendBatches(ctx context.Context, origin string, group []*store.Batch) error {
	columns := batchColumns()
	b, err := s.conn.PrepareBatch(s.inserting(ctx, ""), "INSERT INTO "+s.o.table("batches")+" ("+names(columns)+")")
	if err != nil {
		return err
	}
	defer b.Close()
	now := time.Now()
	for _, batch := range group {
		row, err := batchRow(origin, batch, s.o.Program, now)
		if err != nil {
			return err
		}
		if err := b.Append(row...); err != nil {
			return err
		}
	}
	return b.Send()
}
