package capture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRingIndependent: two captures of one interface share no fanout group: each
// gets every frame.
func TestRingIndependent(t *testing.T) {
	link := capturetest.Veth(t)
	a, b := open(t, link, smallRing(2)), open(t, link, smallRing(2))
	waitA, waitB := readAll(a, nil), readAll(b, nil)
	const n = 5000
	if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(50, 64), n, 0, nil); err != nil {
		t.Fatal(err)
	}
	lost := backlog(t, link, 0, n)
	stopAll(append(a, b...))
	if a, b := sum(t, waitA()), sum(t, waitB()); a.stats.Packets+lost != n || b.stats.Packets+lost != n {
		t.Errorf("sent %d, one got %d, the other %d, lost before %d", n, a.stats.Packets, b.stats.Packets, lost)
	}
}

// TestRingBringUp: captures that come up and stop while numbered frames pass
// have each number once, and have all numbers from when the last shard was there
// to when the first one left.
func TestRingBringUp(t *testing.T) {
	link := capturetest.Veth(t)
	sender := link.Peer.Sender(t)
	const n = 1_000_000 // ten seconds of them: more than pass until the rings stop
	numbered := capturetest.UDPFrames(n, 64)
	for session := range 3 {
		before, _ := link.Sensor.Received(t)
		enough, sent := make(chan struct{}), make(chan int, 1)
		go func() {
			count, err := sender.Send(numbered, n, 100_000, enough)
			if err != nil {
				t.Error(err)
			}
			sent <- count
		}()
		rings := open(t, link, capture.RingConfig{Interface: link.Sensor.Name, Shards: 2, RingBytes: 32 << 20})
		seen := make([][]uint32, len(rings))
		var wait []func() []tally
		for i, r := range rings {
			wait = append(wait, readAll([]*capture.Ring{r}, func(f *capture.Frame) bool {
				seen[i] = append(seen[i], binary.BigEndian.Uint32(f.Data[26:])-0xc0000201)
				return true
			}))
		}
		passed(t, link, 15_000)
		stopAll(rings)
		var drops uint64
		for _, w := range wait {
			drops += sum(t, w()).stats.Drops
		}
		close(enough)
		lost := backlog(t, link, before, <-sent)
		checkNumbers(t, session, seen, drops+lost)
	}
}

// passed waits until so many more frames have reached the interface.
func passed(t *testing.T, link *capturetest.Link, n uint64) {
	t.Helper()
	begin, _ := link.Sensor.Received(t)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got, dropped := link.Sensor.Received(t)
		if got+dropped-begin >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d frames have reached the interface after %v", got+dropped-begin, n, patience)
		}
	}
}

// checkNumbers checks what the shards of one capture have seen of numbered
// frames that were sent in order.
func checkNumbers(t *testing.T, session int, shards [][]uint32, lost uint64) {
	t.Helper()
	from, to := uint32(0), uint32(1<<31)
	times := make(map[uint32]int)
	for i, numbers := range shards {
		if len(numbers) == 0 {
			t.Fatalf("session %d: shard %d saw nothing", session, i)
		}
		from, to = max(from, numbers[0]), min(to, numbers[len(numbers)-1])
		for _, number := range numbers {
			times[number]++
		}
	}
	missing := uint64(0)
	for number := from; number <= to; number++ {
		if times[number] == 0 {
			missing++
		}
	}
	for number, n := range times {
		if n > 1 {
			t.Fatalf("session %d: frame %d was captured %d times", session, number, n)
		}
	}
	if missing > lost {
		t.Errorf("session %d: of the frames %d to %d %d are missing, %d were counted as lost", session, from, to, missing, lost)
	}
	t.Logf("session %d: %d frames, all of %d to %d", session, len(times), from, to)
}

// TestRingPromiscuous: the interface is promiscuous while, and only while, such
// a ring is open.
func TestRingPromiscuous(t *testing.T) {
	link := capturetest.Veth(t)
	promiscuous := func() (n int) {
		link.Sensor.Do(t, func() {
			l, err := netlink.LinkByName(link.Sensor.Name)
			if err != nil {
				t.Error(err)
				return
			}
			n = l.Attrs().Promisc
		})
		return n
	}
	for _, want := range []bool{true, false} {
		cfg := smallRing(2)
		cfg.Promiscuous = want
		rings := open(t, link, cfg)
		if got := promiscuous() > 0; got != want {
			t.Errorf("promiscuous: %v, want %v", got, want)
		}
		for _, r := range rings {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if promiscuous() > 0 {
			t.Error("still promiscuous after Close")
		}
	}
}

// TestRingIdle: a ring that waits, also for an interface that is down, costs
// next to no processor time.
func TestRingIdle(t *testing.T) {
	link := capturetest.Veth(t)
	for _, up := range []bool{true, false} {
		r := open(t, link, smallRing(1))[0]
		link.Sensor.SetUp(t, up)
		runtime.LockOSThread()
		var before, after unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &before)
		for begin := time.Now(); time.Since(begin) < 400*time.Millisecond; {
			if b, err := r.ReadBlock(100 * time.Millisecond); b != nil || err != nil {
				t.Fatalf("ReadBlock = %v, %v", b, err)
			}
		}
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &after)
		runtime.UnlockOSThread()
		used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
		if used > 100*time.Millisecond { // it is some microseconds; a loop without sleep takes all 400
			t.Errorf("up %v: 400ms of waiting took %v of processor time", up, used)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// outSegs reads how many segments TCP has sent in the namespace of an end
// (OutSegs and RetransSegs of RFC 4022), which counts those inside super-frames.
func outSegs(t *testing.T, e *capturetest.End) (n uint64) {
	t.Helper()
	var text []byte
	e.Do(t, func() {
		var err error
		if text, err = os.ReadFile("/proc/thread-self/net/snmp"); err != nil {
			t.Error(err)
		}
	})
	for line := range strings.Lines(string(text)) {
		// Two lines begin so: names, of which OutSegs and RetransSegs are the
		// eleventh and twelfth, then values.
		if fields := strings.Fields(line); len(fields) > 12 && fields[0] == "Tcp:" && fields[1] != "RtoAlgorithm" {
			var again uint64
			_, _ = fmt.Sscan(fields[11]+" "+fields[12], &n, &again)
			n += again
		}
	}
	return n
}

// TestRingTCP: of a real TCP transfer in super-frames, both ways, as many
// packets are counted as TCP says it has sent.
func TestRingTCP(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.AddAddress(t, "198.51.100.1/24")
	link.Peer.AddAddress(t, "198.51.100.2/24")
	link.Sensor.SetOffload(t, true)
	link.Peer.SetOffload(t, true)
	rings := open(t, link, smallRing(2))
	counts := make([]map[uint32]uint64, len(rings)) // by source address
	var wait []func() []tally
	var larger bool
	for i, r := range rings {
		counts[i] = make(map[uint32]uint64)
		wait = append(wait, readAll([]*capture.Ring{r}, func(f *capture.Frame) bool {
			if len(f.Data) > 34 && f.Data[12] == 8 && f.Data[13] == 0 && f.Data[23] == 6 {
				counts[i][binary.BigEndian.Uint32(f.Data[26:])] += uint64(f.Segments)
			}
			return f.Segments > 0
		}))
	}
	transfer(t, link)
	time.Sleep(50 * time.Millisecond) // the last acknowledgements
	ends := map[uint32]*capturetest.End{0xc6336401: link.Sensor, 0xc6336402: link.Peer}
	least := make(map[uint32]uint64)
	for address, e := range ends {
		least[address] = outSegs(t, e)
	}
	stopAll(rings)
	for _, w := range wait {
		got := sum(t, w())
		larger = larger || got.segments > got.frames
	}
	if !larger {
		t.Error("no super-frame was seen")
	}
	for address, e := range ends {
		got := counts[0][address] + counts[1][address]
		if most := outSegs(t, e); got < least[address] || got > most || most < 2 {
			t.Errorf("%s: %d packets counted, TCP has sent %d, and %d in the end", e.Name, got, least[address], most)
		}
	}
}

// transfer sends some megabytes over TCP from the peer to the sensor.
func transfer(t *testing.T, link *capturetest.Link) {
	t.Helper()
	var listener net.Listener
	var conn net.Conn
	var err error
	link.Sensor.Do(t, func() { listener, err = net.Listen("tcp4", "198.51.100.1:0") })
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	received := make(chan int64, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			received <- -1
			return
		}
		n, _ := io.Copy(io.Discard, c)
		_ = c.Close()
		received <- n
	}()
	link.Peer.Do(t, func() { conn, err = net.Dial("tcp4", listener.Addr().String()) })
	if err != nil {
		t.Fatal(err)
	}
	const size = 8 << 20
	if _, err := io.Copy(conn, bytes.NewReader(make([]byte, size))); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if n := <-received; n != size {
		t.Fatalf("%d of %d bytes arrived", n, size)
	}
}

// TestRingOthers: while frames flood another interface, rings that are opened again and
// again have none of them: a packet socket without a protocol takes nothing before it
// is bound (packet(7)).
func TestRingOthers(t *testing.T) {
	link := capturetest.Veth(t)
	other := link.Sensor.Interface("lo")
	other.SetUp(t, true)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	sender := other.Sender(t)
	go func() {
		_, err := sender.Send(capturetest.UDPFrames(100, 64), 50_000_000, 0, stop)
		stopped <- err
	}()
	defer func() {
		close(stop)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	captured := func(name string, shards int, read time.Duration) (n uint64) {
		cfg := smallRing(shards)
		cfg.Interface = name
		rings := open(t, link, cfg)
		wait := readAll(rings, nil)
		time.Sleep(read)
		stopAll(rings)
		return sum(t, wait()).stats.Packets
	}
	for deadline := time.Now().Add(patience); captured("lo", 1, 20*time.Millisecond) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nothing floods the other interface")
		}
	}
	for range 30 {
		for shards := 1; shards <= 2; shards++ {
			if n := captured(capturetest.SensorInterface, shards, 5*time.Millisecond); n != 0 {
				t.Fatalf("%d frames on an interface that had none", n)
			}
		}
	}
}
