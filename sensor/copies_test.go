package sensor

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture"
)

func ethernet(data []byte) *capture.Frame {
	return &capture.Frame{Data: data, LinkType: capture.LinkEthernet}
}

// What routers and switches change does not change a packet's identity; what makes it
// another packet does.
func TestIdentity(t *testing.T) {
	v4, v6 := tcp(t, "45.0.0.1", "192.168.7.9", 443, 40000, false, true), tcp(t, "2606:4700::1", "fd00::9", 443, 40000, false, true)
	set := func(f []byte, at int, to byte) []byte {
		g := append([]byte{}, f...)
		g[at] = to
		return g
	}
	raw := &capture.Frame{Data: v4[14:], LinkType: capture.LinkRaw}
	cooked := &capture.Frame{Data: append(make([]byte, 16), v4[14:]...), LinkType: capture.LinkSLL}
	cooked2 := &capture.Frame{Data: append(make([]byte, 20), v4[14:]...), LinkType: capture.LinkSLL2}
	for _, tt := range []struct {
		name string
		a, b *capture.Frame
		same bool
	}{
		{"itself", ethernet(v4), ethernet(v4), true},
		{"another hop", ethernet(v4), ethernet(hop(v4)), true},
		{"tagged", ethernet(v4), ethernet(tagged(v4, true)), true},
		{"tagged twice", ethernet(v4), ethernet(tagged(tagged(v4, true), true)), true},
		{"type of service", ethernet(v4), ethernet(set(v4, 15, 0x28)), true},
		{"raw", ethernet(v4), raw, true},
		{"cooked", ethernet(v4), cooked, true},
		{"cooked, version 2", ethernet(v4), cooked2, true},
		{"another identification", ethernet(v4), ethernet(set(v4, 19, 7)), false},
		{"another length", ethernet(v4), ethernet(set(v4, 17, 99)), false},
		{"another fragment", ethernet(v4), ethernet(set(v4, 21, 7)), false},
		{"another source", ethernet(v4), ethernet(set(v4, 29, 7)), false},
		{"another port", ethernet(v4), ethernet(set(v4, 35, 7)), false},
		{"another sequence number", ethernet(v4), ethernet(set(v4, 41, 7)), false},
		{"another checksum", ethernet(v4), ethernet(set(v4, 50, 7)), false},
		{"IPv6, another hop", ethernet(v6), ethernet(set(v6, 21, 7)), true},
		{"IPv6, another flow label", ethernet(v6), ethernet(set(v6, 16, 7)), true},
		{"IPv6, another source", ethernet(v6), ethernet(set(v6, 37, 7)), false},
		{"IPv6, another port", ethernet(v6), ethernet(set(v6, 55, 7)), false},
		{"IPv4 and IPv6", ethernet(v4), ethernet(v6), false},
	} {
		a, okA := identity(tt.a)
		b, okB := identity(tt.b)
		if !okA || !okB || (a == b) != tt.same {
			t.Errorf("%s: same is %v, want %v (%v, %v)", tt.name, a == b, tt.same, okA, okB)
		}
	}
	for name, f := range map[string]*capture.Frame{
		"empty": ethernet(nil), "no IP": ethernet(set(v4, 14, 0)), "cut": ethernet(v4[:30]),
		"IPv6, cut": ethernet(v6[:50]), "tags alone": ethernet(tagged(v4, true)[:16]),
		"unknown link": {Data: v4, LinkType: 9999},
	} {
		if _, ok := identity(f); ok {
			t.Errorf("%s has an identity", name)
		}
	}
}

// Looking at a block leaves it as it was, and takes is since the last time.
func TestCopyFinderLooks(t *testing.T) {
	f := tcp(t, "45.0.0.1", "192.168.7.9", 443, 40000, false, true)
	frames := []capture.Frame{*ethernet(f), *ethernet(f), *ethernet(f[:20])}
	for i := range frames {
		frames[i].Time = noon.UnixNano()
	}
	var c copyFinder
	block := capture.NewBlock(frames)
	for range 2 * copyBlocks { // one in copyBlocks, but at most ten a second
		c.look(*block)
	}
	n := 0
	for f := (capture.Frame{}); block.Next(&f); {
		n++
	}
	if n != len(frames) {
		t.Errorf("%d frames are left in the block, want %d", n, len(frames))
	}
	got := c.take()
	if got.frames == 0 || got.frames != 2*got.pairs || c.take() != (copies{}) {
		t.Errorf("found %+v, want pairs of frames, once", got)
	}
	sum := copies{frames: 1, vlan: 5}
	sum.add(copies{frames: 2, pairs: 2, tagged: 2, vlan: 7})
	sum.add(copies{frames: 3})
	if diff := gocmp.Diff(copies{frames: 6, pairs: 2, tagged: 2, vlan: 7}, sum, gocmp.AllowUnexported(copies{})); diff != "" {
		t.Errorf("sum (-want +got):\n%s", diff)
	}
}

// FuzzIdentity: no frame, however cut or made up, makes it panic, and the same octets
// always have the same identity.
func FuzzIdentity(f *testing.F) {
	f.Add(uint16(1), []byte{})
	f.Add(uint16(1), tcp(f, "45.0.0.1", "192.168.7.9", 443, 40000, false, true))
	f.Add(uint16(1), tagged(tcp(f, "2606:4700::1", "fd00::9", 443, 40000, false, true), true))
	f.Add(uint16(101), []byte{0x4f, 0, 0, 0})
	f.Add(uint16(113), make([]byte, 60))
	f.Fuzz(func(t *testing.T, link uint16, data []byte) {
		frame := &capture.Frame{Data: data, LinkType: link}
		a, okA := identity(frame)
		b, okB := identity(frame)
		if a != b || okA != okB {
			t.Errorf("%x is not itself", data)
		}
		var c copyFinder
		block := capture.NewBlock([]capture.Frame{*frame, *frame})
		c.look(*block)
		if found := c.take(); okA && found != (copies{frames: 2, pairs: 1}) {
			t.Errorf("%x twice: %+v", data, found)
		}
	})
}

// BenchmarkCopies is the cost of looking for copies, a frame that is looked at.
func BenchmarkCopies(b *testing.B) {
	frames := make([]capture.Frame, copyFrames)
	for i := range frames {
		data := tcp(b, "45.0.0.1", "192.168.7.9", 443, uint16(i), false, true)
		frames[i] = capture.Frame{Data: data, LinkType: capture.LinkEthernet, Time: noon.UnixNano() + int64(i)*1000}
	}
	var c copyFinder
	for n := 0; n < b.N; n += copyFrames {
		c.blocks, c.last = 0, 0
		c.look(*capture.NewBlock(frames))
	}
}
