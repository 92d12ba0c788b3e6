package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
	"github.com/packetheat/packetheat/store/sqlite"
)

// site is a sensor's store that is shipped to a real server, through all that may happen.
type site struct {
	*rand.Rand
	t    *testing.T
	name string
	dir  string
	open Opener
	away atomic.Bool // the way to the server is cut

	store  *sqlite.Store
	ship   *Shipper
	cancel context.CancelFunc
	done   chan error
	tick   int
}

func (s *site) start() {
	s.t.Helper()
	s.store = openStore(s.t, s.dir)
	open := func(ctx context.Context) (Server, error) {
		if s.away.Load() {
			return nil, errors.New("no route to host")
		}
		server, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		return &way{server, s}, nil
	}
	s.ship = New(Config{Store: s.store, Open: open, Where: "test", Retry: 20 * time.Millisecond, Points: 3000})
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.done = make(chan error, 1)
	go func() { s.done <- s.ship.Run(ctx) }()
	until(s.t, "the outbox is open", func() bool { return s.ship.opened() != nil })
}

func (s *site) stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.done; err != nil {
		s.t.Error(err)
	}
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
}

// way is the connection to the server, which may be cut.
type way struct {
	Server
	site *site
}

func (w *way) Append(ctx context.Context, origin string, batches []*store.Batch) error {
	if w.site.away.Load() {
		return errors.New("connection reset by peer")
	}
	return w.Server.Append(ctx, origin, batches)
}

// go on for some ticks; some have late packets, some are sealed.
func (s *site) run(ticks int) {
	s.t.Helper()
	for range ticks {
		appendTo(s.t, s.store, s.batch(s.tick, 0, 3+s.IntN(25)))
		if s.IntN(6) == 0 {
			appendTo(s.t, s.store, s.batch(s.IntN(s.tick+1), uint32(1+s.tick), 1+s.IntN(4)))
		}
		if s.tick++; s.tick%90 == 0 {
			if err := s.store.Maintain(context.Background(), true); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// batch makes one with places and ends of many kinds, some the same from tick to tick.
func (s *site) batch(tick int, seq uint32, points int) *store.Batch {
	b := batch(s.name, tick, seq, points)
	for i := range b.Points {
		p := &b.Points[i]
		p.Direction, p.Packets, p.Bytes = store.Direction(s.IntN(2)), 1+s.Uint64N(9), 60+s.Uint64N(9000)
		p.Addr = netip.PrefixFrom(netip.AddrFrom4([4]byte{9, byte(s.IntN(3)), 9, byte(i)}), 32)
		if place := s.IntN(4); place > 0 {
			p.Place = store.Place{Latitude: 10.5 * float64(place), Longitude: -3.25, Country: []string{"", "DE", "FR", "JP"}[place], City: "O'Hare \\ \"x\"", Precision: store.City}
			p.ASN, p.ASOrg = uint32(64500+place), "AS"
		}
	}
	return b
}

// arrived waits until nothing is left to be shipped.
func (s *site) arrived() {
	s.t.Helper()
	until(s.t, s.name+" has shipped everything", func() bool {
		st := s.ship.Status(context.Background())
		return st.Known && st.Outbox.Waiting == 0 && st.Outbox.Shipped > 0
	})
}

// answers is what a sensor's traffic is, by a reader: every point, and sums that a server
// has from its rollups.
func answers(t *testing.T, r interface {
	Points(context.Context, store.Filter, func([]store.Point) error) error
	Series(context.Context, store.Filter, time.Duration) ([]store.Bin, error)
}, sensor string) (lines []string, hours []store.Bin) {
	t.Helper()
	var points []store.Point
	f, err := store.ParseFilter("sensor:" + sensor)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Points(context.Background(), f, func(list []store.Point) error {
		points = append(points, list...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range points {
		lines = append(lines, fmt.Sprintf("%+v", points[i]))
	}
	slices.Sort(lines) // points of one tick and address have no order
	if hours, err = r.Series(context.Background(), f, time.Hour); err != nil {
		t.Fatal(err)
	}
	return lines, hours
}

// TestFaults lets three sensors ship while the server is killed, the way of one is cut for
// twenty minutes of ticks (an hour with PACKETHEAT_TORTURE=1), and everything is restarted. The server then has what the stores have,
// no tick missing and none twice; also when all of it is sent again.
func TestFaults(t *testing.T) {
	t.Parallel()
	chtest.Each(t, func(t *testing.T, server *chtest.Server) {
		kills, rounds, cut := 2, 1, 120
		if os.Getenv("PACKETHEAT_TORTURE") == "1" {
			kills, rounds, cut = 12, 6, 360
		}
		options := clickhouse.Options{DSN: server.DSN, Database: server.Database()}
		reader, err := clickhouse.Connect(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		if err := reader.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		var sites []*site
		for i := range 3 {
			s := &site{Rand: rand.New(rand.NewPCG(uint64(i), 9)), t: t, name: fmt.Sprint("gw", i), dir: filepath.Join(t.TempDir(), "data")}
			s.open = func(ctx context.Context) (Server, error) { return clickhouse.Open(ctx, options) }
			s.start()
			sites = append(sites, s)
		}
		each := func(f func(*site)) {
			for _, s := range sites {
				f(s)
			}
		}
		for range rounds {
			for range kills {
				each(func(s *site) { s.run(40) })
				time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // anywhere in a shipment
				server.Kill()
				each(func(s *site) { s.run(10) })
				server.Start()
			}
			sites[0].away.Store(true)
			each(func(s *site) { s.run(cut) })
			if st := sites[0].ship.Status(t.Context()); int(st.Outbox.Waiting) < cut || st.State() != "away" {
				t.Errorf("cut off, it has %d batches and is %s", st.Outbox.Waiting, st.State())
			}
			each((*site).stop)
			server.Stop()
			each((*site).start)
			each(func(s *site) { s.run(20) })
			server.Start()
			sites[0].away.Store(false)
			each((*site).arrived)
		}
		same := func(when string) {
			each(func(s *site) {
				wantPoints, wantHours := answers(t, s.store, s.name)
				points, hours := answers(t, reader, s.name)
				if diff := cmp.Diff(wantPoints, points); diff != "" {
					t.Errorf("%s: points of %s: -stored +shipped %.2000s", when, s.name, diff)
				}
				if diff := cmp.Diff(wantHours, hours); diff != "" {
					t.Errorf("%s: hours of %s: -stored +shipped %.2000s", when, s.name, diff)
				}
			})
		}
		same("after all that")
		each((*site).stop)
		each(func(s *site) {
			s.store = openStore(t, s.dir)
			load := Load{Store: s.store, Server: reader, Points: 777}
			r, err := load.Run(t.Context(), true)
			if last, _ := s.store.LastBatch(t.Context()); err != nil || r.Batches != last || r.Damaged+r.Merged+r.Refused+r.Left != 0 {
				t.Errorf("all again: %+v of %d, %v", r, last, err)
			}
		})
		same("sent again")
		each(func(s *site) { s.store.Close() })
	})
}
