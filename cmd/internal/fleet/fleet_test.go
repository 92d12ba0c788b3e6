package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// batch makes a batch whose points say which it is.
func batch(sensor string, tick int, seq uint32, points int) *store.Batch {
	b := &store.Batch{Sensor: sensor, Tick: start.Add(time.Duration(tick) * 10 * time.Second), Interval: 10 * time.Second, Seq: seq}
	b.From, b.To = b.Tick, b.Tick.Add(b.Interval)
	for i := range points {
		p := store.Point{Time: b.Tick, Interval: b.Interval, Sensor: sensor, Proto: 6, Port: 443, HasPort: true,
			Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{8, 8, byte(seq), byte(i)}), 32), Packets: uint64(1 + tick), Bytes: 100}
		b.Points = append(b.Points, p)
		b.Books.OnePublic.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	b.Books.Captured, b.Books.Decoded = b.Books.OnePublic, b.Books.OnePublic
	return b
}

// server counts what arrives by token, as ClickHouse does, and fails as it is told.
type server struct {
	mu                sync.Mutex
	got               map[string]store.Sum
	shipped, repeated int
	opened, closed    int
	fail              func() error // before anything arrives; nil: never
	forget            func() bool  // it arrived, and the answer is lost; nil: never
}

func newServer() *server { return &server{got: make(map[string]store.Sum)} }

func (s *server) open(context.Context) (Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return s, nil
}

func (s *server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

func (s *server) Append(_ context.Context, origin string, batches []*store.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	s.shipped++
	for _, b := range batches {
		token := fmt.Sprintf("%s/%s/%d/%d", origin, b.Sensor, b.Tick.Unix(), b.Seq)
		var sum store.Sum
		for i := range b.Points {
			sum.Add(b.Points[i].Sum())
		}
		if before, ok := s.got[token]; ok {
			s.repeated++
			if before != sum {
				panic("a batch that was sent again is another: " + token)
			}
		}
		s.got[token] = sum
	}
	if s.forget != nil && s.forget() {
		return errors.New("connection reset")
	}
	return nil
}

func (s *server) total() (batches int, sum store.Sum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.got {
		sum.Add(one)
	}
	return len(s.got), sum
}

func openStore(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running is a Shipper at work.
type running struct {
	*Shipper
	stop func()
}

func run(t testing.TB, s *sqlite.Store, to *server, log *slog.Logger) *running {
	t.Helper()
	r := &running{Shipper: New(Config{Store: s, Open: to.open, Where: "db", Retry: time.Millisecond, Points: 300, Logger: log})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	until(t, "the outbox is open", func() bool { return r.opened() != nil })
	return r
}

func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func appendTo(t testing.TB, s *sqlite.Store, b *store.Batch) store.Sum {
	t.Helper()
	if err := s.Append(context.Background(), b); err != nil {
		t.Fatal(err)
	}
	var sum store.Sum
	for i := range b.Points {
		sum.Add(b.Points[i].Sum())
	}
	return sum
}

// TestShipsEverythingOnce ships while the server fails, forgets to answer, and is opened
// anew, the sensor is stopped and started, and ticks are sealed: at its end the server
// has each batch once.
func TestShipsEverythingOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := filepath.Join(t.TempDir(), "data")
	to := newServer()
	calls := 0
	to.fail = func() error {
		if calls++; calls%3 == 0 {
			return errors.New("too many parts")
		}
		return nil
	}
	to.forget = func() bool { return calls%4 == 0 }
	var want store.Sum
	batches := 0
	for restart := range 4 {
		s := openStore(t, dir)
		ship := run(t, s, to, nil)
		for n := range 80 {
			tick := restart*80 + n
			want.Add(appendTo(t, s, batch("gw1", tick, 0, r.IntN(30))))
			batches++
			if r.IntN(4) == 0 { // late
				want.Add(appendTo(t, s, batch("gw1", r.IntN(tick+1), uint32(1000+tick), 1+r.IntN(5))))
				batches++
			}
			if r.IntN(20) == 0 {
				if err := s.Maintain(context.Background(), true); err != nil {
					t.Fatal(err)
				}
			}
		}
		if restart == 3 {
			until(t, "nothing waits", func() bool {
				st := ship.Status(context.Background())
				return st.Known && st.Outbox.Waiting == 0
			})
		}
		ship.stop()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, sum := to.total()
	if got != batches || sum != want {
		t.Errorf("%d of %d batches with %v of %v", got, batches, sum, want)
	}
	if to.repeated == 0 || to.opened < 5 || to.closed != to.opened {
		t.Errorf("%d repeated, opened %d times, closed %d", to.repeated, to.opened, to.closed)
	}
}

// TestCommitsDoNotWait: a server that never answers holds up neither commits nor the end.
func TestCommitsDoNotWait(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	entered := make(chan struct{}, 1)
	hanging := func(context.Context) (Server, error) { return hang{entered}, nil }
	ship := New(Config{Store: s, Open: hanging, Where: "db"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ship.Run(ctx) }()
	until(t, "the outbox is open", func() bool { return ship.opened() != nil })
	appendTo(t, s, batch("gw1", 0, 0, 5))
	<-entered // and there it stays
	for tick := range 50 {
		appendTo(t, s, batch("gw1", 1+tick, 0, 5))
	}
	st := ship.Status(context.Background())
	if !st.Known || st.Outbox.Waiting != 51 || st.Outbox.WaitingPoints != 51*5 || st.Lag == 0 || st.State() != "behind" {
		t.Errorf("%+v", st)
	}
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// hang is a server that never answers.
type hang struct{ entered chan<- struct{} }

func (h hang) Append(ctx context.Context, _ string, _ []*store.Batch) error {
	select {
	case h.entered <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

func (hang) Close() error { return nil }

// TestTellsTrouble says once that the server is away, and once that it is back; new
// credentials are tried at once.
func TestTellsTrouble(t *testing.T) {
	var log bytes.Buffer
	s := openStore(t, t.TempDir())
	defer s.Close()
	to := newServer()
	wrong := func(context.Context) (Server, error) { return nil, errors.New("wrong password") }
	ship := New(Config{Store: s, Open: wrong, Where: "db.example.net", Retry: time.Hour, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ship.Run(ctx) }()
	until(t, "the outbox is open", func() bool { return ship.opened() != nil })
	appendTo(t, s, batch("gw1", 0, 0, 5))
	until(t, "it has failed", func() bool { return ship.failure() != nil })
	st := ship.Status(context.Background())
	if st.State() != "away" || st.Err.Error() != "wrong password" || st.Errors != 1 || st.Since.IsZero() || time.Until(st.Retry) < 20*time.Minute {
		t.Errorf("%+v", st)
	}
	ship.SetOpen(to.open)
	until(t, "it arrives", func() bool { n, _ := to.total(); return n == 1 })
	until(t, "that is noted", func() bool { return ship.failure() == nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	st = ship.Status(context.Background())
	if st.Points != 5 || st.Batches != 1 || !st.Newest.Equal(start) || st.Rate == 0 || st.Outbox.Waiting != 0 {
		t.Errorf("%+v", st)
	}
	for _, line := range []string{"not shipped for now", "shipping goes on"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q was said %d times in:\n%s", line, n, log.String())
		}
	}
}

// TestRefuses: a tick that no server can keep does not hold up all others.
func TestRefuses(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	to := newServer()
	ship := run(t, s, to, nil)
	defer ship.stop()
	old := batch("gw1", 0, 0, 3)
	old.Tick = time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)
	old.From, old.To = old.Tick, old.Tick.Add(old.Interval)
	for i := range old.Points {
		old.Points[i].Time = old.Tick
	}
	appendTo(t, s, old)
	appendTo(t, s, batch("gw1", 1, 0, 3))
	until(t, "all is shipped", func() bool { st := ship.Status(context.Background()); return st.Batches == 1 && st.Refused == 1 })
}

// TestEvery gathers commits.
func TestEvery(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	to := newServer()
	ship := New(Config{Store: s, Open: to.open, Every: time.Hour})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ship.Run(ctx) }()
	until(t, "the outbox is open", func() bool { return ship.opened() != nil })
	for tick := range 40 {
		appendTo(t, s, batch("gw1", tick, 0, 2))
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n, _ := to.total(); n != 40 || to.shipped > 2 {
		t.Errorf("%d batches in %d shipments", n, to.shipped)
	}
}
