package capture

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// run loads a filter into x/net/bpf's VM and returns what it makes of a frame.
func run(t *testing.T, prog []bpf.RawInstruction, frame []byte) int {
	t.Helper()
	ins, ok := bpf.Disassemble(prog)
	if !ok {
		t.Fatalf("filter %v has unknown instructions", prog)
	}
	vm, err := bpf.NewVM(ins)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKernelFilter(t *testing.T) {
	udpOnly, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 262144},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		user     []bpf.RawInstruction
		udp, tcp int
	}{
		{"all", nil, 50, 50},
		{"user's", udpOnly, 50, 0},
		{"user wants less", []bpf.RawInstruction{{Op: opRetK, K: 20}}, 20, 20},
		{"nothing", rejectAll(), 0, 0},
	} {
		prog, err := kernelFilter(tt.user, 50, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, prog, testFrame(17)); got != tt.udp {
			t.Errorf("%s: UDP kept %d, want %d", tt.name, got, tt.udp)
		}
		if got := run(t, prog, testFrame(6)); got != tt.tcp {
			t.Errorf("%s: TCP kept %d, want %d", tt.name, got, tt.tcp)
		}
	}
	if udpOnly[3].K != 262144 {
		t.Error("the user's filter was changed in place")
	}
	if prog, err := kernelFilter(udpOnly, 50, true); err != nil || len(prog) != len(udpOnly)+4 {
		t.Errorf("on loopback: %v, %v", prog, err)
	}
	for _, n := range []int{0, maxFilterLen + 1} {
		if _, err := kernelFilter(make([]bpf.RawInstruction, n), 50, false); err == nil {
			t.Errorf("a filter of %d instructions was taken", n)
		}
	}
}

// TestPairFanout: both directions of a pair of addresses have the same hash,
// whatever the ports, and different pairs spread over two shards.
func TestPairFanout(t *testing.T) {
	raw, err := pairFanout()
	if err != nil {
		t.Fatal(err)
	}
	v4 := func(a, b uint32) []byte {
		ip := make([]byte, 40)
		binary.BigEndian.PutUint32(ip[12:], a)
		binary.BigEndian.PutUint32(ip[16:], b)
		return ip
	}
	v6 := func(a, b uint32) []byte {
		ip := make([]byte, 40)
		binary.BigEndian.PutUint32(ip[20:], a)
		binary.BigEndian.PutUint32(ip[36:], b)
		return ip
	}
	for name, tt := range map[string]struct {
		proto uint32
		ip    func(a, b uint32) []byte
	}{"IPv4": {0x0800, v4}, "IPv6": {0x86dd, v6}} {
		odd := 0
		for i := range uint32(1000) {
			there := run(t, networkRelative(raw, tt.proto), tt.ip(0xc0000200+i, 0x08080808))
			back := run(t, networkRelative(raw, tt.proto), tt.ip(0x08080808, 0xc0000200+i))
			if there != back {
				t.Fatalf("%s: %d there, %d back", name, there, back)
			}
			odd += there & 1
		}
		if odd < 350 || odd > 650 {
			t.Errorf("%s: %d of 1000 pairs in the second of two shards", name, odd)
		}
	}
	if got := run(t, networkRelative(raw, 0x0806), make([]byte, 40)); got != 0 {
		t.Errorf("ARP goes to %d, not to the first shard", got)
	}
}

// networkRelative makes a fanout program one that the VM can run: the VM knows
// neither the protocol extension nor offsets from the network header.
func networkRelative(prog []bpf.RawInstruction, proto uint32) []bpf.RawInstruction {
	out := make([]bpf.RawInstruction, len(prog))
	for i, ins := range prog {
		const loadWord = 0x20 // BPF_LD|BPF_W|BPF_ABS
		if ins.Op&0x27 == loadWord {
			if i == 0 {
				ins = bpf.RawInstruction{Op: 0, K: proto} // BPF_LD|BPF_IMM
			} else {
				ins.K -= 0xfff00000
			}
		}
		out[i] = ins
	}
	return out
}

func TestRingConfig(t *testing.T) {
	got, err := RingConfig{Interface: "eth0"}.withDefaults()
	if err != nil || got.RingBytes != 64<<20 || got.BlockSize != 1<<20 || got.Snaplen != 128 ||
		got.BlockTimeout != 60*time.Millisecond || got.Shards != 1 || got.Fanout != "hash" || got.Logger == nil {
		t.Errorf("defaults %+v, %v", got, err)
	}
	_, err = RingConfig{RingBytes: 1, BlockSize: 5, BlockTimeout: 1, Snaplen: 1 << 30, Shards: 999, Fanout: "dice"}.withDefaults()
	if err == nil {
		t.Fatal("a configuration that is all wrong was taken")
	}
	for _, word := range []string{"name", "ring size 1", "block size 5", "timeout 1ns", "snaplen 1073741824", "999 shards", `"dice"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: does not name %s", err, word)
		}
	}
	for _, name := range []string{"hash", "pair", "cpu", "queue", "lb"} {
		if _, ok := parseFanout(name); !ok {
			t.Errorf("fanout %q is not known", name)
		}
	}
}

func TestLinkTypes(t *testing.T) {
	for hatype, want := range map[uint16]framingKind{
		1: framingEthernet, 772: framingEthernet, 0xfffe: framingNone, 519: framingNone,
		512: framingStrip, 768: framingStrip, 776: framingStrip, 778: framingStrip, 0: framingStrip,
	} {
		if got := framing(hatype); got != want {
			t.Errorf("ARPHRD %d: %d, want %d", hatype, got, want)
		}
		link := Interface{Type: hatype}.LinkType()
		if (link == LinkEthernet) != (want == framingEthernet) || !knownLink(link) {
			t.Errorf("ARPHRD %d: link type %d", hatype, link)
		}
	}
	if got := linkName(4711); got != "link type 4711" {
		t.Errorf("unknown name: %q", got)
	}
}
