package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// picky is a server that refuses some batches for what is in them.
type picky struct {
	*server
	refuses func(*store.Batch) bool
}

func (p *picky) Append(ctx context.Context, origin string, batches []*store.Batch) error {
	for _, b := range batches {
		if p.refuses(b) {
			return fmt.Errorf("constraint `x` is violated: %w", clickhouse.ErrContent)
		}
	}
	return p.server.Append(ctx, origin, batches)
}

// TestPoison: batches that the server refuses for what is in them hold up no others, come
// where they may; they are counted and told.
func TestPoison(t *testing.T) {
	t.Parallel()
	for name, poisoned := range map[string][]int{"first": {0}, "last": {39}, "some": {3, 4, 17, 39}, "most": {0, 1, 2, 3, 4, 5, 6, 30, 31}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := openStore(t, t.TempDir())
			defer s.Close()
			to := newServer()
			bad := map[int64]bool{}
			for _, tick := range poisoned {
				bad[batch("gw1", tick, 0, 0).Tick.Unix()] = true
			}
			open := func(context.Context) (Server, error) {
				return &picky{to, func(b *store.Batch) bool { return bad[b.Tick.Unix()] }}, nil
			}
			ship := New(Config{Store: s, Open: open, Where: "db", Retry: 1, Points: 40, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- ship.Run(ctx) }()
			until(t, "the outbox is open", func() bool { return ship.opened() != nil })
			var want store.Sum
			for tick := range 41 { // the last is good: a poisoned one is known by others that are taken
				sum := appendTo(t, s, batch("gw1", tick, 0, 3+tick%5))
				if !bad[batch("gw1", tick, 0, 0).Tick.Unix()] {
					want.Add(sum)
				}
			}
			until(t, "nothing waits", func() bool { st := ship.Status(ctx); return st.Known && st.Outbox.Waiting == 0 })
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			st := ship.Status(context.Background())
			if n, sum := to.total(); n != 41-len(bad) || sum != want || st.Refused != uint64(len(bad)) || st.Batches != uint64(n) || st.State() != "shipping" {
				t.Errorf("%d batches with %v of %v; %+v", n, sum, want, st)
			}
			if !strings.Contains(log.String(), "constraint") || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("it says %s", log.String())
			}
		})
	}
}

// TestServerRefusesAll: a server that takes nothing, as one with a broken view, has
// refused nothing: all is sent when it is mended.
func TestServerRefusesAll(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	defer s.Close()
	to := newServer()
	broken := true // read and written by the goroutine of Append alone, until it is mended
	tries, mended := make(chan struct{}, 1000), make(chan struct{})
	open := func(context.Context) (Server, error) {
		return &picky{to, func(b *store.Batch) bool {
			select {
			case <-mended:
				broken = false
			default:
			}
			select {
			case tries <- struct{}{}:
			default:
			}
			return broken && len(b.Points) > 0 // its books alone it takes
		}}, nil
	}
	ship := New(Config{Store: s, Open: open, Where: "db", Retry: 1, Points: 40})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ship.Run(ctx) }()
	until(t, "the outbox is open", func() bool { return ship.opened() != nil })
	for tick := range 60 {
		appendTo(t, s, batch("gw1", tick, 0, tick%4))
	}
	for range 300 {
		<-tries
	}
	if st := ship.Status(ctx); st.Refused != 0 || st.State() != "away" || !errors.Is(st.Err, clickhouse.ErrContent) {
		t.Errorf("while it takes nothing: %+v", st)
	}
	close(mended)
	until(t, "nothing waits", func() bool { st := ship.Status(ctx); return st.Known && st.Outbox.Waiting == 0 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n, _ := to.total(); n != 60 || ship.Status(context.Background()).Refused != 0 {
		t.Errorf("%d batches arrived; %+v", n, ship.Status(context.Background()))
	}
}

// TestMendedMeanwhile: what a server refused before it was mended, in the midst of a
// parcel, is sent again and not given up; what it still refuses then is.
func TestMendedMeanwhile(t *testing.T) {
	t.Parallel()
	batches := make([]*store.Batch, 32)
	for tick := range batches {
		batches[tick] = batch("gw1", tick, 0, 1)
	}
	for broken := range 18 { // how many times it refuses whatever it is
		for _, poisoned := range []int{-1, 0, 3, 31} {
			var calls int
			arrived := map[*store.Batch]int{}
			d := delivery{send: func(some []*store.Batch) error {
				if calls++; calls <= broken || poisoned >= 0 && slices.Contains(some, batches[poisoned]) {
					return clickhouse.ErrContent
				}
				for _, b := range some {
					arrived[b]++
				}
				return nil
			}}
			err := d.all(batches)
			if broken == 17 { // 32, 16, 8, 4, 2, 1, 1, 2, 1, 1, 4 and so on: the eighth alone is the last
				if !errors.Is(err, clickhouse.ErrContent) || len(arrived) > 0 {
					t.Errorf("refused %d times, it is not the server that takes nothing: %v, %d arrived", broken, err, len(arrived))
				}
				continue
			}
			given := 0
			for i, b := range batches {
				switch {
				case arrived[b] == 0 && i == poisoned:
					given++
				case arrived[b] != 1:
					t.Errorf("refused %d times, with %d poisoned: batch %d arrived %d times", broken, poisoned, i, arrived[b])
				}
			}
			if err != nil || len(d.refused) != given {
				t.Errorf("refused %d times, with %d poisoned: %d given up, want %d; %v", broken, poisoned, len(d.refused), given, err)
			}
		}
	}
}

// TestPoisonReal does it on servers of the current engine, which have constraints: what
// one refuses stays out, of a sensor that ships and of an import, and all else is there
// once. An import when the constraint is gone brings the rest.
func TestPoisonReal(t *testing.T) {
	t.Parallel()
	server := chtest.Modern(t)
	o := clickhouse.Options{DSN: server.DSN, Database: server.Database()}
	reader, err := clickhouse.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	table := "ALTER TABLE " + o.Database + ".points "
	command(t, server, table+"ADD CONSTRAINT small CHECK packets < 1000000")
	s := openStore(t, filepath.Join(t.TempDir(), "data"))
	defer s.Close()
	ship := New(Config{Store: s, Open: func(ctx context.Context) (Server, error) { return clickhouse.Open(ctx, o) }, Where: "db", Retry: 1})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ship.Run(ctx) }()
	until(t, "the outbox is open", func() bool { return ship.opened() != nil })
	big := func(tick int) *store.Batch {
		b := batch("gw1", tick, 0, 5)
		b.Points[3].Packets = 2_000_000
		return b
	}
	for tick := range 6 {
		b := batch("gw1", tick, 0, 5)
		if tick == 0 || tick == 4 {
			b = big(tick)
		}
		appendTo(t, s, b)
	}
	until(t, "nothing waits", func() bool { st := ship.Status(ctx); return st.Known && st.Outbox.Waiting == 0 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if st := ship.Status(context.Background()); st.Refused != 2 || st.Batches != 4 || st.Points != 20 {
		t.Errorf("%+v", st)
	}
	arrived := func() int { points, _ := answers(t, reader, "gw1"); return len(points) }
	if n := arrived(); n != 20 {
		t.Errorf("%d points arrived, want 20", n)
	}
	load := Load{Store: s, Server: reader, Points: 7}
	if r, err := load.Run(t.Context(), true); !errors.Is(err, clickhouse.ErrContent) || r.Batches != 0 { // the first parcel is the first batch, and nothing has been taken
		t.Errorf("an import of what begins with one that is refused: %+v, %v", r, err)
	}
	load.Points = 0
	if r, err := load.Run(t.Context(), true); err != nil || r.Refused != 2 || r.Batches != 4 || r.Points != 20 || !errors.Is(r.Cause, clickhouse.ErrContent) {
		t.Errorf("an import: %+v, %v", r, err)
	}
	command(t, server, table+"DROP CONSTRAINT small")
	if r, err := load.Run(t.Context(), true); err != nil || r.Refused != 0 || r.Batches != 6 || arrived() != 30 {
		t.Errorf("an import without the constraint: %+v, %v, %d points", r, err, arrived())
	}
}

// command runs a statement at a server of the current engine.
func command(t *testing.T, server *chtest.Server, sql string) {
	t.Helper()
	url, _, _ := strings.Cut(server.DSN, "?")
	r, err := http.Post(url, "text/plain", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", sql, r.Status, text)
	}
}
