package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// fleet is what there is of all sensors.
type fleet struct {
	sensors     []string // sorted
	tick        int64    // seconds; the greatest length of which all ticks are multiples
	first, last int64    // ticks: start of the first, end of the last; first > last: none
}

// look asks for what there is. Batches say: without repetitions taken out, which change
// none of it.
func (s *Store) look(ctx context.Context, partial bool) (*fleet, error) {
	f := fleet{first: openTo, last: -1}
	sql := "SELECT sensor, groupUniqArray(seconds), toInt64(toUInt32(min(tick))), toInt64(max(toUInt32(tick) + seconds)) FROM " +
		s.o.table("batches") + " GROUP BY sensor"
	err := s.read(ctx, question{sql: sql, partial: partial}, func(rows driver.Rows) error {
		var sensor string
		var ticks []uint8
		var first, last int64
		if err := rows.Scan(&sensor, &ticks, &first, &last); err != nil {
			return err
		}
		f.sensors = append(f.sensors, sensor)
		f.first, f.last = min(f.first, first), max(f.last, last)
		for _, t := range ticks {
			f.tick = common(f.tick, int64(t))
		}
		return nil
	})
	slices.Sort(f.sensors)
	f.tick = cmp.Or(f.tick, int64(defaultTick/time.Second))
	return &f, err
}

// defaultTick is the length of ticks where there are none yet: contract.md's default.
const defaultTick = 10 * time.Second

// common is the greatest common divisor.
func common(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// tick returns the length that steps are multiples of. It changes when a sensor with
// other ticks joins, which is seen within keptFor.
func (s *Store) tick(ctx context.Context) (time.Duration, error) {
	k := &s.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tick != 0 && time.Now().Before(k.tickUntil) {
		return k.tick, nil
	}
	f, err := s.look(ctx, s.toldMissing())
	if err != nil {
		return 0, err
	}
	k.tick, k.tickUntil = time.Duration(f.tick)*time.Second, time.Now().Add(keptFor)
	if len(f.sensors) == 0 {
		k.tick = 0 // not known yet
		return defaultTick, nil
	}
	return k.tick, nil
}

// Coverage says what the window has data about. Its Window is the asked one, moved
// forward to whole ticks and cut to what there is. Every sensor of the fleet has spans
// from its start to its end; over more than two days idle times of less than a minute
// beside data count as data, over more than two months those of less than 24 minutes.
// Times off are always exact. Sensors may have ticks of different lengths: Tick is the
// greatest of which all are multiples. Where a shard of a cluster does not answer, Partial
// says so, and its sensors are off.
func (s *Store) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	c := store.Coverage{Window: w}
	fleet, err := s.look(ctx, false)
	if s.o.Cluster != "" && ofShard(err) {
		if c.Partial, err = s.tell(ctx, err); err == nil {
			fleet, err = s.look(ctx, true)
		}
	}
	if err != nil {
		return c, err
	}
	fleet.sensors = s.noteSensors(fleet.sensors, c.Partial == "")
	c.Tick, c.Sensors = time.Duration(fleet.tick)*time.Second, fleet.sensors
	if err := w.Check(); err != nil || fleet.first > fleet.last {
		return c, err
	}
	k, err := s.keeps(ctx)
	if err != nil {
		return c, err
	}
	from, to := bounds(&c, fleet, k)
	return c, s.fill(ctx, &c, fleet, from, to)
}

// fill adds books and spans, which are asked for at the same time.
func (s *Store) fill(ctx context.Context, c *store.Coverage, fleet *fleet, from, to int64) error {
	asking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var books store.Coverage
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.addBooks(asking, &books, from, to); err != nil {
			stop(err)
		}
	}()
	if err := s.addSpans(asking, c, fleet, from, to); err != nil {
		stop(err)
	}
	<-done
	c.Books, c.Points, c.Unlocated, c.Geo = books.Books, books.Points, books.Unlocated, books.Geo
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(asking) // the first of the two
}

// bounds sets First, Last, Window and what follows from them, and returns the window that
// answers are about.
func bounds(c *store.Coverage, fleet *fleet, k *kept) (from, to int64) {
	c.First, c.Last = time.Unix(fleet.first, 0).UTC(), time.Unix(fleet.last, 0).UTC()
	asked, end := tickRange(c.Window)
	from, to = k.widen(asked, end)
	c.Effective = c.Window
	at := func(t int64, like time.Time) time.Time { return time.Unix(t, 0).In(like.Location()) }
	if !c.Window.From.IsZero() {
		c.Window.From = at(ceilTo(asked, fleet.tick), c.Window.From)
		c.Effective.From = c.Window.From
		if from < asked {
			c.Effective.From = at(from, c.Window.From)
		}
	}
	if !c.Window.To.IsZero() {
		c.Window.To = at(ceilTo(end, fleet.tick), c.Window.To)
		c.Effective.To = c.Window.To
		if to > end {
			c.Effective.To = at(to, c.Window.To)
		}
	}
	all := store.Window{From: c.First, To: c.Last}
	c.Window, c.Effective = c.Window.Clip(all), c.Effective.Clip(all)
	if begin := k.begin[withPoints]; begin > fleet.first {
		c.PointsFrom = time.Unix(min(begin, fleet.last), 0).UTC() // there may be none at all
	}
	return from, to
}

// addBooks adds up the counters of all batches, and names their sources.
func (s *Store) addBooks(ctx context.Context, c *store.Coverage, from, to int64) error {
	var of sums
	list := counters(&c.Books, &of)
	selected, into := []string{"sum(points)", "groupUniqArray(geo)"}, []any{&c.Points}
	var geo []string
	into = append(into, &geo)
	for _, n := range list {
		selected = append(selected, "sum("+n.name+")")
		into = append(into, n.value)
	}
	sql := "SELECT " + strings.Join(selected, ", ") + " FROM " + s.table("batches")
	if in := between("tick", from, to); in != "" {
		sql += " WHERE " + in
	}
	if err := s.each(ctx, sql, false, func(rows driver.Rows) error { return rows.Scan(into...) }); err != nil {
		return err
	}
	c.Unlocated = of.unlocated
	slices.Sort(geo)
	for _, text := range geo {
		sources, err := decodeSources(text)
		if err != nil {
			return fmt.Errorf("read the column geo of batches: %w", err)
		}
		for _, g := range sources {
			if !slices.Contains(c.Geo, g) {
				c.Geo = append(c.Geo, g)
			}
		}
	}
	return nil
}

// spanRows is how many batches are asked about at once, if each tick of a sensor has one.
const spanRows = 500_000

// addSpans makes the spans of all sensors.
func (s *Store) addSpans(ctx context.Context, c *store.Coverage, fleet *fleet, from, to int64) error {
	of := make(map[string]*store.Timeline, len(fleet.sensors))
	for _, name := range fleet.sensors {
		of[name] = store.NewTimeline(c.Effective.From)
	}
	from, to = max(from, floorTo(fleet.first, 3600)), min(to, fleet.last)
	stretch := max(1, spanRows*fleet.tick/(3600*int64(len(fleet.sensors)))) * 3600
	for from < to {
		end := min(to, ceilTo(from+stretch, 3600))
		if err := s.readHours(ctx, of, from, end); err != nil {
			return err
		}
		from = end
	}
	least := time.Duration(0)
	switch length := c.Effective.To.Sub(c.Effective.From); {
	case length > 60*24*time.Hour:
		least = 24 * time.Minute
	case length > 48*time.Hour:
		least = time.Minute
	}
	for _, name := range fleet.sensors {
		spans := of[name].Finish(c.Effective.To)
		if least > 0 {
			spans = coarsened(spans, least)
		}
		for _, span := range spans {
			span.Sensor = name
			c.Spans = append(c.Spans, span)
		}
	}
	return nil
}

// plainHour is true of an hour of a sensor that was on all the time, all of it with data or
// all of it idle, and lost nothing.
const plainHour = "count() = uniqExact(tick) AND uniqExact(seconds) = 1 AND min(points > 0) = max(points > 0)" +
	" AND sum(drops) = 0 AND sum(off_ns - on_ns) = 3600000000000"

// readHours adds the batches of [from, to). A plain hour comes without lists.
func (s *Store) readHours(ctx context.Context, of map[string]*store.Timeline, from, to int64) error {
	list := func(kind, expression string) string {
		return fmt.Sprintf("if(plain, emptyArray%s(), groupArray(to%[1]s(%s)))", kind, expression)
	}
	sql := "SELECT sensor, toInt64(intDiv(toUInt32(tick), 3600)) * 3600 AS h, toUInt8(" + plainHour + ") AS plain, toUInt8(max(points > 0)), sum(folded_packets), " +
		strings.Join([]string{list("UInt32", "tick"), list("UInt32", "seconds"), list("Int64", "on_ns"), list("Int64", "off_ns"),
			list("UInt64", "points"), list("UInt64", "drops"), list("UInt64", "folded_packets")}, ", ") +
		" FROM " + s.table("batches")
	if in := between("tick", from, to); in != "" {
		sql += " WHERE " + in
	}
	return s.each(ctx, sql+" GROUP BY sensor, h ORDER BY sensor, h", false, func(rows driver.Rows) error {
		var sensor string
		var hour int64
		var plain, data uint8
		var sum uint64
		var ticks, intervals []uint32
		var on, off []int64
		var points, drops, folded []uint64
		if err := rows.Scan(&sensor, &hour, &plain, &data, &sum, &ticks, &intervals, &on, &off, &points, &drops, &folded); err != nil {
			return err
		}
		spans := of[sensor]
		if spans == nil {
			return nil // it came after we had looked
		}
		if plain != 0 {
			spans.Batch(store.Captured{Tick: time.Unix(hour, 0).UTC(), Interval: time.Hour, Off: time.Hour, Data: data != 0, Folded: sum})
			return nil
		}
		order := make([]int, len(ticks))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ticks[a], ticks[b]) })
		for _, i := range order {
			spans.Batch(store.Captured{Tick: time.Unix(int64(ticks[i]), 0).UTC(), Interval: time.Duration(intervals[i]) * time.Second,
				On: time.Duration(on[i]), Off: time.Duration(off[i]), Data: points[i] > 0, Drops: drops[i], Folded: folded[i]})
		}
		return nil
	})
}
