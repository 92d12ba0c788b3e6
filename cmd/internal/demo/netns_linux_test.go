package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// childEnv tells this test binary that it has been started by Command.
const childEnv = "DEMO_TEST_CHILD"

// TestWire starts the test binary again as Command does with the program: it makes
// the wire, plays two seconds of traffic and says what arrived at the other end.
func TestWire(t *testing.T) {
	capturetest.RequireCapture(t)
	var out strings.Builder
	cmd, err := Command([]string{"-test.run=^TestChild$", "-test.v"})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := Run(cmd, nil); err != nil {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	// A name server, a default route or an address of the outer network would show
	// here: the child has been asked to list what it sees.
	for _, want := range []string{"interfaces lo,world0,home0\n", "addresses 127.0.0.1/8,::1/128\n", "arrived as sent\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("child did not say %q:\n%s", want, out.String())
		}
	}
}

// TestChild is TestWire inside its namespace.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("runs inside TestWire only")
	}
	if err := Wire(); err != nil {
		t.Fatal(err)
	}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var names, addresses []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		addresses = append(addresses, a.String())
	}
	fmt.Printf("interfaces %s\naddresses %s\n", strings.Join(names, ","), strings.Join(addresses, ","))

	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	go func() { // until enough has arrived, however busy this machine is
		for ctx.Err() == nil {
			if link, err := netlink.LinkByName(Home); err != nil || link.Attrs().Statistics.RxPackets >= 1000 {
				stop()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	sent, err := Play(ctx, NewTraffic(1, testWorld(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	link, err := netlink.LinkByName(Home)
	if err != nil {
		t.Fatal(err)
	}
	// On a busy machine the kernel's queue between the ends overflows: that is counted.
	arrived, lost := link.Attrs().Statistics.RxPackets, link.Attrs().Statistics.RxDropped
	if arrived < 500 || arrived > sent || arrived+lost < sent {
		t.Fatalf("sent %d frames, %d arrived and %d were dropped: want at least 500, and all of them", sent, arrived, lost)
	}
	fmt.Println("arrived as sent")
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("fork/exec: %w", syscall.EPERM), "(run: sudo demo.test demo"},
		{unix.ENOSPC, "(run: sudo demo.test demo"}, // user.max_user_namespaces is 0, see user_namespaces(7)
		{exec.ErrNotFound, ""},
	} {
		got := explain("make a veth pair", c.err)
		if !errors.Is(got, c.err) {
			t.Errorf("%v does not wrap %v", got, c.err)
		}
		if os.Getuid() == 0 && !inUserNamespace() {
			c.want = strings.Replace(c.want, "(run: sudo demo.test demo", "(needs CAP_SYS_ADMIN", 1)
		}
		if !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "(") != (c.want != "") {
			t.Errorf("explain %v: %v, want it to contain %q", c.err, got, c.want)
		}
	}
}
