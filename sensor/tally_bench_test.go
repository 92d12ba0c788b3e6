package sensor

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/decode"
)

// BenchmarkCount is what a shard does per frame, capture aside: decode and tally, of
// 64-byte UDP frames from so many public addresses.
func BenchmarkCount(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"100k", 100_000}} {
		b.Run(c.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			frames := make([]capture.Frame, c.n)
			for i := range frames {
				src := netip.AddrFrom4([4]byte{45, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
				data := udp(b, src.String(), "192.168.1.2", 53, 40000)
				frames[i] = capture.Frame{Data: data, WireLen: uint32(len(data)), Segments: 1, LinkType: capture.LinkEthernet}
			}
			t := &tally{networks: NewNetworks(nil, nil), table: newTable(DefaultMaxKeys, r.Uint64())}
			var p decode.Packet
			b.ResetTimer()
			for i := range b.N {
				t.count(&frames[i%c.n], &p)
			}
		})
	}
}

// Counting a packet that is known never allocates.
func TestCountAllocatesNothing(t *testing.T) {
	data := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	f := capture.Frame{Data: data, WireLen: uint32(len(data)), Segments: 1, LinkType: capture.LinkEthernet}
	tally := &tally{networks: NewNetworks(nil, nil), table: newTable(DefaultMaxKeys, 1)}
	var p decode.Packet
	if n := testing.AllocsPerRun(1000, func() { tally.count(&f, &p) }); n != 0 {
		t.Errorf("%.1f allocations a packet", n)
	}
}
