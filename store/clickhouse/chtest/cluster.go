package chtest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster is a cluster of Debian's clickhouse-server: two shards with two replicas each,
// and the ZooKeeper that they keep their logs in.
type Cluster struct {
	Name  string // as in ON CLUSTER
	Nodes []*Server
	Keep  *Server // the ZooKeeper
}

// Node returns replica r of shard s, both from 0.
func (c *Cluster) Node(s, r int) *Server { return c.Nodes[2*s+r] }

// StartCluster starts a cluster: five processes, about 600 MB.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	program := serverProgram(t)
	c := &Cluster{Name: "heat", Keep: startKeeper(t)}
	ports := freePorts(t, localhost, 12)
	var shards strings.Builder
	for s := range 2 {
		fmt.Fprintf(&shards, "<shard><internal_replication>true</internal_replication>")
		for r := range 2 {
			fmt.Fprintf(&shards, "<replica><host>127.0.0.1</host><port>%d</port></replica>", ports[2*s+r])
		}
		shards.WriteString("</shard>")
	}
	_, keeper, _ := strings.Cut(c.Keep.DSN, ":")
	for i := range 4 {
		more := fmt.Sprintf(clusterConfig, keeper, c.Name, shards.String(), i/2+1, i%2+1, ports[8+i])
		node := startOld(t, oldServer{program: program, dir: t.TempDir(), host: localhost, tcp: ports[i], http: ports[4+i], more: more})
		node.Name = fmt.Sprintf("shard %d replica %d", i/2+1, i%2+1)
		c.Nodes = append(c.Nodes, node)
	}
	// A server that is told ON CLUSTER before it has found ZooKeeper dies of a null pointer.
	if err := keeps(c.Keep.DSN, len(c.Nodes)); err != nil {
		t.Fatal(err)
	}
	return c
}

const clusterConfig = `<zookeeper><node><host>127.0.0.1</host><port>%s</port></node><session_timeout_ms>10000</session_timeout_ms></zookeeper>
<remote_servers><%[2]s>%[3]s</%[2]s></remote_servers>
<macros><shard>%[4]d</shard><replica>%[5]d</replica></macros>
<interserver_http_host>127.0.0.1</interserver_http_host><interserver_http_port>%[6]d</interserver_http_port>
<distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
`

// zookeeperJar is where Debian's package zookeeper has it.
const zookeeperJar = "/usr/share/java/zookeeper.jar"

// startKeeper starts a ZooKeeper of one node. Its DSN is its host and port.
func startKeeper(t testing.TB) *Server {
	t.Helper()
	java, err := exec.LookPath("java")
	if _, e := os.Stat(zookeeperJar); err != nil || e != nil {
		missing(t, "zookeeper (.ci/tools install torture)")
	}
	dir, port := t.TempDir(), freePorts(t, localhost, 1)[0]
	write(t, filepath.Join(dir, "zoo.cfg"), fmt.Sprintf("tickTime=1000\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\nmaxClientCnxns=0\n", dir, port))
	s := &Server{Name: "zookeeper", DSN: fmt.Sprintf("127.0.0.1:%d", port), Dir: dir, t: t}
	s.command = func() *exec.Cmd {
		return command(dir, java, "-Xmx128m", "-cp", zookeeperJar, "org.apache.zookeeper.server.ZooKeeperServerMain", "zoo.cfg")
	}
	s.ready = func(cmd *exec.Cmd) error {
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := answers(cmd, s.DSN); err != nil {
			return err
		}
		return keeps(s.DSN, 0)
	}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// keeps waits until a ZooKeeper serves, which is some time after it listens, and that
// many are connected to it.
func keeps(address string, connected int) error {
	said := ""
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return err
		}
		c.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(c, "srvr")
		answer, _ := io.ReadAll(c) // what it does not say now it says next time
		c.Close()
		said = string(answer)
		_, number, _ := strings.Cut(said, "Connections: ")
		number, _, _ = strings.Cut(number, "\n")
		if n, err := strconv.Atoi(number); err == nil && n-1 >= connected && strings.Contains(said, "Mode: standalone") { // one is this
			return nil
		}
	}
	return fmt.Errorf("after %s it says: %s", startTimeout, said)
}

// Settle waits until no replica has anything left to fetch or to send: count asks one.
func (c *Cluster) Settle(t testing.TB, left func(node *Server) (uint64, error)) {
	t.Helper()
	for end := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		var sum uint64
		for _, n := range c.Nodes {
			k, err := left(n)
			if err != nil {
				t.Fatalf("%s: %v", n.Name, err)
			}
			sum += k
		}
		if sum == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("replicas have %d steps left after %s", sum, startTimeout)
		}
	}
}
