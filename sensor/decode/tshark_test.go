package decode

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

func TestDiffTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark")
	}
	byLink := map[LinkType][]frame{}
	for _, f := range publicFrames(t) {
		byLink[f.link] = append(byLink[f.link], f)
	}
	for link, frames := range byLink {
		start := time.Now()
		rows := runTshark(t, link, frames)
		fmt.Println("link", link, "frames", len(frames), "rows", len(rows), time.Since(start))
		for i, f := range frames {
			var p Packet
			st := Decode(&p, f.link, 0, f.data)
			r := rows[i]
			ours := "-"
			if st == Decoded {
				ours = p.describe()
			}
			theirs := r.describe()
			if ours != theirs {
				fmt.Printf("DIFF %s#%d %v\n  ours   %s\n  theirs %s\n  %s\n", f.file, f.n, st, ours, theirs, r[0])
			}
		}
	}
}

func (p *Packet) describe() string {
	s := ""
	if p.Tunnels > 0 {
		s = fmt.Sprintf("[%d] ", p.Tunnels)
		s += fmt.Sprintf("%v>%v ", p.OuterSrc.Netip(p.OuterV6), p.OuterDst.Netip(p.OuterV6))
	}
	s += fmt.Sprintf("%v>%v", p.Src.Netip(p.V6), p.Dst.Netip(p.V6))
	if p.HasPorts {
		s += fmt.Sprintf(" %d %d>%d", p.Proto, p.SrcPort, p.DstPort)
	}
	return s
}

type row [9]string

func (r row) describe() string {
	v := [9][]string{}
	for i := range v {
		if r[i] != "" {
			v[i] = strings.Split(r[i], ",")
		}
	}
	at := func(i, n int) string {
		if n < len(v[i]) {
			return v[i][n]
		}
		return "?"
	}
	outer, last, ports, n := "", "", "", 0
	n4, n6 := 0, 0
	var nt, nu, ns int
loop:
	for _, proto := range strings.Split(r[0], ":") {
		switch proto {
		case "ip":
			last = at(1, n4) + ">" + at(2, n4)
			n4++
			ports = ""
		case "ipv6":
			last = at(3, n6) + ">" + at(4, n6)
			n6++
			ports = ""
		case "tcp":
			ports = " 6 " + strings.Replace(at(5, nt), "-", ">", 1) + ">" + at(6, nt)
			nt++
		case "udp":
			ports = " 17 " + at(7, nu) + ">" + at(8, nu)
			nu++
		case "sctp":
			ports = " 132 ?"
			ns++
		case "icmp", "icmpv6":
			break loop
		default:
			continue
		}
		if proto == "ip" || proto == "ipv6" {
			n++
			if n == 1 {
				outer = last
			}
		}
	}
	switch n {
	case 0:
		return "-"
	case 1:
		return last + ports
	}
	return fmt.Sprintf("[%d] %s %s%s", n-1, outer, last, ports)
}

func runTshark(t *testing.T, link LinkType, frames []frame) []row {
	name := filepath.Join(t.TempDir(), "frames.pcap")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := pcapgo.NewWriter(file)
	if err := w.WriteFileHeader(1<<18, layers.LinkType(0)); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1, 0), CaptureLength: len(f.data), Length: max(f.wire, len(f.data))}, f.data)
	}
	file.Close()
	b, _ := os.ReadFile(name)
	b[20], b[21] = byte(link), byte(link>>8)
	os.WriteFile(name, b, 0o600)
	args := []string{"-r", name, "-n", "-T", "fields", "-E", "occurrence=a",
		"-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"}
	for _, f := range []string{"frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"} {
		args = append(args, "-e", f)
	}
	var stderr bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		fmt.Println(err, stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	rows := make([]row, len(frames))
	for i, l := range lines {
		if i < len(rows) {
			copy(rows[i][:], strings.Split(l, "\t"))
		}
	}
	return rows
}
