package clickhouse

import (
	"context"
	"fmt"
	"time"
)

// SensorStatus is what the database knows of one sensor of one store.
type SensorStatus struct {
	Sensor, Origin string

	First, Newest time.Time     // start of the first tick, end of the newest
	Interval      time.Duration // of the newest tick

	Arrived time.Time     // when the last batch arrived, by the server's clock
	Clock   time.Duration // how far the sensor's clock was ahead of the server's then; below 0: behind
	Lag     time.Duration // from the end of the newest tick until now, by the server's clock
	Version string        // of the program that shipped last

	// Of the last 24 hours before the newest tick of any sensor.
	Batches, Points, Packets, Bytes uint64
	Drops                           uint64 // frames that the kernel dropped
}

// Status returns every sensor that ever shipped, by sensor and origin.
func (s *Store) Status(ctx context.Context) ([]SensorStatus, error) {
	list, err := s.status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the sensors of %q at %s: %w%s", s.o.database(), s.where(), err, hint(err))
	}
	return list, nil
}

func (s *Store) status(ctx context.Context) ([]SensorStatus, error) {
	// No FINAL: maxima take rows that are there twice as they take them once.
	rows, err := s.conn.Query(ctx, "SELECT sensor, origin, min(tick), max(tick + seconds), argMax(seconds, tick),"+
		" max(received), argMax(toInt64(toUnixTimestamp(sent)) - toInt64(toUnixTimestamp(received)), received), argMax(version, received), now() FROM "+
		s.o.table("batches")+" GROUP BY sensor, origin ORDER BY sensor, origin")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []SensorStatus
	var last time.Time
	for rows.Next() {
		var r SensorStatus
		var interval uint8
		var clock int64
		var now time.Time
		if err := rows.Scan(&r.Sensor, &r.Origin, &r.First, &r.Newest, &interval, &r.Arrived, &clock, &r.Version, &now); err != nil {
			return nil, err
		}
		r.First, r.Newest, r.Arrived = r.First.UTC(), r.Newest.UTC(), r.Arrived.UTC()
		r.Interval, r.Clock, r.Lag = time.Duration(interval)*time.Second, time.Duration(clock)*time.Second, now.Sub(r.Newest)
		list = append(list, r)
		if r.Newest.After(last) {
			last = r.Newest
		}
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return list, err
	}
	return list, s.addDay(ctx, list, last.Add(-24*time.Hour))
}

// addDay adds the sums of the batches since a time.
func (s *Store) addDay(ctx context.Context, list []SensorStatus, since time.Time) error {
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT sensor, origin, count(), sum(points), sum(points_packets), sum(points_bytes), sum(drops) FROM %s"+
		" WHERE tick >= toDateTime(%d) GROUP BY sensor, origin", s.table("batches"), max(since.Unix(), 0)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r SensorStatus
		if err := rows.Scan(&r.Sensor, &r.Origin, &r.Batches, &r.Points, &r.Packets, &r.Bytes, &r.Drops); err != nil {
			return err
		}
		for i := range list {
			if l := &list[i]; l.Sensor == r.Sensor && l.Origin == r.Origin {
				l.Batches, l.Points, l.Packets, l.Bytes, l.Drops = r.Batches, r.Points, r.Packets, r.Bytes, r.Drops
			}
		}
	}
	return rows.Err()
}
