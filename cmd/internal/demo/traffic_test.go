package demo

import (
	"bytes"
	"errors"
	"hash/maphash"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/packetheat/packetheat/sensor/decode"
)

// generate returns copies of the frames up to end.
func generate(t testing.TB, seed uint64, end time.Duration) (frames [][]byte) {
	t.Helper()
	err := NewTraffic(seed, testWorld(t)).Until(end, func(_ time.Duration, f []byte) error {
		frames = append(frames, bytes.Clone(f))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// kind is what a demo shows one of.
type kind struct {
	out, v6 bool
	proto   layers.IPProtocol
}

// TestTraffic holds the beginning of the traffic, with one of everything that comes
// at its own time, against what the demo promises to show.
func TestTraffic(t *testing.T) {
	const minutes = 2
	rates := make([]int, minutes*6) // frames in each ten seconds
	kinds := make(map[kind]int)
	opens := 0
	var last time.Duration
	err := NewTraffic(1, testWorld(t)).Until(minutes*time.Minute, func(at time.Duration, f []byte) error {
		if at < last {
			t.Fatalf("frame of %s after one of %s", at, last)
		}
		last = at
		rates[at/(10*time.Second)]++
		if len(f) > 1514 {
			t.Fatalf("frame of %d bytes: more than an Ethernet frame holds", len(f))
		}
		var p decode.Packet
		if s := decode.Decode(&p, decode.LinkEthernet, 0, f); s != decode.Decoded {
			t.Fatalf("frame % x is %s", f[:60], s)
		}
		src, dst := p.Src.Netip(p.V6), p.Dst.Netip(p.V6)
		if isHome(src) == isHome(dst) {
			t.Fatalf("frame from %s to %s: exactly one of them must be at home", src, dst)
		}
		kinds[kind{isHome(src), p.V6, layers.IPProtocol(p.Proto)}]++
		if p.SYN {
			opens++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range rates[1:] {
		if pps := n / 10; pps < 500 || pps > 3500 {
			t.Errorf("%d packets/s at second %d, want 500 to 3500", pps, (i+1)*10)
		}
	}
	for _, want := range []kind{{false, false, layers.IPProtocolTCP}, {false, true, layers.IPProtocolTCP},
		{false, false, layers.IPProtocolUDP}, {false, true, layers.IPProtocolUDP}, {false, false, layers.IPProtocolICMPv4},
		{false, true, layers.IPProtocolICMPv6}, {false, false, layers.IPProtocolESP}} {
		for _, want.out = range []bool{false, true} {
			if kinds[want] < 100 {
				t.Errorf("%d frames of kind %v, want at least 100", kinds[want], want)
			}
		}
	}
	if opens < 3000 {
		t.Errorf("%d connections opened, want at least 3000", opens)
	}
	t.Logf("frames by ten seconds %v, by kind %v", rates, kinds)
}

// TestChecksums adds up every frame as RFC 1071 does: a right checksum makes 0xffff
// of what it covers.
func TestChecksums(t *testing.T) {
	for _, f := range generate(t, 3, 5*time.Second) {
		proto, pseudo, upper := f[20], f[22:54], f[54:] // IPv6
		if f[12] == 0x08 {
			// IPv4, without what pads the frame to 60 bytes
			proto, pseudo, upper = f[23], f[26:34], f[34:14+int(f[16])<<8+int(f[17])]
			if got := onesSum(0, f[14:34]); got != 0xffff {
				t.Fatalf("IPv4 header % x adds up to %#x", f[14:34], got)
			}
		}
		if proto == 1 { // ICMP knows no pseudo header
			pseudo = nil
		} else if proto == 50 { // ESP has no checksum
			continue
		}
		sum := uint32(0)
		if pseudo != nil {
			sum = uint32(proto) + uint32(len(upper))
		}
		if got := onesSum(uint32(onesSum(sum, pseudo)), upper); got != 0xffff {
			t.Fatalf("protocol %d of % x adds up to %#x", proto, f, got)
		}
	}
}

// onesSum adds 16-bit words with the carry going round, an odd byte as a high one.
func onesSum(sum uint32, b []byte) uint16 {
	for i, x := range b {
		sum += uint32(x) << (8 * (1 - i%2))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// TestHandshakes follows every conversation that begins with a SYN: those that are
// answered complete their handshake in order, and some are never answered.
func TestHandshakes(t *testing.T) {
	type key struct {
		client, server netip.Addr
		cport, sport   uint16
	}
	state := make(map[key]string)
	for _, f := range generate(t, 1, 30*time.Second) {
		p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
		tcp, ok := p.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		src, _ := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Src().Raw())
		dst, _ := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Dst().Raw())
		k := key{src, dst, uint16(tcp.SrcPort), uint16(tcp.DstPort)}
		back := key{dst, src, uint16(tcp.DstPort), uint16(tcp.SrcPort)}
		switch {
		case tcp.SYN && !tcp.ACK:
			state[k] = "S"
		case tcp.SYN && tcp.ACK:
			if state[back] != "S" {
				t.Fatalf("SYN-ACK of %v without its SYN", back)
			}
			state[back] = "SA"
		case state[k] == "SA":
			state[k] = "open"
		case state[k] == "S" || (state[k] == "" && state[back] != "open"):
			t.Fatalf("segment of %v in state %q, from the other side %q", k, state[k], state[back])
		}
	}
	got := make(map[string]int)
	for _, s := range state {
		got[s]++
	}
	if got["open"] < 100 || got["S"] < 300 {
		t.Errorf("conversations by state: %v; want at least 100 open and 300 unanswered", got)
	}
}

// TestWaves: a place is busier in its day than in its night.
func TestWaves(t *testing.T) {
	tr := NewTraffic(1, testWorld(t))
	for _, c := range []struct {
		when time.Duration
		noon float64 // longitude where it is noon then
	}{{0, 0}, {Day / 4, -90}, {Day * 3 / 4, 90}} {
		tr.now = c.when
		var near, far int
		for range 2000 {
			switch d := daylight(tr.remote().Lon-c.noon, 0); {
			case d > 0.5:
				near++
			case d < 0.1:
				far++
			}
		}
		if near < 3*far {
			t.Errorf("at %s: %d hosts near longitude %v, %d on the other side", c.when, near, c.noon, far)
		}
	}
}

func TestTrafficRepeats(t *testing.T) {
	var h maphash.Hash
	sum := func(seed uint64) uint64 {
		h.Reset()
		for _, f := range generate(t, seed, 3*time.Second) {
			h.Write(f)
		}
		return h.Sum64()
	}
	first := sum(1)
	if again := sum(1); again != first {
		t.Error("the same seed gives other frames")
	}
	if sum(2) == first {
		t.Error("another seed gives the same frames")
	}
}

// TestUntilKeepsError: what the wire refused is told, and nothing is sent any more.
func TestUntilKeepsError(t *testing.T) {
	tr := NewTraffic(1, testWorld(t))
	down := errors.New("network is down")
	calls := 0
	emit := func(time.Duration, []byte) error { calls++; return down }
	for range 2 {
		if err := tr.Until(time.Minute, emit); !errors.Is(err, down) {
			t.Errorf("got error %v, want %v", err, down)
		}
	}
	if diff := cmp.Diff(1, calls); diff != "" {
		t.Errorf("calls of emit (-want +got):\n%s", diff)
	}
}

func BenchmarkTraffic(b *testing.B) {
	tr := NewTraffic(1, testWorld(b))
	n, end := 0, time.Duration(0)
	b.ResetTimer()
	for n < b.N {
		end += 10 * time.Millisecond
		if err := tr.Until(end, func(time.Duration, []byte) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
