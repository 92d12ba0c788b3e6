package clickhouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// aboutForgetting is the row of the table about that says which sums are to be made anew,
// while that is under way. It has no addresses in it.
const aboutForgetting = "forgetting"

// intervals are starts of intervals, in seconds, by origin and sensor.
type intervals map[[2]string]map[int64]bool

func (v intervals) add(sensor, origin string, start int64) {
	k := [2]string{origin, sensor}
	if v[k] == nil {
		v[k] = map[int64]bool{}
	}
	v[k][start] = true
}

// coarser returns the intervals of a greater length that these lie in, of times not before
// from, and how many are before it.
func (v intervals) coarser(seconds, from int64) (list intervals, before int) {
	list, old := intervals{}, intervals{}
	for k, starts := range v {
		for start := range starts {
			if at := floorTo(start, seconds); at >= from {
				list.add(k[1], k[0], at)
			} else {
				old.add(k[1], k[0], at)
			}
		}
	}
	return list, old.count()
}

func (v intervals) count() (n int) {
	for _, starts := range v {
		n += len(starts)
	}
	return n
}

// mostStarts is how many intervals one statement is about.
const mostStarts = 4000

// conditions are true of the rows of these intervals, some at a time; column is an
// expression of their start as a number.
func (v intervals) conditions(column string) (list []string) {
	for _, k := range slices.SortedFunc(maps.Keys(v), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		for some := range slices.Chunk(slices.Sorted(maps.Keys(v[k])), mostStarts) {
			list = append(list, fmt.Sprintf("(sensor = %s AND origin = %s AND %s IN (%s))", quoteText(k[1]), quoteText(k[0]), column,
				strings.Trim(strings.Join(strings.Fields(fmt.Sprint(some)), ", "), "[]")))
		}
	}
	return list
}

// noted is intervals as the table about has them.
type noted struct {
	Sensor, Origin string
	Starts         []int64
}

// begun returns the intervals that a Forget which ended early had noted.
func (f *forgetter) begun(ctx context.Context) (intervals, error) {
	about, err := f.about(ctx)
	if err != nil {
		return nil, err
	}
	v := intervals{}
	if about[aboutForgetting] == "" {
		return v, nil
	}
	var list []noted
	if err := json.Unmarshal([]byte(about[aboutForgetting]), &list); err != nil {
		return nil, fmt.Errorf("read which sums are to be made anew: %w", err)
	}
	for _, n := range list {
		for _, start := range n.Starts {
			v.add(n.Sensor, n.Origin, start)
		}
	}
	return v, nil
}

// note writes intervals down; none: it is done.
func (f *forgetter) note(ctx context.Context, v intervals) error {
	text := ""
	if len(v) > 0 {
		var list []noted
		for k, starts := range v {
			list = append(list, noted{Sensor: k[1], Origin: k[0], Starts: slices.Sorted(maps.Keys(starts))})
		}
		b, err := json.Marshal(list)
		if err != nil {
			return err
		}
		text = string(b)
	}
	return f.setAbout(ctx, map[string]string{aboutForgetting: text})
}

// affected adds the ten minutes that have points to be forgotten.
func (f *forgetter) affected(ctx context.Context, doomed string, v intervals) error {
	sql := fmt.Sprintf("SELECT DISTINCT sensor, origin, toInt64(intDiv(toUInt32(time), %d)) * %[1]d FROM %s WHERE %s", finest, f.table("points"), doomed)
	return f.read(ctx, question{sql: sql}, func(rows driver.Rows) error {
		var sensor, origin string
		var start int64
		err := rows.Scan(&sensor, &origin, &start)
		v.add(sensor, origin, start)
		return err
	})
}

// finest is the length of the intervals that are made of points, in seconds.
const finest = 600

// errShipping is that of a Forget in whose intervals a sensor is at work.
var errShipping = errors.New("a sensor has sent points of these times that are not acknowledged yet, or is sending some: run it again when it has shipped them")

// acknowledged fails where points are there whose shipment is yet to be sent again: it
// would add to sums that have been made anew with it.
func (f *forgetter) acknowledged(ctx context.Context, v intervals) error {
	for _, in := range v.conditions(startOf("time", finest)) {
		var n uint64
		err := f.conn.QueryRow(ctx, "SELECT count() FROM "+f.table("points")+" WHERE "+in+
			" AND (sensor, origin, time, seq) GLOBAL NOT IN (SELECT sensor, origin, tick, seq FROM "+f.table("batches")+")").Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			return errShipping
		}
	}
	return nil
}

func startOf(column string, seconds int64) string {
	return fmt.Sprintf("toInt64(intDiv(toUInt32(%s), %d)) * %[2]d", column, seconds)
}

// makeAnew makes the sums of intervals anew: of ten minutes from points, of an hour from
// those, and of a day from these. What a sensor has shipped meanwhile into one of them may
// be there twice; then they are made once more.
func (f *forgetter) makeAnew(ctx context.Context, v intervals) error {
	ages, now, err := f.ages(ctx)
	if err != nil {
		return err
	}
	source, column := "points", "time"
	for i, l := range levels {
		begin, seconds := int64(0), int64(l.seconds)
		for _, r := range rollups { // they are of one age, unless somebody has changed that
			name := r.name + "_" + levels[max(0, i-1)].name
			if i == 0 {
				name = source
			}
			if age, ok := ages[f.o.local(name)]; ok {
				begin = max(begin, ceilTo(max(0, now-age), seconds))
			}
		}
		list, before := v.coarser(seconds, begin)
		f.gone.Old += before
		f.gone.Sums += list.count()
		for _, r := range rollups {
			from := source
			if i > 0 {
				from = r.name + "_" + levels[i-1].name
			}
			there := list.conditions(startOf(column, seconds))
			for n, here := range list.conditions("toInt64(toUInt32(start))") {
				if err := f.makeSums(ctx, &r, l, relation{sql: from, time: column}, there[n], here); err != nil {
					return err
				}
			}
		}
		column = "start"
	}
	return nil
}

// mostRounds is how often sums are made while a sensor ships into them.
const mostRounds = 5

// makeSums makes the sums of a rollup anew from points, or from finer sums. there and here
// are the conditions of what they are made of and of what they are.
func (f *forgetter) makeSums(ctx context.Context, r *rollup, l level, from relation, there, here string) error {
	target := r.name + "_" + l.name
	count, first, last := "count()", "min(time)", "max(time + seconds)"
	if from.time == "start" {
		count, first, last = "sum(points)", "min(first)", "max(last)"
	}
	insert := fmt.Sprintf("INSERT INTO %s (sensor, origin, start, %s, packets, bytes, opens, points, first, last)\n"+
		"SELECT sensor, origin, toDateTime(%s, 'UTC') AS interval_start, %[2]s, sum(packets), sum(bytes), sum(opens), %[4]s, %[5]s, %[6]s\n"+
		"FROM %[7]s WHERE %[8]s GROUP BY sensor, origin, interval_start, %[2]s",
		f.o.table(target), names(r.keys), startOf(from.time, int64(l.seconds)), count, first, last, f.o.table(from.sql), there)
	for range mostRounds {
		if err := f.delete(ctx, target, here); err != nil {
			return err
		}
		set := clickhouse.Settings{"insert_deduplicate": 0, "async_insert": 0} // sums like others of before are no repetition here
		if f.o.Cluster != "" {
			set["insert_distributed_sync"] = 1
		}
		if err := f.conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(set)), insert); err != nil {
			return err
		}
		var n int64
		err := f.conn.QueryRow(ctx, fmt.Sprintf("SELECT sum(n) FROM (SELECT toInt64(%s) AS n FROM %s WHERE %s UNION ALL SELECT -toInt64(sum(points)) AS n FROM %s WHERE %s)",
			count, f.o.table(from.sql), there, f.o.table(target), here)).Scan(&n)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
	return errShipping
}
