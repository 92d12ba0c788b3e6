package clickhouse

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestShardSilent takes a shard away under a reader: the first question fails, those that
// follow on a Coverage are about the other shard and say so, and all is as before when it
// is back.
func TestShardSilent(t *testing.T) {
	if os.Getenv("PACKETHEAT_TORTURE") != "1" {
		t.Skip("a ZooKeeper and four servers are for make torture")
	}
	c := chtest.StartCluster(t)
	ctx := t.Context()
	s, err := Connect(ctx, Options{DSN: c.Node(0, 0).DSN, Database: "heat", Cluster: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Init(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		appendAll(t, s, "o", someBatch(fmt.Sprintf("gw%d", i), noon, 0, 30))
	}
	packets := func() (n uint64, err error) {
		cells, err := s.Cells(ctx, store.Filter{}, 0)
		for _, c := range cells {
			n += c.Packets
		}
		return n, err
	}
	all, err := packets()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := s.Coverage(ctx, store.Window{})
	if err != nil || whole.Partial != "" || len(whole.Sensors) != 8 {
		t.Fatalf("%+v, %v", whole, err)
	}
	for r := range 2 {
		c.Node(1, r).Kill()
	}
	if _, err := packets(); err == nil || !strings.Contains(err.Error(), "a shard does not answer: ask again") {
		t.Errorf("of one shard: %v", err)
	}
	part, err := s.Coverage(ctx, store.Window{})
	if err != nil || part.Partial != `shard 2 of the 2 of cluster "heat" does not answer` || !slices.Equal(part.Sensors, whole.Sensors) {
		t.Errorf("%q of %q, %v", part.Partial, part.Sensors, err)
	}
	if part.Off() <= whole.Off() || part.Points >= whole.Points {
		t.Errorf("off for %s, was %s; %d points, were %d", part.Off(), whole.Off(), part.Points, whole.Points)
	}
	if n, err := packets(); err != nil || n == 0 || n >= all {
		t.Errorf("%d packets of %d, %v", n, all, err)
	}
	for r := range 2 {
		c.Node(1, r).Start()
	}
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		again, err := s.Coverage(ctx, store.Window{})
		if err == nil && again.Partial == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%q, %v", again.Partial, err)
		}
	}
	if n, err := packets(); err != nil || n != all {
		t.Errorf("%d packets of %d, %v", n, all, err)
	}
}

func TestPartialText(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil,
		`shard 2 of the 3 of cluster "x" does not answer`:   {"2"},
		`shards 1, 3 of the 3 of cluster "x" do not answer`: {"1", "3"},
	} {
		if got := partial(names, 3, "x"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := unnamed([]string{"2"}, []string{"1", "2"}) + unnamed([]string{"a", "1"}, []string{"1"}); got != "1?" {
		t.Errorf("unnamed shards are %q", got)
	}
}
