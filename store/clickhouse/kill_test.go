package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestKilled kills the server again and again while three sensors ship in groups that
// change from try to try. What they have is counted once in the end, everywhere.
func TestKilled(t *testing.T) {
	t.Parallel()
	kills, ticks := 4, 60
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		kills, ticks = 20, 300
	}
	chtest.Each(t, func(t *testing.T, server *chtest.Server) {
		s := open(t, server, Options{})
		var all []*store.Batch
		var wg sync.WaitGroup
		progress := make(chan struct{}, 3*ticks)
		for i := range 3 {
			var list []*store.Batch
			for k := range ticks {
				list = append(list, someBatch(fmt.Sprintf("gw%d", i), noon.Add(time.Duration(k)*10*time.Second), 0, 40+k%7))
			}
			all = append(all, list...)
			wg.Go(func() { shipAll(t, s, fmt.Sprint("store", i), list, uint64(i), progress) })
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			wg.Wait()
			close(progress)
		}()
		for k := range kills {
			for range 3 * ticks / (kills + 1) {
				<-progress
			}
			time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond) // anywhere within an insert
			server.Kill()
			t.Logf("kill %d", k+1)
			server.Start()
		}
		<-done
		wantOnce(t, s, "after the kills", all...)
		for i := range 3 { // and everything again
			appendAll(t, s, fmt.Sprint("store", i), all[i*ticks:(i+1)*ticks]...)
		}
		wantOnce(t, s, "sent again", all...)
	})
}

// shipAll ships batches in order, in groups of one to six, until all are acknowledged.
func shipAll(t *testing.T, s *Store, origin string, list []*store.Batch, seed uint64, progress chan<- struct{}) {
	r := rand.New(rand.NewPCG(seed, 8))
	for end := time.Now().Add(10 * time.Minute); len(list) > 0; {
		n := min(1+r.IntN(6), len(list))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := s.Append(ctx, origin, list[:n])
		cancel()
		if err != nil {
			if time.Now().After(end) {
				t.Errorf("given up: %v", err)
				return
			}
			time.Sleep(5 * time.Millisecond)
			continue
		}
		for range n {
			progress <- struct{}{}
		}
		list = list[n:]
	}
}

// TestConcurrent sends the same batches from several goroutines, each of which believes
// to be the only one.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		s := open(t, server, Options{})
		list := someTicks(8)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for i := 0; i < len(list); i += 2 {
					if err := s.Append(context.Background(), "o", list[i:i+2]); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		wantOnce(t, s, "sent by three", list...)
	})
}

// TestTokenWithoutRows makes a server that was killed after it had written a token down
// and before the rows had their name.
func TestTokenWithoutRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := chtest.Modern(t)
	s := open(t, server, Options{})
	list := someTicks(4)
	appendAll(t, s, "o", list[:1]...)
	appendAll(t, s, "o", list[1:3]...)
	var parts []string
	rows, err := s.conn.Query(ctx, "SELECT path FROM system.parts WHERE active AND database = "+quoteText(s.o.Database)+" AND table = 'points' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, path)
	}
	if len(parts) != 2 {
		t.Fatalf("parts are %q, want one for each shipment", parts)
	}
	forget(t, s, "batches")
	server.Kill()
	if err := os.RemoveAll(parts[1]); err != nil {
		t.Fatal(err)
	}
	server.Start()
	s = connect(t, server, s.o)
	if got := totalOf(t, s, "points").rows; got != uint64(len(list[0].Points)) {
		t.Fatalf("%d points are left: the test loses something else", got)
	}
	appendAll(t, s, "o", list[:1]...)
	appendAll(t, s, "o", list[1:3]...) // the sensor's next try, as its last one
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "with what was lost", list...)
	forget(t, s, "batches")
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "and again", list...)
}
