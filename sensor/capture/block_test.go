package capture

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// record is what appendBlock writes one frame from.
type record struct {
	sec, nsec uint32
	wireLen   uint32
	status    uint32
	tci       uint32
	tpid      uint16
	proto     uint16
	pktType   uint8
	vnet      []byte // struct virtio_net_hdr
	data      []byte
}

// makeBlock lays records out as the kernel does (prb_fill_curr_block,
// tpacket_rcv): each at a multiple of 8, the frame behind header and address.
func makeBlock(size int, records []record) []byte {
	mem := make([]byte, size)
	ne := binary.NativeEndian
	ne.PutUint32(mem[blockStatusOff:], statusUser)
	ne.PutUint32(mem[blockCountOff:], uint32(len(records)))
	ne.PutUint32(mem[blockFirstOff:], blockHeaderLen)
	off := blockHeaderLen
	for i, r := range records {
		const mac = (recHeaderLen+15)&^15 + 16 + 2
		rec := mem[off:]
		ne.PutUint32(rec[recSecOff:], r.sec)
		ne.PutUint32(rec[recNsecOff:], r.nsec)
		ne.PutUint32(rec[recSnapOff:], uint32(len(r.data)))
		ne.PutUint32(rec[recLenOff:], r.wireLen)
		ne.PutUint32(rec[recStatusOff:], r.status)
		ne.PutUint16(rec[recMacOff:], mac)
		ne.PutUint32(rec[recTCIOff:], r.tci)
		ne.PutUint16(rec[recTPIDOff:], r.tpid)
		binary.BigEndian.PutUint16(rec[recProtoOff:], r.proto)
		rec[recPktTypeOff] = r.pktType
		copy(rec[mac-vnetHeaderLen:], r.vnet)
		copy(rec[mac:], r.data)
		next := (mac + len(r.data) + 7) &^ 7
		if i < len(records)-1 {
			ne.PutUint32(rec[recNextOff:], uint32(next))
		}
		off += next
	}
	return mem
}

func walk(b *Block) (frames []Frame) {
	var f Frame
	for b.Next(&f) {
		frames = append(frames, f)
	}
	return frames
}

func TestBlockNext(t *testing.T) {
	data := []byte("0123456789abcdef")
	records := []record{
		{sec: 1, nsec: 2, wireLen: 60, status: statusUser, data: data, proto: 0x0800},
		{sec: 4294967295, nsec: 999999999, wireLen: 60, status: statusUser | statusVLAN | statusVLANProto, tci: 5, tpid: 0x88a8, data: data[:0], pktType: 4},
		{wireLen: 60, status: statusUser | statusVLAN, tci: 7, data: data[:3]},
		{wireLen: 99, status: 0, data: data}, // given up by the kernel, counted as dropped
		{wireLen: 61, status: statusUser, tci: 9, tpid: 9, data: data[:1]},
	}
	want := []Frame{
		{Data: data, Time: 1_000_000_002, WireLen: 60, Segments: 1, LinkType: LinkEthernet},
		{Data: []byte{}, Time: 4294967295_999999999, WireLen: 64, Segments: 1, LinkType: LinkEthernet, VLAN: 5, VLANProto: 0x88a8, PacketType: 4},
		{Data: data[:3], WireLen: 64, Segments: 1, LinkType: LinkEthernet, VLAN: 7, VLANProto: 0x8100},
		{Data: data[:1], WireLen: 61, Segments: 1, LinkType: LinkEthernet},
	}
	b := Block{linkType: LinkEthernet}
	b.resetRing(makeBlock(4096, records))
	if diff := cmp.Diff(want, walk(&b)); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	if b.Malformed() != 0 {
		t.Errorf("%d malformed", b.Malformed())
	}
	// Without a link header the protocol is told apart.
	b = Block{linkType: LinkRaw, noLink: true}
	b.resetRing(makeBlock(4096, records[:1]))
	if got := walk(&b); len(got) != 1 || got[0].EtherType != 0x0800 || got[0].LinkType != LinkRaw {
		t.Errorf("raw IP: got %+v", got)
	}
	var zero Block
	if zero.Next(&Frame{}) {
		t.Error("the zero Block has a frame")
	}
}

// TestBlockMalformed: each kind of broken record is skipped and counted, and as
// many of the others as possible survive.
func TestBlockMalformed(t *testing.T) {
	ne := binary.NativeEndian
	const recLen = 104 // of a record of makeBlock with 2 bytes of data
	second := blockHeaderLen + recLen
	for _, tt := range []struct {
		name              string
		spoil             func(mem []byte)
		frames, malformed int
	}{
		{"nothing", func([]byte) {}, 3, 0},
		{"more records than fit", func(m []byte) { ne.PutUint32(m[blockCountOff:], 1<<31) }, 3, 1<<31 - 3},
		{"first record outside", func(m []byte) { ne.PutUint32(m[blockFirstOff:], 1<<31) }, 0, 3},
		{"first record at the very end", func(m []byte) { ne.PutUint32(m[blockFirstOff:], 4096-recHeaderLen+1) }, 0, 3},
		{"next outside", func(m []byte) { ne.PutUint32(m[blockHeaderLen:], 1<<31) }, 1, 2},
		{"next wraps", func(m []byte) { ne.PutUint32(m[blockHeaderLen:], 0xffffffff) }, 1, 2},
		{"next into itself", func(m []byte) { ne.PutUint32(m[blockHeaderLen:], 8) }, 1, 2},
		{"next too early 0", func(m []byte) { ne.PutUint32(m[second:], 0) }, 2, 1},
		{"data outside", func(m []byte) { ne.PutUint32(m[second+recSnapOff:], 4000) }, 2, 1},
		{"data wraps", func(m []byte) { ne.PutUint32(m[second+recSnapOff:], 0xffffffff) }, 2, 1},
		{"data in the header", func(m []byte) { ne.PutUint16(m[second+recMacOff:], 20) }, 2, 1},
		{"data start outside", func(m []byte) { ne.PutUint16(m[second+recMacOff:], 65535) }, 2, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := record{wireLen: 60, status: statusUser, data: []byte{1, 2}}
			mem := makeBlock(4096, []record{r, r, r})
			tt.spoil(mem)
			b := Block{linkType: LinkEthernet}
			b.resetRing(mem)
			if got := len(walk(&b)); got != tt.frames || int(b.Malformed()) != tt.malformed {
				t.Errorf("%d frames, %d malformed, want %d and %d", got, b.Malformed(), tt.frames, tt.malformed)
			}
		})
	}
	for _, size := range []int{0, 1, blockHeaderLen - 1, blockHeaderLen} {
		var b Block
		b.resetRing(make([]byte, size))
		if n := len(walk(&b)); n != 0 {
			t.Errorf("%d frames in a block of %d bytes", n, size)
		}
	}
}

// FuzzBlock: whatever stands in a block, walking it ends, stays inside and
// accounts for no more records than fit.
func FuzzBlock(f *testing.F) {
	gso := []byte{1, vnetGSOTCPv4, 0, 0, 0xa8, 5, 34, 0, 16, 0}
	r := record{wireLen: 3000, status: statusUser | statusVLAN, vnet: gso, data: testFrame(6)}
	f.Add(makeBlock(4096, []record{r, r, r}), uint64(1))
	f.Add(makeBlock(512, []record{{status: statusUser}}), uint64(2))
	f.Fuzz(func(t *testing.T, seed []byte, mutations uint64) {
		mem := make([]byte, len(seed))
		copy(mem, seed)
		rng := rand.New(rand.NewPCG(mutations, 1))
		for range mutations % 16 { // mostly in headers, where it hurts
			if len(mem) > 0 {
				mem[rng.IntN(min(len(mem), 300))] = byte(rng.Uint32())
			}
		}
		for _, vnet := range []bool{false, true} {
			b := Block{linkType: LinkEthernet, vnet: vnet, noLink: !vnet}
			b.resetRing(mem)
			var sum byte
			frames := 0
			for fr := (Frame{}); b.Next(&fr); frames++ {
				for _, c := range fr.Data {
					sum += c
				}
				if fr.Segments == 0 || len(fr.Data) > len(mem) {
					t.Fatalf("frame %+v", fr)
				}
			}
			if frames > len(mem)/recHeaderLen {
				t.Fatalf("%d frames in %d bytes", frames, len(mem))
			}
		}
	})
}

// TestBlockNextAllocs: walking a block allocates nothing.
func TestBlockNextAllocs(t *testing.T) {
	r := record{wireLen: 60, status: statusUser, data: testFrame(17)}
	mem := makeBlock(64<<10, []record{r, r, r, r})
	b := Block{linkType: LinkEthernet, vnet: true}
	var f Frame
	if n := testing.AllocsPerRun(100, func() {
		b.resetRing(mem)
		for b.Next(&f) {
		}
	}); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}

// testFrame is an Ethernet frame with IPv4 and the first bytes of a transport header.
func testFrame(proto byte) []byte {
	f := make([]byte, 64)
	f[12] = 8
	f[14], f[23] = 0x45, proto
	f[14+20+12] = 5 << 4
	return f
}

// BenchmarkRing walks block memory as a ring has it: 1 MiB blocks of 64-byte frames.
func BenchmarkRing(b *testing.B) {
	records := make([]record, 6000)
	for i := range records {
		records[i] = record{sec: 1, wireLen: 64, status: statusUser, data: testFrame(17)}
	}
	mem := makeBlock(1<<20, records)
	block := Block{linkType: LinkEthernet, vnet: true}
	b.ReportAllocs()
	var f Frame
	var octets uint64
	for b.Loop() {
		block.resetRing(mem)
		for block.Next(&f) {
			octets += uint64(f.WireLen) + uint64(f.Data[0])
		}
	}
	if octets != uint64(b.N)*uint64(len(records))*64 {
		b.Fatalf("%d octets", octets)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(records)), "ns/frame")
}

// TestNewBlock: a block made of frames hands them out, once, in order.
func TestNewBlock(t *testing.T) {
	frames := []Frame{{WireLen: 1, Data: []byte{1}}, {WireLen: 2, Time: 5}}
	b := NewBlock(frames)
	var got []Frame
	for f := (Frame{}); b.Next(&f); {
		got = append(got, f)
	}
	if diff := cmp.Diff(frames, got); diff != "" || b.Malformed() != 0 {
		t.Errorf("%d malformed, frames (-want +got):\n%s", b.Malformed(), diff)
	}
	if NewBlock(nil).Next(&Frame{}) {
		t.Error("a block of nothing has a frame")
	}
}
