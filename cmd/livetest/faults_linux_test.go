package livetest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRefusals starts the sensor where it cannot work: it says why in one line that
// names what to do, and ends with status 1.
func TestRefusals(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	var busy net.Listener
	link.Sensor.Do(t, func() {
		var err error
		if busy, err = net.Listen("tcp4", "127.0.0.1:8080"); err != nil {
			t.Error(err)
		}
	})
	defer busy.Close()
	for _, c := range []struct {
		name string
		o    options
		code int
		want []string // all in one line
	}{
		{"port in use", options{args: []string{"--listen", "127.0.0.1:8080"}}, 1, []string{"8080", "127.0.0.1", "in use", "--listen"}},
		{"folder is a file", options{args: []string{"--out", "file/out"}}, 1, []string{"mkdir file", "not a directory", "--out"}},
		{"store is a file", options{args: []string{"--data", "file/data"}}, 1, []string{"mkdir file", "not a directory", "--data"}},
		{"unknown flag", options{args: []string{"--tick-tock"}}, 2, []string{"--tick-tock"}},
		{"demo on a real interface", options{bare: true, args: []string{"demo", "--interface", "eth0"}}, 2, []string{"interface", "packetheat run"}},
		{"unknown variable", options{env: []string{"PACKETHEAT_STOER_PATH=x"}}, 2, []string{"PACKETHEAT_STOER_PATH", "PACKETHEAT_STORE_PATH"}},
		{"no right to capture", options{uid: 65534}, 1, []string{"CAP_NET_RAW", "setcap cap_net_raw+ep"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.dir = workdir(t)
			if err := os.WriteFile(filepath.Join(c.o.dir, "file"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			s := start(t, link, c.o)
			if code := s.wait(); code != c.code {
				t.Errorf("status %d, want %d", code, c.code)
			}
			if !oneLine(s.said(), c.want) {
				t.Errorf("want a line with all of %q, got:\n%s", c.want, s.said())
			}
			if strings.Contains(s.said(), "goroutine ") {
				t.Errorf("panicked:\n%s", s.said())
			}
		})
	}
}

func oneLine(said string, want []string) bool {
next:
	for _, line := range strings.Split(said, "\n") {
		for _, w := range want {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return true
	}
	return false
}

// TestDefaultPortTaken: a port that nobody asked for moves to the next free one.
func TestDefaultPortTaken(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	var busy net.Listener
	link.Sensor.Do(t, func() {
		var err error
		if busy, err = net.Listen("tcp4", "127.0.0.1:8080"); err != nil {
			t.Error(err)
		}
	})
	defer busy.Close()
	s := start(t, link, options{})
	ready := s.ready()
	if ready["dashboard"] != "http://127.0.0.1:8081" && ready["dashboard"] != "http://127.0.0.1:8081/" {
		t.Errorf("dashboard=%s, want the next port, 8081", ready["dashboard"])
	}
	if ready["interface"] != capturetest.SensorInterface || ready["out"] == "" {
		t.Errorf("ready line has %v", ready)
	}
	s.stop()
}

// TestSecondSignal: the first signal drains, a second one ends at once; both are quick
// here, so only the end is certain.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	s := start(t, link, options{})
	s.ready()
	s.signal(os.Interrupt)
	_ = s.cmd.Process.Signal(os.Interrupt) // it may be gone
	s.wait()
}

// TestInterfaceAppears starts the sensor before its interface is there: it says that it
// waits, and captures as soon as it comes.
func TestInterfaceAppears(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	link.Sensor.Delete(t)
	s := start(t, link, options{})
	s.ready()
	for deadline := time.Now().Add(patience); !oneLine(s.said(), []string{capturetest.SensorInterface, "waiting"}); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is said about the missing interface:\n%s", s.said())
		}
	}
	link.Connect(t)
	traffic, sender := mix(t, 50), link.Peer.Sender(t)
	var got uint64
	for deadline := time.Now().Add(patience); got == 0 && time.Now().Before(deadline); {
		transmit(t, link, sender, traffic.frames, len(traffic.frames))
		got = readCSV(t, strings.NewReader(string(s.get("/api/v1/points.csv")))).total().Packets
	}
	if got == 0 {
		t.Errorf("nothing was captured %s after the interface came", patience)
	}
	s.stop()
	balanced(t, s.dir+"/data")
}
