package livetest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

const (
	soakEnv   = "PACKETHEAT_SOAK_MINUTES" // how long; 30 under PACKETHEAT_TORTURE=1, else ten seconds
	soakRate  = 20_000                    // frames a second
	soakHosts = 4000                      // that send within a tick
	soakNew   = 20                        // of these, new ones each tick
)

// soakTime is how long to soak: long enough for a CI run to see that the test works, or
// as long as the environment says.
func soakTime(t *testing.T) time.Duration {
	minutes := 1.0 / 6
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		minutes = 30
	}
	if text := os.Getenv(soakEnv); text != "" {
		var err error
		if minutes, err = strconv.ParseFloat(text, 64); err != nil || minutes <= 0 {
			t.Fatalf("%s=%q: a number of minutes is needed", soakEnv, text)
		}
	}
	return time.Duration(minutes * float64(time.Minute))
}

// TestSoak runs the whole program at a fixed rate, with the shortest tick there is, a
// second, and twice the points of a usual network: what a sensor of 10 s goes through in
// ten hours, and of points in twenty, in half an hour. The last third of the time must
// need no more memory, descriptors and goroutines than the second, and what came over
// the wire must be in the books to the packet.
func TestSoak(t *testing.T) {
	link := capturetest.Veth(t)
	length := soakTime(t)
	window := max(length/6, time.Minute) // full, and steady, before the second third begins
	s := start(t, link, options{
		args: []string{"--duration", "3h"},
		env:  []string{"PACKETHEAT_EXPORT_WINDOW=" + window.String(), "PACKETHEAT_EXPORT_REFRESH=10s"},
	})
	s.ready()
	stop, sent := make(chan struct{}), make(chan error, 1)
	sender := link.Peer.Sender(t)
	go func() { sent <- soakTraffic(sender, stop) }()
	var taken []sample
	for end := time.Now().Add(length); time.Now().Before(end) || len(taken) < 9; time.Sleep(time.Second) {
		taken = append(taken, s.sample())
		if n := len(taken); n%60 == 0 {
			t.Logf("%3d min: %s", n/60, taken[n-1])
		}
	}
	close(stop)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	received, _ := link.Sensor.Received(t)
	s.stop()
	b := balanced(t, s.dir+"/data")
	if b.Frames+b.Drops != received {
		t.Errorf("%d frames were received; %d captured and %d dropped make %d", received, b.Frames, b.Drops, b.Frames+b.Drops)
	}
	if b.Drops != 0 {
		t.Logf("the kernel dropped %d frames: a busy machine", b.Drops)
	}
	steady(t, taken)
}

// soakTraffic sends UDP frames of soakHosts public addresses, of which some are replaced
// all the time, until stop is closed.
func soakTraffic(sender *capturetest.Sender, stop <-chan struct{}) error {
	frames := capturetest.UDPFrames(soakHosts, 90)
	next := uint32(0)
	renew := func(f []byte) {
		addr := v4(int(next % 60_000)).As4()
		binary.BigEndian.PutUint32(f[26:], binary.BigEndian.Uint32(addr[:]))
		copy(f[30:], []byte{192, 168, 7, byte(next%5 + 1)})
		next++
	}
	for _, f := range frames {
		renew(f)
	}
	for at := 0; ; {
		n, err := sender.Send(frames, soakRate/10, soakRate, stop)
		if err != nil || n < soakRate/10 {
			return err
		}
		for range soakNew / 10 {
			renew(frames[at%soakHosts])
			at += 7
		}
		frames = slices.Concat(frames[n%soakHosts:], frames[:n%soakHosts])
	}
}

// sample is what the program has in use.
type sample struct {
	anonymous  int // bytes of memory that are no file's and no ring's
	files      int // descriptors
	goroutines int
}

func (x sample) String() string {
	return fmt.Sprintf("%.1f MiB anonymous, %d descriptors, %d goroutines", float64(x.anonymous)/(1<<20), x.files, x.goroutines)
}

func (s *sensor) sample() (x sample) {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				s.t.Fatalf("%q: %v", line, err)
			}
			x.anonymous = kib << 10
		}
	}
	files, err := os.ReadDir(proc + "fd")
	if err != nil {
		s.t.Fatal(err)
	}
	x.files = len(files)
	metrics := bufio.NewScanner(bytes.NewReader(s.get("/metrics")))
	for metrics.Scan() {
		if value, ok := strings.CutPrefix(metrics.Text(), "go_goroutines "); ok {
			x.goroutines, _ = strconv.Atoi(value)
		}
	}
	if x.anonymous == 0 || x.goroutines == 0 {
		s.t.Fatalf("not all is known: %s", x)
	}
	return x
}

// steady compares the last third of the samples with the second, by medians: queries and
// rewrites of files come and go.
func steady(t *testing.T, taken []sample) {
	t.Helper()
	third := len(taken) / 3
	middle := func(part []sample, of func(sample) int) int {
		values := make([]int, len(part))
		for i := range part {
			values[i] = of(part[i])
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	least := func(part []sample, of func(sample) int) int { // connections that the test itself asks over come and go
		return of(slices.MinFunc(part, func(a, b sample) int { return of(a) - of(b) }))
	}
	for _, c := range []struct {
		what  string
		by    func([]sample, func(sample) int) int
		of    func(sample) int
		spare int // besides a twentieth
		least int // samples in a third, below which it is still warming up
	}{
		{"bytes of anonymous memory", middle, func(x sample) int { return x.anonymous }, 4 << 20, 60},
		{"descriptors", middle, func(x sample) int { return x.files }, 2, 0},
		{"goroutines", least, func(x sample) int { return x.goroutines }, 2, 0},
	} {
		second, last := c.by(taken[third:2*third], c.of), c.by(taken[2*third:], c.of)
		t.Logf("%s: %d in the second third, %d in the last", c.what, second, last)
		if third >= c.least && last > second+second/20+c.spare {
			t.Errorf("%s: %d in the second third, %d in the last", c.what, second, last)
		}
	}
}
