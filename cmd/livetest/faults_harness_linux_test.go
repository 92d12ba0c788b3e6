package livetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// The sender of a storm sends in slots of time, each from addresses of its own. So what
// the store holds of an address says what became of the frames of that slot, whatever
// happened before and after it.
const (
	slotTime  = time.Second
	slotHosts = 8
	slotParts = 10 // between which the wire may be cut
)

// slot is what was sent in about a second. Its times are those of the sensor's clock,
// which is set now and then; at is by a clock that is not.
type slot struct {
	from, to time.Time
	at       time.Time
	sent     uint64 // frames that the kernel took
	received uint64 // of them, those that arrived at the sensor's interface
}

// storm is a sensor under traffic to which things happen.
type storm struct {
	t    *testing.T
	link *capturetest.Link
	dir  string // of the sensor
	data string // the store's folder, which only the sensor sees, as seen from here
	o    options
	s    *sensor // that runs now

	wire   sync.Mutex // held while frames are sent, and while the wire is changed
	epoch  int        // of the wire: it was made anew
	cuts   []time.Time
	away   []store.Window // when no sensor ran
	slots  []slot
	clock  *faultClock // nil: the system's
	steps  []time.Time // true times at which the clock was set
	done   chan struct{}
	sender sync.WaitGroup
}

// now is the sensor's time.
func (st *storm) now() time.Time { return time.Now().Add(st.clock.offset()) }

// newStorm starts a sensor whose store lies on a small disk that outlives it, with a
// GeoIP database that the test may spoil, and begins to send.
func newStorm(t *testing.T, link *capturetest.Link, perSecond int) *storm {
	t.Helper()
	st := &storm{t: t, link: link, dir: workdir(t), done: make(chan struct{}), clock: newFaultClock(t)}
	disk := smallDisk(t, st.dir)
	st.data = fmt.Sprintf("/proc/%d/root%s/data", disk, st.dir)
	script := filepath.Join(st.dir, "on-the-disk")
	text := fmt.Sprintf("#!/bin/sh\nexec nsenter -m -t %d sh -ec 'cd %s; exec \"$@\"' sh '%s' \"$@\"\n", disk, st.dir, st.clock.program)
	executable(t, script, []byte(text))
	writeCity(t, st.city())
	writeConfig(t, st.dir, fmt.Sprintf(stormConfig, 7))
	st.o = options{dir: st.dir, path: script, args: []string{"--duration", "3h"}, env: []string{"PACKETHEAT_GEO_CITY=" + st.city(), st.clock.env()}}
	st.start(st.now())
	st.sender.Go(func() { st.send(perSecond) })
	return st
}

func (st *storm) city() string { return filepath.Join(st.dir, "city.mmdb") }

// smallDisk mounts a disk of 96 MiB on dir/data in a mount namespace of its own, and
// returns the process that keeps it alive as long as the test lasts.
func smallDisk(t *testing.T, dir string) (pid int) {
	t.Helper()
	keeper := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-ec",
		"mkdir data; mount -t tmpfs -o size=96m,mode=755 none data; echo there; exec cat")
	keeper.Dir = dir
	stdin, err := keeper.StdinPipe() // its end is the keeper's
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := keeper.StdoutPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = keeper.Wait()
	})
	said := make([]byte, 16)
	if n, err := stdout.Read(said); err != nil || strings.TrimSpace(string(said[:n])) != "there" {
		t.Fatalf("a small disk: %q, %v", said[:n], err)
	}
	return keeper.Process.Pid
}

func windowOf(from, to time.Time) store.Window { return store.Window{From: from, To: to} }

// start starts a sensor; the one before it ended at the given time.
func (st *storm) start(ended time.Time) {
	st.t.Helper()
	st.s = start(st.t, st.link, st.o)
	st.s.ready()
	st.away = append(st.away, store.Window{From: ended, To: st.now()})
}

// arrived is the interface's own count of frames; 0 while it is away.
func (st *storm) arrived() (n uint64) {
	st.link.Sensor.Do(st.t, func() {
		if l, err := netlink.LinkByName(st.link.Sensor.Name); err == nil {
			n = l.Attrs().Statistics.RxPackets
		}
	})
	return n
}

// arrivedSince waits a moment for so many frames: a machine with other work delivers them
// after the call that sent them has returned.
func (st *storm) arrivedSince(before, sent uint64) (n uint64) {
	for end := time.Now().Add(300 * time.Millisecond); ; time.Sleep(time.Millisecond) {
		if n = st.arrived() - before; n >= sent || time.Now().After(end) {
			return n
		}
	}
}

// peace lets slots pass in which nothing happens, until some are beyond doubt: after a
// clock that was set back it takes as long as that for times to be new again, and on a
// machine with other work some frames are late. It ends in any case.
func (st *storm) peace() {
	time.Sleep(settling + 4*time.Second)
	st.wire.Lock()
	begun := len(st.slots)
	st.wire.Unlock()
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		st.wire.Lock()
		sound := 0
		for n := begun; n < len(st.slots); n++ {
			if st.arrivedWhole(n) {
				sound++
			}
		}
		st.wire.Unlock()
		if sound >= 8 {
			return
		}
	}
}

// arrivedWhole reports whether the wire delivered all of a slot, at a time that is beyond doubt.
func (st *storm) arrivedWhole(n int) bool {
	one := &st.slots[n]
	return one.received == one.sent && !st.wasCut(one.from.Add(-margin), one.to.Add(margin)) && !st.unsettled(n)
}

// slotFrames are the frames of a slot, one from each of its addresses.
func slotFrames(t *testing.T, n int) [][]byte {
	l := new(ledger)
	for i := range slotHosts {
		addr := v4(n*slotHosts + i)
		l.udp(t, end{addr, 40_000}, end{home(addr, i), 53}, 30)
	}
	return l.frames
}

// send sends slot after slot until done is closed.
func (st *storm) send(perSecond int) {
	var sender *capturetest.Sender
	epoch := -1
	for n := 0; ; n++ {
		frames := slotFrames(st.t, n)
		one := slot{from: st.now(), at: time.Now()}
		for part := range slotParts {
			st.wire.Lock()
			if epoch != st.epoch {
				sender, epoch = st.link.Peer.Sender(st.t), st.epoch
			}
			before := st.arrived()
			sent, err := sender.Send(frames, perSecond/slotParts, 0, nil)
			one.sent += uint64(sent)
			one.received += st.arrivedSince(before, uint64(sent))
			st.wire.Unlock()
			if err != nil && !errors.Is(err, syscall.ENETDOWN) {
				st.t.Errorf("send: %v", err)
				return
			}
			select {
			case <-st.done:
			case <-time.After(time.Until(one.at.Add(time.Duration(part+1) * slotTime / slotParts))):
			}
		}
		one.to = st.now()
		st.wire.Lock()
		st.slots = append(st.slots, one)
		st.wire.Unlock()
		select {
		case <-st.done:
			return
		default:
		}
	}
}

// cut changes the wire between two bursts. What is on its way into the ring at that
// moment may be lost by nobody's fault, so the moment is remembered.
func (st *storm) cut(change func()) {
	st.wire.Lock()
	defer st.wire.Unlock()
	st.cuts = append(st.cuts, st.now())
	change()
}

// end stops sending, waits until all is stored, and stops the sensor in good order. It
// returns a folder with a copy of the store: SQLite does not find its way to a disk that
// only the sensor sees.
func (st *storm) end() (data string) {
	st.t.Helper()
	close(st.done)
	st.sender.Wait()
	begun := st.now()
	defer func() { st.away = append(st.away, store.Window{From: begun, To: st.now()}) }()
	st.s.until("the slots are stored", func(status *liveStatus) bool { return status.LastTick.After(begun.Add(time.Second)) })
	st.s.stop()
	data = filepath.Join(st.t.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(st.data)); err != nil {
		st.t.Fatal(err)
	}
	return data
}

// margin is what the edges of coverage may be off: they are read off a clock before and
// after what they stand for.
const margin = 300 * time.Millisecond

// covered reports whether the store says that all of a time was captured.
func covered(spans []store.Span, from, to time.Time) bool {
	for _, s := range spans { // in order of time
		if s.State != store.StateOff && !s.From.After(from) && s.To.After(from) {
			from = s.To
		}
	}
	return !from.Before(to)
}

// touched reports whether any part of a time was captured, as the store has it.
func touched(spans []store.Span, from, to time.Time) bool {
	for _, s := range spans {
		if s.State != store.StateOff && s.From.Before(to) && s.To.After(from) {
			return true
		}
	}
	return false
}

// reckoning is what became of the slots.
type reckoning struct {
	slots, exact, gaps, cut int
	sent, stored, missing   uint64 // frames; missing of slots that a gap or a cut explains
}

// reckon holds every slot against the store: of one that lies within what the store says
// was captured, over a wire that delivered all of it, every frame must be there; of none
// may there be more than were sent; where nothing was captured for a while, the store must
// not say that the network was idle.
func (st *storm) reckon(data string) (r reckoning) {
	t := st.t
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	s, err := sqlite.OpenReadOnly(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cov, err := s.Coverage(ctx, store.Window{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	if err := s.Points(ctx, store.Filter{}, func(points []store.Point) error {
		for i := range points {
			got[points[i].Addr.Addr().String()] += points[i].Packets
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	drops := cov.Books.Drops // of frames that arrived in time that was captured
	for n, one := range st.slots {
		var stored uint64
		for i := range slotHosts {
			stored += got[v4(n*slotHosts+i).String()]
		}
		r.slots, r.sent, r.stored = r.slots+1, r.sent+one.sent, r.stored+stored
		from, to := one.from.Add(-margin), one.to.Add(margin)
		whole := st.arrivedWhole(n)
		switch missing := one.sent - stored; {
		case stored > one.sent:
			t.Errorf("slot %d, %s: %d frames were sent, %d are stored", n, one.from.Format(time.StampMilli), one.sent, stored)
		case whole && covered(cov.Spans, from, to) && missing > drops:
			t.Errorf("slot %d, %s to %s: of %d frames %d are stored, and the time is said to be captured without a gap",
				n, one.from.Format(time.StampMilli), one.to.Format(time.StampMilli), one.sent, stored)
		case whole && covered(cov.Spans, from, to):
			drops -= missing
			r.exact++
		case !whole:
			r.cut, r.missing = r.cut+1, r.missing+missing
		default:
			r.gaps, r.missing = r.gaps+1, r.missing+missing
		}
	}
	st.reckonIdle(cov.Spans, got)
	st.reckonGaps(cov.Spans)
	t.Logf("%d slots, %d frames sent, %d stored; %d slots exact, %d in recorded gaps, %d over a cut wire; %d frames missing in these; %d dropped by the kernel",
		r.slots, r.sent, r.stored, r.exact, r.gaps, r.cut, r.missing, cov.Books.Drops)
	return r
}

// uncommitted is what a sensor that is killed may have seen and not stored yet: ticks
// wait for a disk that was full, and longer each time that it was tried.
const uncommitted = 20 * time.Second

// reckonGaps wants a cause for every gap: the sensor was away, or its wire was.
func (st *storm) reckonGaps(spans []store.Span) {
	for _, s := range spans {
		if s.State != store.StateOff {
			continue
		}
		caused := st.wasCut(s.From.Add(-5*time.Second), s.To.Add(5*time.Second))
		for _, away := range st.away {
			caused = caused || s.From.Before(away.To.Add(2*time.Second)) && s.To.After(away.From.Add(-uncommitted))
		}
		if !caused {
			st.t.Errorf("a gap from %s to %s, in which nothing had happened to sensor or wire", s.From.Format(time.StampMilli), s.To.Format(time.StampMilli))
		}
	}
}

func (st *storm) wasCut(from, to time.Time) bool {
	for _, at := range st.cuts {
		if at.After(from) && at.Before(to) {
			return true
		}
	}
	return false
}

// reckonIdle looks at slots of which nothing is stored, nor of their neighbours: traffic
// went on all the time, so the store may not call that time captured.
func (st *storm) reckonIdle(spans []store.Span, got map[string]uint64) {
	none := func(n int) bool {
		for i := range slotHosts {
			if got[v4(n*slotHosts+i).String()] > 0 {
				return false
			}
		}
		return true
	}
	for n := 1; n < len(st.slots)-1; n++ {
		if one := st.slots[n]; !st.unsettled(n-1) && !st.unsettled(n) && !st.unsettled(n+1) && none(n-1) && none(n) && none(n+1) && touched(spans, one.from.Add(margin), one.to.Add(-margin)) {
			st.t.Errorf("slot %d, %s: nothing is stored of it and its neighbours, and the store says that it was captured", n, one.from.Format(time.StampMilli))
		}
	}
}
