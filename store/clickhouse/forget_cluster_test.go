package clickhouse

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestForgetCluster: what is forgotten is on no replica of any shard, and all else is.
func TestForgetCluster(t *testing.T) {
	if os.Getenv("PACKETHEAT_TORTURE") != "1" {
		t.Skip("a ZooKeeper and four servers are for make torture")
	}
	c := chtest.StartCluster(t)
	ctx := t.Context()
	at := func(node *chtest.Server) *Store {
		t.Helper()
		s, err := Connect(ctx, Options{DSN: node.DSN, Database: "heat", Cluster: c.Name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := at(c.Nodes[0])
	if err := s.Init(ctx); err != nil {
		t.Fatal(err)
	}
	var all []*store.Batch
	for i := range 8 {
		for k := range 3 {
			all = append(all, someBatch(fmt.Sprintf("gw%d", i), noon.Add(time.Duration(k)*14*time.Hour), 0, 30))
		}
	}
	appendAll(t, s, "o", all...)
	settle(t, c)
	want := map[string]uint64{} // of each node
	doomed := uint64(0)
	for _, b := range all {
		for i := range b.Points {
			if doomedPoint(&b.Points[i]) {
				doomed++
			}
		}
	}
	for _, node := range c.Nodes {
		has, gone := onNode(t, at(node))
		want[node.DSN] = has - gone
		if gone == 0 {
			t.Errorf("%s has nothing to be forgotten of %d points", node.Name, has)
		}
	}
	for i, node := range []*chtest.Server{c.Node(1, 1), c.Node(0, 1)} { // whichever is asked
		f, err := at(node).Forget(ctx, forgotten, i == 0)
		if err != nil || f.Points != doomed || len(f.Sensors) != 8 {
			t.Fatalf("%s: %+v of %d points, %v", node.Name, f, doomed, err)
		}
	}
	wantForgotten(t, c, at, want)
	appendAll(t, s, "o", all...)
	if f, err := s.Forget(ctx, forgotten, false); err != nil || f.Points != 0 {
		t.Errorf("after all was sent again: %+v, %v", f, err)
	}
	asking, from := (&forgetter{Store: s}).onReplicas(ctx, "system.one")
	var nodes uint64
	if err := s.conn.QueryRow(asking, "SELECT count() FROM "+from).Scan(&nodes); err != nil || nodes != uint64(len(c.Nodes)) {
		t.Errorf("%d nodes are asked of %d, %v", nodes, len(c.Nodes), err)
	}
	testForgetReplicaDown(t, c, at)
}

// testForgetReplicaDown: what a replica that is down has is forgotten when it is back,
// whatever was said meanwhile; and then it is said to be forgotten.
func testForgetReplicaDown(t *testing.T, c *chtest.Cluster, at func(*chtest.Server) *Store) {
	ctx := t.Context()
	s := at(c.Node(0, 0))
	for i := range 8 {
		appendAll(t, s, "o", someBatch(fmt.Sprintf("gw%d", i), noon.Add(time.Hour), 0, 30))
	}
	settle(t, c)
	want := map[string]uint64{}
	for _, node := range c.Nodes {
		has, gone := onNode(t, at(node))
		want[node.DSN] = has - gone
	}
	c.Node(1, 1).Kill()
	asking, stop := context.WithTimeout(ctx, 20*time.Second) // servers would wait for three minutes
	defer stop()
	if f, err := s.Forget(asking, forgotten, false); err == nil {
		t.Errorf("with a replica that is down all is said to be forgotten: %+v", f)
	}
	c.Node(1, 1).Start()
	settle(t, c)
	if f, err := at(c.Node(0, 1)).Forget(ctx, forgotten, false); err != nil {
		t.Errorf("with all replicas back: %+v, %v", f, err)
	}
	wantForgotten(t, c, at, want)
}

// wantForgotten waits until no node has anything that is to be forgotten: a replica that the
// one which was asked had not heard of may be some seconds behind. What is left then is what
// was to stay.
func wantForgotten(t *testing.T, c *chtest.Cluster, at func(*chtest.Server) *Store, want map[string]uint64) {
	t.Helper()
	stores := map[*chtest.Server]*Store{}
	for _, node := range c.Nodes {
		stores[node] = at(node)
	}
	c.Settle(t, func(node *chtest.Server) (uint64, error) {
		_, gone := onNode(t, stores[node])
		return gone, nil
	})
	for _, node := range c.Nodes {
		if has, _ := onNode(t, stores[node]); has != want[node.DSN] {
			t.Errorf("%s has %d points, want %d", node.Name, has, want[node.DSN])
		}
	}
}

// onNode returns how many points a node has itself, and how many of them are to be
// forgotten.
func onNode(t *testing.T, s *Store) (has, gone uint64) {
	t.Helper()
	doomed := condition(&store.Term{Key: store.KeyHost, Networks: slices.Clone(forgotten)})
	err := s.conn.QueryRow(context.Background(), "SELECT count(), countIf("+doomed+") FROM "+s.o.table("points_local")+" FINAL").Scan(&has, &gone)
	if err != nil {
		t.Fatal(err)
	}
	return has, gone
}
