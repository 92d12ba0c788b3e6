package livetest

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// flooding sends as fast as it can until stop is closed and then says how much.
func flooding(t testing.TB, link *capturetest.Link, frames [][]byte, stop <-chan struct{}) <-chan int {
	t.Helper()
	sender := link.Peer.Sender(t)
	sent := make(chan int, 1)
	go func() {
		n, err := sender.Send(frames, 1<<40, 0, stop)
		if err != nil {
			t.Error(err)
		}
		sent <- n
	}()
	return sent
}

// receive waits until so many more frames have reached the sensor's interface.
func receive(t *testing.T, link *capturetest.Link, more uint64) {
	t.Helper()
	begin, _ := link.Sensor.Received(t)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		switch now, _ := link.Sensor.Received(t); {
		case now-begin >= more:
			return
		case time.Now().After(deadline):
			t.Fatalf("%d frames in %s, want %d", now-begin, patience, more)
		}
	}
}

// TestFlood sends as fast as the machine can, keeps the sensor from running for so long
// that its ring overflows, and stops it right behind the last frame: what was sent is
// what is stored and what the kernel says it dropped, to the packet.
func TestFlood(t *testing.T) {
	link := capturetest.Veth(t)
	s := start(t, link, options{env: []string{"PACKETHEAT_SENSOR_RING_TOTAL=16MiB"}})
	s.ready()
	stop := make(chan struct{})
	sent := flooding(t, link, mix(t, 1000).frames, stop)
	receive(t, link, 50_000)
	s.signal(syscall.SIGSTOP)
	receive(t, link, 400_000) // the ring holds some 75,000
	s.signal(syscall.SIGCONT)
	receive(t, link, 50_000)
	close(stop)
	sum := <-sent
	n, _ := link.Sensor.Received(t)
	s.stop()
	b := balanced(t, s.dir+"/data")
	t.Logf("%d of %d frames reached the interface, the ring was full for %d", n, sum, b.Drops)
	if b.Drops == 0 {
		t.Error("no frame was dropped: this test is to see some that are")
	}
	if b.Frames+b.Drops != n {
		t.Errorf("%d frames reached the interface; %d captured and %d dropped make %d", n, b.Frames, b.Drops, b.Frames+b.Drops)
	}
}

// TestStopUnderFlood stops the sensor while frames come in as fast as they can: all
// that was sent before the signal is stored or dropped and said so, and what is stored
// balances with the books.
func TestStopUnderFlood(t *testing.T) {
	link := capturetest.Veth(t)
	s := start(t, link, options{})
	s.ready()
	stop := make(chan struct{})
	sent := flooding(t, link, mix(t, 1000).frames, stop)
	receive(t, link, 100_000)
	before, _ := link.Sensor.Received(t)
	s.stop()
	after, _ := link.Sensor.Received(t)
	close(stop)
	n := uint64(<-sent)
	b := balanced(t, s.dir+"/data")
	t.Logf("%d frames before the signal, %d after the end, %d in all; %d captured, %d dropped", before, after, n, b.Frames, b.Drops)
	if got := b.Frames + b.Drops; got < before || got > after {
		t.Errorf("%d frames captured or dropped, want at least the %d of before the signal and at most the %d until the end", got, before, after)
	}
}

// TestInterfaceDown pulls the interface while the sensor runs: what was sent before
// and after is stored, and the sensor does not end.
func TestInterfaceDown(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	traffic := mix(t, 500)
	s := start(t, link, options{})
	s.ready()
	sender := link.Peer.Sender(t)
	want := make(sums)
	send := func() {
		t.Helper()
		transmit(t, link, sender, traffic.frames, len(traffic.frames))
		for k, v := range traffic.points {
			want.add(k, v.Packets, v.Bytes, v.Opens)
		}
	}
	send()
	s.until("all is captured", func(st *liveStatus) bool { return st.Books.Captured.Packets >= uint64(len(traffic.frames)) })
	state := func(word string) {
		t.Helper()
		s.until("the interface is "+word, func(st *liveStatus) bool {
			return len(st.Interfaces) == 1 && strings.HasPrefix(st.Interfaces[0].State, word)
		})
	}
	link.Sensor.SetUp(t, false)
	state("waiting")
	link.Sensor.SetUp(t, true)
	state("capturing")
	send()
	s.stop()
	same(t, "around an interface that was down", want, readCSV(t, strings.NewReader(ask(t, s.dir, "export", "csv", "-o", "-"))))
	balanced(t, s.dir+"/data")
}

// TestInterfaceGone deletes the interface and makes one of the same name: the sensor
// finds it again.
func TestInterfaceGone(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	traffic := mix(t, 300)
	s := start(t, link, options{})
	s.ready()
	transmit(t, link, link.Peer.Sender(t), traffic.frames, len(traffic.frames))
	s.until("all is captured", func(st *liveStatus) bool { return st.Books.Captured.Packets >= uint64(len(traffic.frames)) })
	link.Sensor.Delete(t)
	s.until("the interface is gone", func(st *liveStatus) bool {
		return len(st.Interfaces) == 1 && !strings.HasPrefix(st.Interfaces[0].State, "capturing")
	})
	link.Connect(t)
	sender := link.Peer.Sender(t)
	before := traffic.total().Packets
	var got uint64
	for deadline := time.Now().Add(patience); got <= before && time.Now().Before(deadline); {
		transmit(t, link, sender, traffic.frames, len(traffic.frames))
		got = readCSV(t, strings.NewReader(string(s.get("/api/v1/points.csv")))).total().Packets
	}
	if got <= before {
		t.Errorf("%d packets after the interface came back, %d before it went", got, before)
	}
	s.stop()
	balanced(t, s.dir+"/data")
}
