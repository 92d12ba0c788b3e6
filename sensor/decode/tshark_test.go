package decode

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// tsharkFields are asked of tshark for every frame, all occurrences of each.
var tsharkFields = []string{
	"frame.protocols", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
	"tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport",
}

// opinion is what either side says of a frame: the addresses of every IP header
// known, outermost first ("?" where there is none), and the ports of the last.
type opinion struct {
	pairs  []string // "src > dst"; ours has the outermost and the innermost
	count  int      // IP headers in all
	ports  string
	chain  []string // tshark's names of the protocols, outermost first
	length int
}

// ours is the opinion of a Packet.
func ours(p *Packet, status Status, wire int) opinion {
	o := opinion{length: wire}
	if status != Decoded {
		return o
	}
	outer := outermost(p)
	o.pairs = []string{fmt.Sprintf("%v > %v", outer.Src.Netip(outer.V6), outer.Dst.Netip(outer.V6))}
	if p.Tunnels > 0 {
		o.pairs = append(o.pairs, fmt.Sprintf("%v > %v", p.Src.Netip(p.V6), p.Dst.Netip(p.V6)))
	}
	if o.count = 1 + int(p.Tunnels); p.HasPorts {
		o.ports = fmt.Sprintf("%d > %d", p.SrcPort, p.DstPort)
	}
	return o
}

// theirs is the opinion of a line of tshark's. Headers inside an ICMP message
// are quotations, so reading ends there.
func theirs(line string) opinion {
	fields := strings.Split(line, "\t")
	values := map[string][]string{}
	for i, name := range tsharkFields {
		if i < len(fields) && fields[i] != "" {
			values[name] = strings.Split(fields[i], ",")
		}
	}
	pop := func(name string) string {
		if len(values[name]) == 0 {
			return "?"
		}
		v := values[name][0]
		values[name] = values[name][1:]
		return v
	}
	o := opinion{chain: strings.Split(fields[0], ":")}
	o.length, _ = strconv.Atoi(pop("frame.len"))
	for i, name := range o.chain {
		switch name {
		case "icmp", "icmpv6":
			o.chain = o.chain[:i]
			return o.ends()
		case "ip", "ipv6":
			o.pairs = append(o.pairs, pop(name+".src")+" > "+pop(name+".dst"))
			o.count, o.ports = o.count+1, ""
		case "tcp", "udp", "sctp":
			o.ports = pop(name+".srcport") + " > " + pop(name+".dstport")
		}
	}
	return o.ends()
}

// ends leaves only the outermost and the innermost pair.
func (o opinion) ends() opinion {
	if len(o.pairs) > 2 {
		o.pairs = []string{o.pairs[0], o.pairs[len(o.pairs)-1]}
	}
	return o
}

// same tells whether two opinions agree.
func (o opinion) same(other opinion) bool {
	return slices.Equal(o.pairs, other.pairs) && o.count == other.count && o.ports == other.ports && o.length == other.length
}

// sameOuter tells whether they agree on what the outer books are kept by.
func (o opinion) sameOuter(other opinion) bool {
	return (o.count == 0) == (other.count == 0) && (o.count == 0 || o.pairs[0] == other.pairs[0]) && o.length == other.length
}

// has tells whether the chain names one of these protocols.
func (o opinion) has(names ...string) bool {
	return slices.ContainsFunc(o.chain, func(s string) bool { return slices.Contains(names, s) })
}

// outerLengthZero tells whether an Ethernet frame's IP header declares none.
func outerLengthZero(f frame) bool {
	if f.link != LinkEthernet || len(f.data) < 54 {
		return false
	}
	return f.data[12] == 8 && f.data[16]|f.data[17] == 0 || f.data[12] == 0x86 && f.data[18]|f.data[19] == 0
}

// difference is a reason why opinions may differ and the frames it holds for.
type difference struct {
	why   string
	match func(f frame, status Status, us, them opinion) bool
}

// tsharkDifferences explains where tshark and Decode may disagree; the first
// that matches counts. Anything else fails the test.
var tsharkDifferences = []difference{
	{"tshark shows fields of invalid or cut IP headers, some incomplete (?)", func(_ frame, status Status, _, them opinion) bool {
		return status == Undecodable && strings.Contains(them.pairs[0], "?")
	}},
	{"an ICMP-like quotation: control protocols that report other hosts' packets (PIM register, sFlow, OpenFlow, NHRP)", func(_ frame, _ Status, us, them opinion) bool {
		return us.count > 0 && us.count < them.count && us.sameOuter(them) && them.has("pim", "sflow", "openflow", "nhrp")
	}},
	{"compressed payloads (IPComp) are not unpacked", func(_ frame, _ Status, us, them opinion) bool {
		return us.count < them.count && us.sameOuter(them) && them.has("ipcomp")
	}},
	{"tunnels not unwrapped: MPLS in UDP, SRv6 with Ethernet", func(_ frame, _ Status, us, them opinion) bool {
		chain := strings.Join(them.chain, ":")
		return us.count < them.count && us.sameOuter(them) && (strings.Contains(chain, "udp:mpls") || strings.Contains(chain, "ipv6.routing:eth"))
	}},
	{"Arista's switch time stamps (EtherType d28b) are not IP to us", func(_ frame, status Status, _, them opinion) bool {
		return status == NonIP && them.has("avsp")
	}},
	{"super-frames with length 0: tshark 4.0 stops behind the outer header, or at a port", func(f frame, _ Status, us, them opinion) bool {
		return outerLengthZero(f) && us.sameOuter(them) && us.count >= them.count
	}},
	{"VXLAN on port 8472 (tshark 4.0 knows 4789 alone)", func(_ frame, _ Status, us, them opinion) bool {
		return us.count == them.count+1 && us.sameOuter(them) && strings.HasSuffix(them.ports, " > 8472")
	}},
	{"more than maxExtensions extension headers", func(_ frame, _ Status, us, them opinion) bool {
		n := 0
		for _, name := range them.chain {
			if strings.HasPrefix(name, "ipv6.") {
				n++
			}
		}
		return n > maxExtensions && us.sameOuter(them) && us.ports == ""
	}},
}

// TestDecodeAgainstTshark compares every frame of the public captures with what
// tshark reads: the outermost and the innermost addresses, the ports, and, summed over
// each file, packets and bytes of every outer pair of addresses.
func TestDecodeAgainstTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	byLink := map[LinkType][]frame{}
	for _, f := range publicFrames(t) {
		byLink[f.link] = append(byLink[f.link], f)
	}
	used := make([]int, len(tsharkDifferences))
	ourSums, theirSums := sums{}, sums{}
	total := 0
	for link, frames := range byLink {
		lines := runTshark(t, link, frames)
		total += len(frames)
		for i, f := range frames {
			var p Packet
			status := Decode(&p, f.link, 0, f.data)
			us, them := ours(&p, status, f.wire), theirs(lines[i])
			if !us.same(them) {
				d := slices.IndexFunc(tsharkDifferences, func(d difference) bool { return d.match(f, status, us, them) })
				if d < 0 {
					t.Errorf("%s frame %d (link %d), %v:\nours   %+v\ntshark %+v", f.file, f.n, f.link, status, us, them)
					continue
				}
				if used[d]++; !us.sameOuter(them) {
					continue // explained, and the outer books are not the same
				}
			}
			ourSums.add(f.file, us)
			theirSums.add(f.file, them)
		}
	}
	if diff := cmp.Diff(theirSums, ourSums); diff != "" {
		t.Errorf("packets and bytes of outer addresses (-tshark +ours):\n%s", diff)
	}
	t.Logf("%d frames, %d pairs of addresses in files", total, len(ourSums))
	for i, d := range tsharkDifferences {
		t.Logf("%4d × %s", used[i], d.why)
	}
}

// sums is packets and bytes of each file and outer pair.
type sums map[string][2]int

func (s sums) add(file string, o opinion) {
	key := file + ": no IP"
	if o.count > 0 {
		key = file + ": " + o.pairs[0]
	}
	v := s[key]
	s[key] = [2]int{v[0] + 1, v[1] + o.length}
}

// runTshark returns tshark's line for every frame, reassembly off.
func runTshark(t *testing.T, link LinkType, frames []frame) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "frames.pcap")
	var file bytes.Buffer
	w := pcapgo.NewWriter(&file)
	if err := w.WriteFileHeader(1<<18, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	file.Bytes()[20], file.Bytes()[21] = byte(link), byte(link>>8) // pcapgo's type has eight bits
	for i := range frames {
		f := &frames[i]
		f.wire = max(f.wire, len(f.data)) // some files say less, and pcapgo refuses to
		info := gopacket.CaptureInfo{Timestamp: time.Unix(int64(i), 0), CaptureLength: len(f.data), Length: f.wire}
		if err := w.WritePacket(info, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", name, "-n", "-T", "fields", "-E", "occurrence=a", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
		"-o", "tcp.desegment_tcp_streams:FALSE", "-o", "sctp.reassembly:FALSE"}
	for _, field := range tsharkFields {
		args = append(args, "-e", field)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(lines) != len(frames) {
		t.Fatalf("tshark on link type %d: %v, %d lines for %d frames: %s", link, err, len(lines), len(frames), &stderr)
	}
	return lines
}
