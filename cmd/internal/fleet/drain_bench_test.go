package fleet

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
	"github.com/packetheat/packetheat/store/sqlite"
)

// benchDrain prints how fast sensors that were cut off catch up together, as they do it:
// each with a store and a Shipper of its own, all at once. It is done once with a tick a
// shipment, where that is not too long, and once as it is.
func benchDrain(t *testing.T, server *chtest.Server) {
	t.Helper()
	for _, size := range []struct{ sensors, ticks, points, parcel int }{
		{1, 24, 2000, 1}, {1, 180, 2000, 0}, {10, 60, 500, 0}, {100, 12, 300, 0},
	} {
		o := clickhouse.Options{DSN: server.DSN, Database: server.Database()}
		to, err := clickhouse.Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		stores := cutOff(t, size.sensors, size.ticks, size.points)
		began, theirs, ours := time.Now(), server.CPU(), chtest.OwnCPU(t)
		shipments := drain(t, stores, o, size.parcel)
		took := time.Since(began)
		theirs, ours = server.CPU()-theirs, chtest.OwnCPU(t)-ours
		for _, s := range stores {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		how := "a tick a shipment"
		if size.parcel == 0 {
			how = fmt.Sprintf("%d shipments", shipments)
		}
		total := size.sensors * size.ticks * size.points
		fmt.Printf("  %s: %3d sensors, each %d ticks of %d points, %s: %s, %.0f points/s, %.0f times as fast as they came (CPU: server %.1f s, sensors %.1f s, of %d cores)\n", server.Name,
			size.sensors, size.ticks, size.points, how, round(took), float64(total)/took.Seconds(), float64(size.ticks)*10/took.Seconds(),
			theirs.Seconds(), ours.Seconds(), runtime.NumCPU())
	}
}

// cutOff returns stores with ticks that wait to be shipped.
func cutOff(t *testing.T, sensors, ticks, points int) (stores []*sqlite.Store) {
	t.Helper()
	ctx := context.Background()
	for i := range sensors {
		s, err := sqlite.Open(filepath.Join(t.TempDir(), "data"), sqlite.Options{NoMaintenance: true})
		if err != nil {
			t.Fatal(err)
		}
		box, err := s.Outbox(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Close(ctx); err != nil {
			t.Fatal(err)
		}
		traffic := newBenchTicks(fmt.Sprintf("gw%03d", i), uint64(i), points)
		for tick := range ticks {
			if err := s.Append(ctx, traffic.next(tick)); err != nil {
				t.Fatal(err)
			}
		}
		stores = append(stores, s)
	}
	return stores
}

// drain ships all that waits in stores, and returns in how many shipments.
func drain(t *testing.T, stores []*sqlite.Store, o clickhouse.Options, parcel int) (shipments uint64) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var ships []*Shipper
	for _, s := range stores {
		open := func(ctx context.Context) (Server, error) { return clickhouse.Open(ctx, o) }
		ship := New(Config{Store: s, Open: open, Where: "db", Points: parcel})
		ships = append(ships, ship)
		wg.Go(func() {
			if err := ship.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for _, ship := range ships {
		for {
			if st := ship.Status(ctx); st.Known && st.Outbox.Waiting == 0 {
				shipments += st.Shipments
				break
			}
			time.Sleep(20 * time.Millisecond) // each look is a question to the store
		}
	}
	stop()
	wg.Wait()
	return shipments
}
