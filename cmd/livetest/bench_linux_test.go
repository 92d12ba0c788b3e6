package livetest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// The comparison of make bench-capture. It is no test: nothing fails on a figure.
const (
	benchEnv     = "PACKETHEAT_BENCH_CAPTURE" // 1 runs it
	benchSeconds = "PACKETHEAT_BENCH_SECONDS" // of traffic a run, 20
	benchRate    = "PACKETHEAT_BENCH_RATE"    // frames a second, 0: as fast as the sender can
	benchFlows   = "PACKETHEAT_BENCH_FLOWS"   // numbers of flows, "1000 100000"
	benchOnly    = "PACKETHEAT_BENCH_ONLY"    // a regular expression that names contenders must match
	benchOther   = "PACKETHEAT_BENCH_OTHER"   // paths of other builds of the program that join
	benchRounds  = 3
	benchSettle  = 4 * time.Second // after the start, which writes the hour's files for the first time
	benchRing    = 256 << 20       // bytes that every contender gets
)

// contender is a program that captures. run starts it, and returns its process and
// what stops it and says how many frames it lost.
type contender struct {
	name string
	run  func(t *testing.T, link *capturetest.Link) (pid int, stop func() (lost uint64))
}

// measure is the outcome of one run.
type measure struct {
	cpu      float64 // seconds of the process per million frames that it has captured
	received uint64
	lost     uint64
}

// TestBenchCapture lets each contender capture the same traffic, in turn, three times,
// and prints the medians beside tcpdump's.
func TestBenchCapture(t *testing.T) {
	if os.Getenv(benchEnv) != "1" {
		t.Skip("a comparison of minutes: make bench-capture runs it")
	}
	history := hourOfHistory(t)
	contenders := []contender{
		{"ring walk", runWalk},
		{baseName, runTcpdump},
		{"packetheat, everything on", func(t *testing.T, link *capturetest.Link) (int, func() uint64) {
			return runPacketheat(t, link, history, program)
		}},
		{"packetheat, no standing files, no dashboard", func(t *testing.T, link *capturetest.Link) (int, func() uint64) {
			return runPacketheat(t, link, history, program, "PACKETHEAT_EXPORT_REFRESH=1h", "PACKETHEAT_DASHBOARD_LISTEN=off")
		}},
	}
	if _, _, missing := pmacct(); missing != "" {
		t.Logf("without pmacctd: %s", missing)
	} else {
		contenders = append(contenders, contender{"pmacctd, GeoIP, SQLite", runPmacct})
	}
	for _, other := range strings.Fields(os.Getenv(benchOther)) {
		contenders = append(contenders, contender{other, func(t *testing.T, link *capturetest.Link) (int, func() uint64) {
			return runPacketheat(t, link, history, other)
		}})
	}
	only := regexp.MustCompile(os.Getenv(benchOnly))
	contenders = slices.DeleteFunc(contenders, func(c contender) bool { return !only.MatchString(c.name) })
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "flows\tcontender\tCPU s per M frames (median)\tall runs\tratio to tcpdump\tframes/s\tlost")
	for _, flows := range flowCounts(t) {
		frames := benchFrames(flows)
		results := map[string][]measure{}
		for range benchRounds {
			for _, c := range contenders {
				results[c.name] = append(results[c.name], bench(t, c, frames))
			}
		}
		base := median(results[baseName])
		for _, c := range contenders {
			printRow(table, flows, c.name, results[c.name], base)
		}
	}
	table.Flush()
}

// baseName is the contender that all others are compared with.
const baseName = "tcpdump -s 96 -w /dev/null"

func flowCounts(t *testing.T) (counts []int) {
	words := strings.Fields(cmp.Or(os.Getenv(benchFlows), "1000 100000"))
	for _, word := range words {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			t.Fatalf("%s=%q: numbers are needed", benchFlows, word)
		}
		counts = append(counts, n)
	}
	return counts
}

func printRow(w io.Writer, flows int, name string, runs []measure, base float64) {
	var all []string
	var lost, received uint64
	for _, m := range runs {
		all = append(all, fmt.Sprintf("%.3f", m.cpu))
		lost += m.lost
		received += m.received
	}
	rate := float64(received) / float64(len(runs)) / seconds().Seconds()
	fmt.Fprintf(w, "%d\t%s\t%.3f\t%s\t%.2f\t%.0f k\t%d\n", flows, name, median(runs), strings.Join(all, " "), median(runs)/base, rate/1000, lost)
}

func median(runs []measure) float64 {
	if len(runs) == 0 {
		return math.NaN() // not among the contenders
	}
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b measure) int { return cmp.Compare(a.cpu, b.cpu) })
	return sorted[len(sorted)/2].cpu
}

func seconds() time.Duration {
	n, err := strconv.Atoi(os.Getenv(benchSeconds))
	if err != nil || n < 1 || n > 600 {
		n = 20
	}
	return time.Duration(n) * time.Second
}

// benchFrames are 60-octet UDP frames, 64 with the check sum that a wire would add, each
// from a public address of its own to one local one.
func benchFrames(flows int) [][]byte {
	frames := capturetest.UDPFrames(flows, 60)
	for i, f := range frames {
		src := netip.AddrFrom4([4]byte{45, byte(i >> 16), byte(i >> 8), byte(i)}).As4()
		copy(f[26:], src[:])
		copy(f[30:], []byte{192, 168, 7, 9})
	}
	return frames
}

// bench runs one contender over the traffic on a link of its own.
func bench(t *testing.T, c contender, frames [][]byte) measure {
	link := capturetest.Veth(t)
	pid, stop := c.run(t, link)
	sender := link.Peer.Sender(t)
	rate, _ := strconv.Atoi(os.Getenv(benchRate))
	end := make(chan struct{})
	timer := time.AfterFunc(seconds(), func() { close(end) })
	defer timer.Stop()
	before := cpuOf(t, pid)
	if _, err := sender.Send(frames, 1<<40, rate, end); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond) // for what is still to be read, and a tick to be stored
	used := cpuOf(t, pid) - before
	received, _ := link.Sensor.Received(t)
	lost := stop()
	return measure{cpu: used.Seconds() * 1e6 / float64(max(received-lost, 1)), received: received, lost: lost}
}

// cpuOf is the time on a core that a process and its children have had, user and system
// (proc(5), stat).
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	const perSecond = 100 // USER_HZ, the same on every Linux that Go runs on
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var ticks int64
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
		if self := filepath.Base(filepath.Dir(path)); self != strconv.Itoa(pid) && fields[1] != strconv.Itoa(pid) {
			continue // neither it nor its child
		}
		for _, field := range fields[11:15] { // utime, stime; cutime, cstime of children that have ended
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / perSecond
}

// hourOfHistory makes a store with 360 ticks of 2,000 points that end now.
func hourOfHistory(t *testing.T) string {
	dir := filepath.Join(workdir(t), "history")
	s, err := sqlite.Open(dir, sqlite.Options{Tick: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(10 * time.Second)
	for i := range 360 {
		tick := now.Add(time.Duration(i-360) * 10 * time.Second)
		b := &store.Batch{Sensor: "live", Tick: tick, Interval: 10 * time.Second, From: tick, To: tick.Add(10 * time.Second)}
		for n := range 2000 {
			b.Points = append(b.Points, historyPoint(tick, n))
			b.Books.OnePublic.Add(store.Count{Packets: 10, Bytes: 5000})
		}
		b.Books.Decoded, b.Books.Captured = b.Books.OnePublic, b.Books.OnePublic
		if err := s.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func historyPoint(tick time.Time, n int) store.Point {
	return store.Point{
		Time: tick, Interval: 10 * time.Second, Sensor: "live",
		Addr:      netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(n >> 8), byte(n), 7}), 32),
		Peer:      netip.MustParsePrefix("192.168.7.9/32"),
		Direction: store.Direction(n & 1), Proto: 6, Port: 443, HasPort: true, Packets: 10, Bytes: 5000,
		Place: store.Place{Latitude: float64(n%120) - 60, Longitude: float64(n%300) - 150, Country: "FR", Precision: store.City},
	}
}

func runPacketheat(t *testing.T, link *capturetest.Link, history, path string, env ...string) (int, func() uint64) {
	dir := workdir(t)
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(history)); err != nil {
		t.Fatal(err)
	}
	env = append(env, "PACKETHEAT_SENSOR_TICK=10s", fmt.Sprintf("PACKETHEAT_SENSOR_RING_TOTAL=%dMiB", benchRing>>20))
	s := start(t, link, options{dir: dir, env: env, path: path})
	s.ready()
	time.Sleep(benchSettle)
	return s.cmd.Process.Pid, func() uint64 {
		s.stop()
		return balanced(t, filepath.Join(dir, "data")).Drops
	}
}

func runTcpdump(t *testing.T, link *capturetest.Link) (int, func() uint64) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed: apt-get install tcpdump")
	}
	cmd := exec.Command(tcpdump, "-i", link.Sensor.Name, "-n", "-s", "96", "-B", strconv.Itoa(benchRing>>10), "-w", "/dev/null", "-Z", "root")
	said := run(t, link, cmd, "listening on")
	return cmd.Process.Pid, func() uint64 {
		stopped(t, cmd)
		m := regexp.MustCompile(`(\d+) packets? dropped by kernel`).FindStringSubmatch(said())
		if m == nil {
			t.Fatalf("tcpdump did not say what it dropped: %s", said())
		}
		n, _ := strconv.ParseUint(m[1], 10, 64)
		return n
	}
}

const walkEnv = "PACKETHEAT_BENCH_WALK" // this process is the ring walk

func runWalk(t *testing.T, link *capturetest.Link) (int, func() uint64) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^TestBenchWalk$")
	cmd.Env = append(os.Environ(), walkEnv+"="+link.Sensor.Name, "PACKETHEAT_PROGRAM="+program)
	said := run(t, link, cmd, "walking")
	return cmd.Process.Pid, func() uint64 {
		stopped(t, cmd)
		m := regexp.MustCompile(`drops (\d+)`).FindStringSubmatch(said())
		if m == nil {
			t.Fatalf("the ring walk did not say what it dropped: %s", said())
		}
		n, _ := strconv.ParseUint(m[1], 10, 64)
		return n
	}
}

// TestBenchWalk is the ring walk itself, in a process of its own: it takes every frame
// out of as many rings as there are cores and does nothing with them.
func TestBenchWalk(t *testing.T) {
	name := os.Getenv(walkEnv)
	if name == "" {
		t.Skip("the other half of TestBenchCapture")
	}
	shards := min(runtime.NumCPU(), 4)
	rings, err := capture.OpenRings(capture.RingConfig{Interface: name, Shards: shards, RingBytes: benchRing / shards})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "walking")
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	go func() {
		<-signals
		for _, r := range rings {
			r.Stop()
		}
	}()
	var all sync.WaitGroup
	drops := make([]uint64, len(rings))
	for i, r := range rings {
		all.Go(func() { drops[i] = walk(r) })
	}
	all.Wait()
	var sum uint64
	for _, n := range drops {
		sum += n
	}
	fmt.Fprintln(os.Stderr, "drops", sum)
}

func walk(r *capture.Ring) uint64 {
	runtime.LockOSThread()
	defer r.Close()
	var f capture.Frame
	for {
		block, err := r.ReadBlock(time.Second)
		for block != nil && block.Next(&f) {
		}
		if errors.Is(err, io.EOF) {
			stats, _ := r.Stats()
			return stats.Drops
		}
	}
}

// run starts a program in the sensor's namespace and waits until it has said a word;
// the function returned is all that it has said.
func run(t *testing.T, link *capturetest.Link, cmd *exec.Cmd, word string) func() string {
	t.Helper()
	r, w := io.Pipe()
	cmd.Stderr = w
	var err error
	link.Sensor.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var mu sync.Mutex
	var said strings.Builder
	heard := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(r)
		for first := true; lines.Scan(); {
			mu.Lock()
			fmt.Fprintln(&said, lines.Text())
			mu.Unlock()
			if first && strings.Contains(lines.Text(), word) {
				first = false
				close(heard)
			}
		}
	}()
	select {
	case <-heard:
	case <-time.After(patience):
		t.Fatalf("%s did not start", cmd.Path)
	}
	return func() string { mu.Lock(); defer mu.Unlock(); return said.String() }
}

func stopped(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
}
