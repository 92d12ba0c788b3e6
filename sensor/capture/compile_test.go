package capture

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// made is a frame with what a filter may ask about it.
type made struct {
	data     []byte
	src, dst netip.Addr
	proto    int // -1: no IP packet
	vlan     int // -1: none
	ports    []uint16
}

// makeFrame builds a random Ethernet frame byte by byte, so that what is expected
// does not come from a decoder.
func makeFrame(r *rand.Rand) made {
	m := made{proto: -1, vlan: -1}
	m.data = make([]byte, 12)
	for range r.IntN(3) {
		id := uint16(r.IntN(5))
		if m.vlan < 0 {
			m.vlan = int(id)
		}
		tpid := []uint16{0x8100, 0x88a8, 0x9100}[r.IntN(3)]
		m.data = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(m.data, tpid), id|0x2000)
	}
	if r.IntN(8) == 0 {
		m.data = append(binary.BigEndian.AppendUint16(m.data, 0x0806), make([]byte, 60)...)
		return m
	}
	protos := []int{6, 17, 132, 1, 50}
	m.proto = protos[r.IntN(len(protos))]
	fragment := r.IntN(6) == 0
	small := func() byte { return byte(r.IntN(4)) }
	if r.IntN(2) == 0 {
		a, b := [4]byte{10, 0, small(), small()}, [4]byte{192, 168, small(), small()}
		m.src, m.dst = netip.AddrFrom4(a), netip.AddrFrom4(b)
		options := r.IntN(3)
		h := make([]byte, 20+4*options)
		h[0], h[9] = 0x45+byte(options), byte(m.proto)
		if fragment {
			h[7] = 9
		}
		copy(h[12:], a[:])
		copy(h[16:], b[:])
		m.data = append(append(m.data, 0x08, 0x00), h...)
	} else {
		m.data = m.v6(r, fragment)
	}
	l4 := []byte{0, byte(20 + r.IntN(8)), 0, byte(80 + r.IntN(4)), 0, 0, 0, 0}
	if (m.proto == 6 || m.proto == 17 || m.proto == 132) && !fragment {
		m.ports = []uint16{uint16(l4[1]), uint16(l4[3])}
	}
	m.data = append(m.data, l4...)
	return m
}

func (m *made) v6(r *rand.Rand, fragment bool) []byte {
	a, b := [16]byte{0x20, 1, 0xd, 0xb8, 15: byte(r.IntN(4))}, [16]byte{0xfd, 8: byte(r.IntN(2))}
	m.src, m.dst = netip.AddrFrom16(a), netip.AddrFrom16(b)
	h := make([]byte, 40)
	h[0] = 0x60
	copy(h[8:], a[:])
	copy(h[24:], b[:])
	next := &h[6]
	for range r.IntN(3) { // hop-by-hop, destination options
		*next = []byte{0, 60}[r.IntN(2)]
		e := make([]byte, 8+8*r.IntN(2))
		e[1] = byte(len(e)/8 - 1)
		h = append(h, e...)
		next = &h[len(h)-len(e)]
	}
	if fragment {
		*next = 44
		h = append(h, 0, 0, 0, 8, 0, 0, 0, 0)
		next = &h[len(h)-8]
	}
	*next = byte(m.proto)
	return append(append(m.data, 0x86, 0xdd), h...)
}

// holds is the definition of Condition.
func (m *made) holds(c Condition) bool {
	in := func(a netip.Addr) bool {
		return slices.ContainsFunc(c.Networks, func(n netip.Prefix) bool { return n.Contains(a) })
	}
	port := func(r PortRange) bool {
		return slices.ContainsFunc(m.ports, func(p uint16) bool { return r.Low <= p && p <= r.High })
	}
	return (len(c.Networks) == 0 || in(m.src) || in(m.dst)) &&
		(len(c.Ports) == 0 || slices.ContainsFunc(c.Ports, port)) &&
		(len(c.Protocols) == 0 || m.proto >= 0 && slices.Contains(c.Protocols, uint8(m.proto))) &&
		(len(c.VLANs) == 0 || m.vlan >= 0 && slices.Contains(c.VLANs, uint16(m.vlan)))
}

func randomCondition(r *rand.Rand) Condition {
	var c Condition
	networks := []string{"10.0.0.0/24", "10.0.2.3/32", "192.168.0.0/16", "0.0.0.0/0", "2001:db8::/127", "fd00::/65", "fd00::/8", "::/0"}
	for range r.IntN(3) {
		c.Networks = append(c.Networks, netip.MustParsePrefix(networks[r.IntN(len(networks))]))
	}
	for range r.IntN(3) {
		low := uint16(18 + r.IntN(70))
		c.Ports = append(c.Ports, PortRange{low, low + uint16(r.IntN(4))})
	}
	for range r.IntN(3) {
		c.Protocols = append(c.Protocols, []uint8{6, 17, 1, 50, 132}[r.IntN(5)])
	}
	if r.IntN(3) == 0 {
		c.VLANs = append(c.VLANs, uint16(r.IntN(5)))
	}
	return c
}

func vmOf(t testing.TB, prog []bpf.RawInstruction) *bpf.VM {
	t.Helper()
	ins, all := bpf.Disassemble(prog)
	if !all {
		t.Fatal("program does not disassemble")
	}
	vm, err := bpf.NewVM(ins)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// Random filters decide about random frames as their definition does.
func TestCompileFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var decided [2]int
	for range 300 {
		var include, exclude []Condition
		for range r.IntN(3) {
			include = append(include, randomCondition(r))
		}
		for range r.IntN(3) {
			exclude = append(exclude, randomCondition(r))
		}
		prog, err := CompileFilter(include, exclude, LinkEthernet, false)
		if err != nil {
			t.Fatal(err)
		}
		vm := vmOf(t, prog)
		for range 200 {
			m := makeFrame(r)
			want := (len(include) == 0 || slices.ContainsFunc(include, m.holds)) && !slices.ContainsFunc(exclude, m.holds)
			n, err := vm.Run(m.data)
			if err != nil {
				t.Fatal(err)
			}
			if (n > 0) != want {
				t.Fatalf("include %+v exclude %+v: frame %x is accepted: %t, want %t", include, exclude, m.data, n > 0, want)
			}
			decided[min(n, 1)]++
		}
	}
	if decided[0] < 5000 || decided[1] < 5000 {
		t.Errorf("the test is one-sided: %d refused, %d accepted", decided[0], decided[1])
	}
}

func TestCompileFilterLinkTypes(t *testing.T) {
	ip := makeFrame(rand.New(rand.NewPCG(3, 3)))
	for ip.proto < 0 || ip.vlan >= 0 {
		ip = makeFrame(rand.New(rand.NewPCG(3, uint64(len(ip.data)))))
	}
	packet, ethertype := ip.data[14:], ip.data[12:14]
	include := []Condition{{Networks: []netip.Prefix{netip.PrefixFrom(ip.src, ip.src.BitLen())}}}
	for linkType, header := range map[uint16][]byte{
		LinkRaw: nil, LinkNull: make([]byte, 4), LinkSLL: append(make([]byte, 14), ethertype...),
		LinkSLL2: append(slices.Clone(ethertype), make([]byte, 18)...),
	} {
		prog, err := CompileFilter(include, nil, linkType, false)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := vmOf(t, prog).Run(append(slices.Clone(header), packet...)); n == 0 || err != nil {
			t.Errorf("link type %d: not accepted: %v", linkType, err)
		}
	}
	if _, err := CompileFilter(include, nil, 105, false); err == nil {
		t.Error("a filter on 802.11 frames is no error")
	}
}

func TestCompileFilterTooLong(t *testing.T) {
	var c Condition
	for i := range 2000 {
		c.Networks = append(c.Networks, netip.PrefixFrom(netip.AddrFrom4([4]byte{1, 2, byte(i >> 8), byte(i)}), 32))
	}
	if _, err := CompileFilter([]Condition{c}, nil, LinkEthernet, true); err == nil || !strings.Contains(err.Error(), "4096") {
		t.Errorf("error is %v, want one that names the limit", err)
	}
}

func TestParseBPFErrors(t *testing.T) {
	for text, want := range map[string]string{
		"": "empty", "port 53": "begins with", "2\n6 0 0 0": "announces 2", "1\n6 0 0": "not four numbers",
		"1\n6 0 0 4294967296": "no number of 32 bits", "1\n6 0 300 0": "no number of 8 bits",
		"2\n21 0 1 0\n6 0 0 0": "jumps out", "1\n40 0 0 12": "no return",
	} {
		if _, err := ParseBPF(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseBPF(%q): %v, want %q in it", text, err, want)
		}
	}
}

// What tcpdump compiles, run by us, accepts as many frames as tcpdump does.
func TestParseBPFAgreesWithTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	files, _ := filepath.Glob("../../../shared/captures/tcpdump/dns*.pcap")
	if len(files) == 0 {
		t.Skip("no public captures here")
	}
	for _, expression := range []string{"udp port 53", "ip6", "tcp", "not host 127.0.0.1 and greater 80"} {
		for _, file := range files {
			text, err := exec.Command(tcpdump, "-ddd", "-r", file, expression).Output()
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			prog, err := ParseBPF(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			lines, err := exec.Command(tcpdump, "-nt", "-r", file, expression).Output()
			if err != nil {
				t.Fatal(err)
			}
			got := accepted(t, file, vmOf(t, prog))
			if want := countPackets(string(lines)); got != want {
				t.Errorf("%s, %q: we accept %d frames, tcpdump %d", filepath.Base(file), expression, got, want)
			}
		}
	}
}

// countPackets counts tcpdump's lines; indented ones go on with the packet before.
func countPackets(lines string) (n int) {
	for _, line := range strings.Split(lines, "\n") {
		if line != "" && line[0] != '\t' && line[0] != ' ' {
			n++
		}
	}
	return n
}

func accepted(t *testing.T, path string, vm *bpf.VM) (n int) {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		block, err := f.ReadBlock(0)
		var frame Frame
		for block != nil && block.Next(&frame) {
			if length, err := vm.Run(frame.Data); err == nil && length > 0 {
				n++
			}
		}
		if err != nil {
			return n
		}
	}
}

func ExampleParseBPF() {
	prog, err := ParseBPF("1\n6 0 0 262144")
	fmt.Println(len(prog), err)
	// Output: 1 <nil>
}
