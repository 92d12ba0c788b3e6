package clickhouse

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestCluster ships to two shards of two replicas, through whichever node is up.
func TestCluster(t *testing.T) {
	if os.Getenv("PACKETHEAT_TORTURE") != "1" {
		t.Skip("a ZooKeeper and four servers are for make torture")
	}
	c := chtest.StartCluster(t)
	ctx := context.Background()
	o := Options{DSN: c.Nodes[0].DSN, Database: "heat", Cluster: c.Name}
	s, err := Connect(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		if err := s.Init(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var all []*store.Batch
	for i := range 8 {
		var list []*store.Batch
		for k := range 10 {
			list = append(list, someBatch(fmt.Sprintf("gw%d", i), noon.Add(time.Duration(k)*10*time.Second), 0, 30))
		}
		appendAll(t, s, "o", list...)
		all = append(all, list...)
	}
	wantOnce(t, s, "sent through one node", all...)
	for i := range c.Nodes { // every node takes everything again, and answers about all shards
		o.DSN = c.Nodes[i].DSN
		n, err := Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		appendAll(t, n, "o", all...)
		settle(t, c)
		wantOnce(t, n, "sent again through "+c.Nodes[i].Name, all...)
		var rows uint64
		if err := n.conn.QueryRow(ctx, "SELECT count() FROM "+n.o.table("points_local")+" FINAL").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 0 || rows == uint64(30*len(all)) {
			t.Errorf("%s has %d of %d points: it is no shard", c.Nodes[i].Name, rows, 30*len(all))
		}
	}
	testReplicaDown(t, c, all)
	testShardDown(t, c)
}

// settle waits until replicas have what the others have. What one that has come back is to
// fetch is in its queue only when it has read the common log.
func settle(t *testing.T, c *chtest.Cluster) {
	c.Settle(t, func(node *chtest.Server) (n uint64, err error) {
		s, err := Connect(context.Background(), Options{DSN: node.DSN})
		if err != nil {
			return 0, err
		}
		defer s.Close()
		err = s.conn.QueryRow(context.Background(), "SELECT count() + (SELECT count() FROM system.replication_queue) FROM system.replicas"+
			" WHERE is_readonly != 0 OR is_session_expired != 0 OR active_replicas < total_replicas OR log_max_index > 0 AND log_pointer <= log_max_index").Scan(&n)
		return n, err
	})
}

// testReplicaDown kills one replica of each shard: the others take everything, and those
// fetch it when they are back.
func testReplicaDown(t *testing.T, c *chtest.Cluster, all []*store.Batch) {
	ctx := context.Background()
	c.Node(0, 0).Kill()
	c.Node(1, 1).Kill()
	s, err := Open(ctx, Options{DSN: c.Node(0, 1).DSN, Database: "heat", Cluster: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 8 {
		b := someBatch(fmt.Sprintf("gw%d", i), noon.Add(time.Hour), 0, 30)
		appendAll(t, s, "o", b)
		all = append(all, b)
	}
	wantOnce(t, s, "one replica of each shard down", all...)
	c.Node(0, 0).Start()
	c.Node(1, 1).Start()
	c.Node(0, 1).Kill()
	c.Node(1, 0).Kill()
	back, err := Open(ctx, Options{DSN: c.Node(1, 1).DSN, Database: "heat", Cluster: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if back.conn.QueryRow(ctx, "SELECT 1").Scan(new(uint8)) != nil {
		t.Error("the node that is back answers nothing")
	}
	c.Node(0, 1).Start()
	c.Node(1, 0).Start()
	settle(t, c)
	wantOnce(t, back, "all replicas back", all...)
	appendAll(t, back, "o", all...)
	wantOnce(t, back, "sent again to those", all...)
}

// testShardDown kills a whole shard: what belongs there is refused, and what belongs to
// the other is taken.
func testShardDown(t *testing.T, c *chtest.Cluster) {
	ctx := context.Background()
	c.Node(1, 0).Kill()
	c.Node(1, 1).Kill()
	s, err := Open(ctx, Options{DSN: c.Node(0, 0).DSN, Database: "heat", Cluster: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	refused := 0
	for i := range 8 {
		if err := s.Append(ctx, "o", []*store.Batch{someBatch(fmt.Sprintf("gw%d", i), noon.Add(2*time.Hour), 0, 3)}); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("what a dead shard should keep is acknowledged")
	}
	c.Node(1, 0).Start()
	c.Node(1, 1).Start()
	for i := range 8 {
		appendAll(t, s, "o", someBatch(fmt.Sprintf("gw%d", i), noon.Add(2*time.Hour), 0, 3))
	}
	settle(t, c)
	var n uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM "+s.table("points")+" WHERE time = toDateTime("+fmt.Sprint(noon.Add(2*time.Hour).Unix())+")").Scan(&n); err != nil || n != 24 {
		t.Errorf("%d points of the hour, want 24 (%v)", n, err)
	}
}
