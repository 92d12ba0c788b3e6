package livetest

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
)

// writeConfig writes the configuration that the program finds in its working directory.
func writeConfig(t testing.TB, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pcapOf is a capture file of frames, a millisecond apart.
func pcapOf(t testing.TB, frames [][]byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	err := w.WriteFileHeader(65536, layers.LinkTypeEthernet)
	for i, f := range frames {
		if err == nil {
			at := time.Date(2026, 11, 17, 14, 0, 0, i*1_000_000, time.UTC)
			err = w.WritePacket(gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(f), Length: len(f)}, f)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestCaptureFilter holds what a filter lets through on a ring against the ledger, and
// the same frames replayed against the ring.
func TestCaptureFilter(t *testing.T) {
	t.Parallel()
	const config = `sensor:
  include: [{networks: [0.0.0.0/0]}, {protocols: [tcp]}]
  exclude:
    - {networks: [10.1.1.0/24]}
    - {protocols: [tcp], ports: [400-443]}
    - {vlans: [7]}
`
	excluded := netip.MustParsePrefix("10.1.1.0/24")
	link := capturetest.Veth(t)
	sent := mix(t, 600)
	want := sent.times(1)
	maps.DeleteFunc(want, func(k key, _ store.Sum) bool {
		addr, peer := netip.MustParseAddr(k.addr), netip.MustParseAddr(k.peer)
		port := 0
		_, _ = fmt.Sscan(k.port, &port) // there may be none
		return addr.Is6() && k.proto != "tcp" || excluded.Contains(addr) || excluded.Contains(peer) ||
			k.proto == "tcp" && 400 <= port && port <= 443 ||
			k.proto == "udp" && port == 4500 && k.direction == "in" // tagged with 7; the others' outer tag is 100
	})
	dir := workdir(t)
	writeConfig(t, dir, config)
	s := start(t, link, options{dir: dir})
	s.ready()
	transmit(t, link, link.Peer.Sender(t), sent.frames, len(sent.frames))
	s.stop()
	same(t, "live", want, readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-"))))
	live := balanced(t, filepath.Join(dir, "data"))

	if err := os.WriteFile(filepath.Join(dir, "same.pcap"), pcapOf(t, sent.frames), 0o644); err != nil {
		t.Fatal(err)
	}
	ask(t, dir, "replay", "same.pcap", "--data", "replayed")
	same(t, "replay", want, readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-", "--data", "replayed"))))
	replayed := balanced(t, filepath.Join(dir, "replayed"))
	if n := uint64(len(sent.frames)); replayed.Captured.Packets != n || replayed.Filtered.Packets != n-live.Captured.Packets || live.Captured.Packets == n {
		t.Errorf("of %d frames, the ring took %d; replay took %d and filtered %d", n,
			live.Captured.Packets, replayed.Captured.Packets, replayed.Filtered.Packets)
	}
}

// reloading is a sensor whose configuration changes while frames flow.
type reloading struct {
	*sensor
	sender *capturetest.Sender
	send   func(l *ledger)
}

// configure writes a configuration, or removes it where that is "", and lets l flow until the sensor says words that it
// has not said before.
func (r *reloading) configure(text string, l *ledger, words ...string) {
	r.t.Helper()
	before := len(r.said())
	if text != "" {
		writeConfig(r.t, r.dir, text)
	} else if err := os.Remove(filepath.Join(r.dir, "config.yaml")); err != nil {
		r.t.Fatal(err)
	}
	r.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); ; {
		r.send(l)
		if oneLine(r.said()[before:], words) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("after a reload it does not say %q", words)
		}
	}
}

// nextTick waits until two ticks that began after now are committed.
func (r *reloading) nextTick() {
	r.t.Helper()
	began := time.Now()
	r.until("a tick that began after now is committed", func(st *liveStatus) bool { return st.LastTick.After(began.Add(time.Second)) })
}

// TestReload changes filter, local networks and log level by SIGHUP while frames flow:
// not one of those that every filter lets through is missed.
func TestReload(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	kept, web, ours := new(ledger), new(ledger), new(ledger)
	for i := range 20 {
		kept.udp(t, end{home(v4(i), i), 40000}, end{v4(i), 53}, 10)
		web.tcp(t, end{v4(100 + i), 40000}, end{home(v4(i), i), 443}, "S", 0)
		ours.udp(t, end{home(v4(i), i), 40000}, end{netip.AddrFrom4([4]byte{8, 9, 9, byte(i)}), 123}, 10)
	}
	dir := workdir(t)
	writeConfig(t, dir, "log: {format: human}\n")
	s := start(t, link, options{dir: dir})
	s.ready()
	times := map[*ledger]uint64{} // that count
	r := &reloading{sensor: s, sender: link.Peer.Sender(t)}
	r.send = func(l *ledger) {
		transmit(t, link, r.sender, l.frames, len(l.frames))
		times[l]++
	}
	unseen := func(l *ledger) { transmit(t, link, r.sender, l.frames, len(l.frames)) }

	r.send(web)
	r.send(ours)
	const filter = "log: {format: human}\nsensor: {exclude: [{protocols: [tcp]}]}\n"
	r.configure(filter, kept, "configuration reloaded", "changed=sensor.exclude")
	unseen(web)
	r.configure("log: {format: human}\nsensor: {include: [{ports: [many]}]}\n", kept,
		"error:", "not reloaded", "sensor.include", "many")
	unseen(web)
	r.configure(filter+"store: {path: elsewhere}\nexport: {window: 2h}\n", kept, "need a restart", "store.path, export.window")
	unseen(web)
	r.configure("", kept, "error:", "config.yaml", "is gone")
	r.configure("log: {format: human, level: warn}\nsensor: {local_networks: [8.9.9.0/24]}\n", kept, "configuration reloaded", "sensor.local_networks")
	r.send(web)
	r.nextTick()
	unseen(ours)
	r.send(kept)
	s.stop()

	want := make(sums)
	for l, n := range times {
		for k, v := range l.times(n) {
			want.add(k, v.Packets, v.Bytes, v.Opens)
		}
	}
	same(t, "reloaded", want, readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-", "--data", "data"))))
	balanced(t, filepath.Join(dir, "data"))
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil {
		t.Error("a key that needs a restart has worked without one")
	}
}
