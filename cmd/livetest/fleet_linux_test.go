package livetest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// The addresses of a sensor and of a server on the wire between them.
const (
	sensorAddress = "10.231.7.1"
	serverAddress = "10.231.7.2"
)

// TestFleet lets a sensor without any right ship over the wire that it captures on, to a
// server in another network namespace, which is killed and started again in between. The
// server then has every packet that was sent, once, and says what the store says.
func TestFleet(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	if os.Geteuid() != 0 {
		t.Skip("only root starts a sensor that gives its rights up")
	}
	addAddress(t, link.Sensor, sensorAddress)
	addAddress(t, link.Peer, serverAddress)
	server := chtest.OldAt(t, serverAddress, func(f func()) { link.Peer.Do(t, f) })
	dir := workdir(t)
	env := []string{"PACKETHEAT_FLEET_CLICKHOUSE_DSN=" + server.DSN, "PACKETHEAT_FLEET_EVERY=1s"}
	askAt(t, link.Peer, dir, env, "fleet", "init")
	s := start(t, link, options{dir: dir, env: env})
	s.ready()
	s.without(0, childOf(t, s.cmd.Process.Pid))

	traffic, sender := mix(t, 50), link.Peer.Sender(t)
	n := uint64(len(traffic.frames))
	send := func(rounds uint64) (captured time.Time) {
		transmit(t, link, sender, traffic.frames, int(n))
		public := rounds * traffic.total().Packets
		s.untilFleet("all is captured", func(st *fleetStatus) bool { return st.Totals() >= public })
		return time.Now()
	}
	arrived := func(captured time.Time) {
		s.untilFleet("all has arrived", func(st *fleetStatus) bool {
			return st.LastTick.After(captured) && st.Fleet.State != "away" && st.Fleet.WaitingPoints == 0 && st.Fleet.Points > 0
		})
	}
	arrived(send(1))
	server.Kill()
	captured := send(2)
	s.untilFleet("it waits", func(st *fleetStatus) bool {
		return st.LastTick.After(captured) && st.Fleet.State == "away" && st.Fleet.WaitingPoints > 0
	})
	server.Start()
	arrived(send(3))
	s.stop()
	balanced(t, dir+"/data")

	stored := ask(t, dir, "export", "csv", "-o", "-")
	same(t, "what the store has", traffic.times(3), readCSV(t, strings.NewReader(stored)))
	served := start(t, &capturetest.Link{Sensor: link.Peer, Peer: link.Sensor}, options{dir: dir, env: env, bare: true,
		args: []string{"serve", "--fleet", "--listen", "127.0.0.1:8080", "--open", "never"}})
	served.ready()
	if diff := cmp.Diff(strings.Split(stored, "\n"), strings.Split(string(served.get("/api/v1/points.csv")), "\n")); diff != "" {
		t.Errorf("-store +server: %.3000s", diff)
	}
	served.stop()
}

// addAddress gives an interface an IPv4 address with 24 bits of network.
func addAddress(t *testing.T, end *capturetest.End, address string) {
	t.Helper()
	var err error
	end.Do(t, func() {
		var l netlink.Link
		var a *netlink.Addr
		if l, err = netlink.LinkByName(end.Name); err != nil {
			return
		}
		if a, err = netlink.ParseAddr(address + "/24"); err == nil {
			err = netlink.AddrAdd(l, a)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// askAt runs a subcommand in a namespace; it wants exit status 0.
func askAt(t *testing.T, at *capturetest.End, dir string, env []string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := exec.CommandContext(ctx, program, args...)
	var said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, environment(env...), &said, &said
	var err error
	at.Do(t, func() { err = cmd.Start() })
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatalf("packetheat %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
}

// fleetStatus is what a sensor says about what it stores and ships.
type fleetStatus struct {
	LastTick time.Time `json:"last_tick"`
	Books    struct {
		OnePublic struct{ Packets uint64 } `json:"one_public"`
		TwoPublic struct{ Packets uint64 } `json:"two_public"`
	}
	Fleet struct {
		State         string
		Points        uint64
		WaitingPoints int64 `json:"waiting_points"`
	}
}

// Totals returns the packets of all points: those with two public ends have two.
func (st *fleetStatus) Totals() uint64 {
	return st.Books.OnePublic.Packets + 2*st.Books.TwoPublic.Packets
}

// untilFleet waits for a status that is as wanted.
func (s *sensor) untilFleet(what string, wanted func(*fleetStatus) bool) {
	s.t.Helper()
	untilStatus(s, what, wanted)
}
