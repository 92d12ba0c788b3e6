package decode

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decode is Decode into a Packet full of what a former frame left.
func (s *sample) decode(data []byte) (Packet, Status) {
	p := Packet{
		Src: Addr{1, 2}, Dst: Addr{3, 4}, OuterSrc: Addr{5, 6}, OuterDst: Addr{7, 8}, SrcPort: 9, DstPort: 10, OuterSrcPort: 11, OuterDstPort: 12,
		TunnelKinds: 13, Tunnels: 14, Proto: 15, OuterProto: 16, V6: true, OuterV6: true, HasPorts: true, OuterHasPorts: true, SYN: true, Fragment: true,
	}
	return p, Decode(&p, s.link, s.etherType, data)
}

func TestDecode(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			p, status := s.decode(s.data)
			if status != s.status {
				t.Errorf("status: got %v, want %v", status, s.status)
			}
			if diff := cmp.Diff(s.want, p); diff != "" {
				t.Errorf("packet (-want +got):\n%s\nframe %x", diff, s.data)
			}
		})
	}
}

// TestDecodeTruncated cuts every sample at every length: what is read of a
// shorter frame never contradicts what the longer one says.
func TestDecodeTruncated(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			for n := range min(len(s.data), 400) {
				p, status := s.decode(s.data[:n:n])
				if msg := contradicts(&s, &p, status); msg != "" {
					t.Fatalf("cut at %d of %d: %s: %v %+v", n, len(s.data), msg, status, p)
				}
			}
		})
	}
}

// contradicts says what p, read from a cut sample, claims wrongly.
func contradicts(s *sample, p *Packet, status Status) string {
	if msg := inconsistent(p, status); msg != "" {
		return msg
	}
	if status == Undecodable {
		return ""
	}
	if s.status == NonIP || status == NonIP {
		if s.status != status {
			return "status contradicts the whole frame's"
		}
		return ""
	}
	outer := outermost(&s.want)
	if o := outermost(p); o.Src != outer.Src || o.Dst != outer.Dst || o.V6 != outer.V6 {
		return "outermost addresses differ"
	}
	if p.Tunnels > s.want.Tunnels || p.TunnelKinds&^s.want.TunnelKinds != 0 {
		return "tunnels that are not there"
	}
	if p.Tunnels < s.want.Tunnels {
		return ""
	}
	if p.Src != s.want.Src || p.Dst != s.want.Dst {
		return "addresses differ"
	}
	if p.HasPorts && (p.SrcPort != s.want.SrcPort || p.DstPort != s.want.DstPort || !s.want.HasPorts) {
		return "ports differ"
	}
	if p.SYN && !s.want.SYN {
		return "opens that are not there"
	}
	return ""
}

// outermost returns addresses, protocol and ports of the outermost IP header.
func outermost(p *Packet) Packet {
	if p.Tunnels == 0 {
		return Packet{Src: p.Src, Dst: p.Dst, V6: p.V6, Proto: p.Proto, HasPorts: p.HasPorts, SrcPort: p.SrcPort, DstPort: p.DstPort}
	}
	return Packet{Src: p.OuterSrc, Dst: p.OuterDst, V6: p.OuterV6, Proto: p.OuterProto,
		HasPorts: p.OuterHasPorts, SrcPort: p.OuterSrcPort, DstPort: p.OuterDstPort}
}

// inconsistent says which promise of Packet p breaks, whatever the frame.
func inconsistent(p *Packet, status Status) string {
	ports := p.Proto == protoTCP || p.Proto == protoUDP || p.Proto == protoSCTP
	switch {
	case status > Decoded:
		return "no such status"
	case status != Decoded && *p != Packet{}:
		return "a packet without being decoded"
	case status != Decoded:
		return ""
	case p.HasPorts && (p.Fragment || !ports):
		return "ports on a later fragment or of another protocol"
	case !p.HasPorts && (p.SrcPort != 0 || p.DstPort != 0):
		return "ports that it does not claim"
	case p.SYN && (p.Proto != protoTCP || !p.HasPorts):
		return "SYN without TCP"
	case !p.V6 && !(p.Src.IsMapped() && p.Dst.IsMapped()):
		return "an IPv4 address that is not mapped"
	case p.Tunnels > MaxTunnels || (p.Tunnels == 0) != (p.TunnelKinds == 0):
		return "tunnels and their kinds"
	case p.Tunnels == 0 && (p.OuterSrc != Addr{} || p.OuterDst != Addr{} || p.OuterProto != 0 || p.OuterV6 || p.OuterHasPorts):
		return "an outer packet without a tunnel"
	}
	return ""
}

// TestDecodeDamaged flips bytes in every sample: a promise is never broken.
func TestDecodeDamaged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, s := range samples() {
		for range 300 {
			data := append([]byte(nil), s.data...)
			for range 1 + rnd.IntN(4) {
				if len(data) > 0 {
					data[rnd.IntN(len(data))] = byte(rnd.Uint32())
				}
			}
			p, status := s.decode(data)
			if msg := inconsistent(&p, status); msg != "" {
				t.Fatalf("%s: %s: %v %+v\nframe %x", s.name, msg, status, p, data)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	all := samples()
	var p Packet
	allocs := testing.AllocsPerRun(20, func() {
		for i := range all {
			Decode(&p, all[i].link, all[i].etherType, all[i].data)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for %d kinds of frames, want none", allocs, len(all))
	}
}

func TestStatusString(t *testing.T) {
	got := []string{Undecodable.String(), NonIP.String(), Decoded.String()}
	if diff := cmp.Diff([]string{"undecodable", "non_ip", "decoded"}, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzDecode looks for frames that panic, allocate, break a promise of Packet
// or say something else when they are cut.
func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		if len(s.data) < 1000 {
			f.Add(uint16(s.link), s.etherType, s.data, uint16(len(s.data)/2))
		}
	}
	f.Fuzz(func(t *testing.T, link, etherType uint16, data []byte, cut uint16) {
		s := sample{link: LinkType(link), etherType: etherType}
		p, status := s.decode(data)
		if msg := inconsistent(&p, status); msg != "" {
			t.Fatalf("%s: %v %+v", msg, status, p)
		}
		s.want, s.status = p, status
		short, status := s.decode(data[:min(int(cut), len(data))])
		if msg := contradicts(&s, &short, status); msg != "" {
			t.Fatalf("cut at %d of %d: %s: %v %+v, whole %v %+v", cut, len(data), msg, status, short, s.status, p)
		}
		if n := testing.AllocsPerRun(1, func() { Decode(&p, s.link, etherType, data) }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	})
}
