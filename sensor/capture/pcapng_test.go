package capture

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPcapng: interfaces with units of their own, packets of all three kinds,
// blocks to pass over, and a second section in the other byte order.
func TestPcapng(t *testing.T) {
	data := []byte("0123456789")
	for n, o := range orders {
		other := orders[1-n]
		file := bytes.Join([][]byte{
			ngSHB(o),
			ngIDB(o, 1, 0),
			ngIDB(o, 101, 5, ngOption(o, 2, []byte("eth1")), ngOption(o, ngOptTSResol, []byte{9}),
				ngOption(o, ngOptTSOffset, append(ngWords(o, 0, 0)[:0:0], offset(o, 1000)...)), ngOption(o, 0, nil)),
			ngEPB(o, 0, 1_000_002, 60, data),
			ngEPB(o, 1, 1_000_000_002, 60, data, ngOption(o, ngOptFlags, ngWords(o, 2))),
			ngBlock(o, 5, make([]byte, 12)), // interface statistics
			ngBlock(o, 0x0bad, make([]byte, 40)),
			ngEPB(o, 0, 3_000_000, 60, data, ngOption(o, 1, []byte("a comment")), ngOption(o, ngOptFlags, ngWords(o, 1|3<<2))),
			ngBlock(o, ngSimplePacket, ngWords(o, 60), data),
			ngBlock(o, ngPacket, o.AppendUint16(o.AppendUint16(nil, 1), 7), ngWords(o, 0, 5, 10, 60), data),
			ngSHB(other),
			ngIDB(other, 0, 0),
			ngEPB(other, 0, 4_000_000, 60, data),
		}, nil)
		want := []Frame{
			{Data: data, Time: 1_000_002_000, WireLen: 60, LinkType: 1},
			{Data: data, Time: 1001_000_000_002, WireLen: 60, LinkType: 101, PacketType: PacketOutgoing},
			{Data: data, Time: 3_000_000_000, WireLen: 60, LinkType: 1, PacketType: PacketBroadcast},
			{Data: append(bytes.Clone(data), 0, 0), WireLen: 60, LinkType: 1}, // without a snaplen the padding is not told apart
			{Data: data, Time: 1000_000_000_005, WireLen: 60, LinkType: 101},
			{Data: data, Time: 4_000_000_000, WireLen: 60, LinkType: 0},
		}
		for i := range want {
			want[i].Segments = 1
		}
		got, f := readBytes(t, file)
		if diff := cmp.Diff(want, got); diff != "" || f.Warning() != "" {
			t.Errorf("%v: frames (-want +got):\n%s\nwarning %q", o, diff, f.Warning())
		}
	}
}

// offset is the value of if_tsoffset.
func offset(o order, seconds int64) []byte { return o.AppendUint64(nil, uint64(seconds)) }

// TestPcapngMixed: frames of a link type that is not known are counted and left
// out where there are others; so are malformed packets.
func TestPcapngMixed(t *testing.T) {
	o := little
	data := make([]byte, 8)
	file := bytes.Join([][]byte{
		ngSHB(o), ngIDB(o, 127, 0), ngIDB(o, 1, 0),
		ngEPB(o, 0, 1, 60, data), ngEPB(o, 1, 2, 60, data), ngEPB(o, 0, 3, 60, data),
		ngEPB(o, 9, 4, 60, data), // of no interface
		ngBlock(o, ngEnhancedPacket, ngWords(o, 1, 0, 5, 100, 100), data), // says it has more
		ngBlock(o, ngEnhancedPacket, data),                                // too short
		ngEPB(o, 1, 6, 60, data),
	}, nil)
	got, f := readBytes(t, file)
	if len(got) != 2 || got[0].Time != 2000 || got[1].Time != 6000 {
		t.Errorf("frames %+v", got)
	}
	s, err := f.Stats()
	if diff := cmp.Diff(Stats{Packets: 4, Skipped: 2, Malformed: 3, Blocks: 1}, s); diff != "" || err != nil {
		t.Errorf("statistics (-want +got):\n%s%v", diff, err)
	}
	for _, word := range []string{"radiotap", "malformed"} {
		if !strings.Contains(f.Warning(), word) {
			t.Errorf("warning %q lacks %q", f.Warning(), word)
		}
	}
}

// TestPcapngLost: losses that the file reports are passed on, each once.
func TestPcapngLost(t *testing.T) {
	for _, o := range orders {
		isb := func(id uint32, code uint16, lost uint64) []byte {
			return ngBlock(o, ngStatistics, ngWords(o, id, 0, 0), ngOption(o, code, o.AppendUint64(nil, lost)))
		}
		file := bytes.Join([][]byte{
			ngSHB(o), ngIDB(o, 1, 0), ngIDB(o, 1, 0), isb(0, ngOptIfDrop, 3), isb(1, ngOptOSDrop, 4), isb(0, ngOptIfDrop, 5),
			isb(1, 4, 99), isb(7, ngOptIfDrop, 99), // received; of no interface
			ngBlock(o, ngStatistics, ngWords(o, 0)),
		}, nil)
		if _, f := readBytes(t, file); f.Warning() != "the program that wrote it lost 9 frames" {
			t.Errorf("warning %q", f.Warning())
		}
	}
}

func TestNanoseconds(t *testing.T) {
	for _, tt := range []struct {
		resolution byte
		offset     int64
		stamp      uint64
		want       int64
	}{
		{6, 0, 1_500_000, 1_500_000_000},
		{9, 0, 1_500_000_001, 1_500_000_001},
		{0, 0, 5, 5_000_000_000},
		{3, -1, 1500, 500_000_000},
		{12, 0, 1_000_000_001_999, 1_000_000_001},
		{0x80 | 10, 0, 1024 + 512, 1_500_000_000},
		{0x80 | 63, 0, 1 << 62, 500_000_000},
		{19, 0, math.MaxUint64, 1_844_674_407},
		{6, 0, math.MaxUint64, math.MaxInt64},
		{0, math.MaxInt64, math.MaxUint64, math.MaxInt64},
		{0, math.MinInt64, 0, math.MinInt64},
		{6, -2, 1_000_000, -1_000_000_000},
	} {
		i := ngIface{perSec: resolution(tt.resolution), offset: tt.offset}
		if got := i.nanoseconds(tt.stamp); got != tt.want {
			t.Errorf("%#x, offset %d: %d is %d ns, want %d", tt.resolution, tt.offset, tt.stamp, got, tt.want)
		}
	}
	for _, v := range []byte{20, 127, 0x80 | 64, 0xff} {
		if n := resolution(v); n != 0 {
			t.Errorf("resolution %#x gives %d, want none", v, n)
		}
	}
}
