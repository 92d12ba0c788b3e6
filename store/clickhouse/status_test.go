package clickhouse

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		ctx := context.Background()
		s := open(t, server, Options{Program: "1.2.3"})
		if list, err := s.Status(ctx); err != nil || len(list) != 0 {
			t.Errorf("nobody shipped, and there are %+v, %v", list, err)
		}
		ticks := someTicks(3)
		long := someBatch("gw2", noon.AddDate(0, 0, -2), 0, 2)
		appendAll(t, s, "a", append(ticks, long)...)
		appendAll(t, s, "b", ticks[0])
		list, err := s.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		day := func(r SensorStatus, batches ...*store.Batch) SensorStatus {
			for _, b := range batches {
				sum := sumsOf(b.Points).points
				r.Batches, r.Points, r.Drops = r.Batches+1, r.Points+uint64(len(b.Points)), r.Drops+b.Books.Drops
				r.Packets, r.Bytes = r.Packets+sum.Packets, r.Bytes+sum.Bytes
			}
			r.Interval, r.Version = 10*time.Second, "1.2.3"
			return r
		}
		want := []SensorStatus{
			day(SensorStatus{Sensor: "gw1", Origin: "a", First: noon, Newest: noon.Add(30 * time.Second)}, ticks...),
			day(SensorStatus{Sensor: "gw1", Origin: "b", First: noon, Newest: noon.Add(10 * time.Second)}, ticks[0]),
			day(SensorStatus{Sensor: "gw2", Origin: "a", First: long.Tick, Newest: long.Tick.Add(10 * time.Second)}),
		}
		if diff := cmp.Diff(want, list, cmpopts.IgnoreFields(SensorStatus{}, "Arrived", "Lag", "Clock")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, r := range list {
			// The server's clock is this machine's, and seconds are cut off.
			if r.Clock.Abs() > time.Minute || time.Since(r.Arrived) > time.Hour || (r.Lag-time.Since(r.Newest)).Abs() > time.Minute {
				t.Errorf("%s: arrived %s, clock %s, lag %s", r.Sensor, r.Arrived, r.Clock, r.Lag)
			}
		}
	})
}
