package decode

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// layersOpinion is what gopacket reads in a frame, with the innermost protocol
// number and whether TCP opens. ok is false where its decoders panic.
func layersOpinion(f frame) (o opinion, proto uint8, opens, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	o.length = f.wire
	pair := func(src, dst []byte) {
		s, _ := netip.AddrFromSlice(src)
		d, _ := netip.AddrFromSlice(dst)
		o.pairs, o.ports = append(o.pairs, fmt.Sprintf("%v > %v", s, d)), ""
	}
	packet := gopacket.NewPacket(f.data, layers.LinkType(f.link), gopacket.DecodeOptions{NoCopy: true, SkipDecodeRecovery: true})
	for _, layer := range packet.Layers() {
		o.chain = append(o.chain, layer.LayerType().String())
		switch l := layer.(type) {
		case *layers.IPv4:
			pair(l.SrcIP.To4(), l.DstIP.To4())
			proto = uint8(l.Protocol)
		case *layers.IPv6:
			pair(l.SrcIP, l.DstIP)
			proto = uint8(l.NextHeader)
		case *layers.IPv6HopByHop:
			proto = uint8(l.NextHeader)
		case *layers.IPv6Destination:
			proto = uint8(l.NextHeader)
		case *layers.IPv6Routing:
			proto = uint8(l.NextHeader)
		case *layers.IPv6Fragment:
			proto = uint8(l.NextHeader)
		case *layers.IPSecAH:
			proto = uint8(l.NextHeader)
		case *layers.TCP:
			o.ports = fmt.Sprintf("%d > %d", l.SrcPort, l.DstPort)
			opens = l.SYN && !l.ACK
		case *layers.UDP:
			o.ports = fmt.Sprintf("%d > %d", l.SrcPort, l.DstPort)
		case *layers.SCTP:
			o.ports = fmt.Sprintf("%d > %d", l.SrcPort, l.DstPort)
		}
	}
	o.count = len(o.pairs)
	return o.ends(), proto, opens, true
}

// last is the innermost layer of the chain.
func (o opinion) last() string {
	if len(o.chain) == 0 {
		return ""
	}
	return o.chain[len(o.chain)-1]
}

// layersDifferences explains where gopacket and Decode may disagree; the first
// that matches counts. Anything else fails the test.
var layersDifferences = []difference{
	{"link types gopacket does not read (Cisco HDLC, IPv4, IPv6)", func(f frame, _ Status, _, them opinion) bool {
		return them.count == 0 && (f.link == LinkCiscoHDLC || f.link == LinkIPv4 || f.link == LinkIPv6)
	}},
	{"gopacket does not check version and lengths of the IP header", func(_ frame, status Status, _, them opinion) bool {
		return status == Undecodable && them.count > 0
	}},
	{"gopacket reads no ports in first fragments, nor AH", func(_ frame, _ Status, us, them opinion) bool {
		return us.count == them.count && us.sameOuter(them) && them.last() == "Fragment"
	}},
	{"MACsec without encryption and NSH", func(_ frame, _ Status, us, them opinion) bool {
		return us.count == 1 && them.count == 0 && slices.Equal(them.chain, []string{"Ethernet", "DecodeFailure"})
	}},
	{"gopacket fails: super-frames with length 0, segment routing, headers cut or wrong behind the addresses", func(_ frame, _ Status, us, them opinion) bool {
		return us.count >= them.count && us.sameOuter(them) && them.count > 0 && them.last() == "DecodeFailure"
	}},
	{"gopacket takes ERSPAN I for II and does not read III; ours is inside or stays outside", func(_ frame, _ Status, us, them opinion) bool {
		return us.sameOuter(them) && (them.has("ERSPAN Type II") || us.count == them.count+1 && them.last() == "GRE")
	}},
	{"VXLAN on port 8472 and its GPE", func(_ frame, _ Status, us, them opinion) bool {
		return us.count == them.count+1 && us.sameOuter(them) && them.last() == "Payload" && them.has("UDP")
	}},
}

// TestDecodeAgainstGopacket compares every frame of the public captures with
// what gopacket's layers read: addresses, protocol, ports and opens.
func TestDecodeAgainstGopacket(t *testing.T) {
	used := make([]int, len(layersDifferences))
	panics, total := 0, 0
	for _, f := range publicFrames(t) {
		if f.link > 255 { // gopacket's type has eight bits
			continue
		}
		var p Packet
		status := Decode(&p, f.link, 0, f.data)
		us := ours(&p, status, f.wire)
		them, proto, opens, ok := layersOpinion(f)
		if !ok {
			panics++
			continue
		}
		total++
		if us.same(them) && (us.count == 0 || proto == p.Proto && opens == p.SYN) {
			continue
		}
		d := slices.IndexFunc(layersDifferences, func(d difference) bool { return d.match(f, status, us, them) })
		if d < 0 {
			t.Errorf("%s frame %d (link %d), %v, protocol %d and %d, opens %v and %v:\nours     %+v\ngopacket %+v",
				f.file, f.n, f.link, status, p.Proto, proto, p.SYN, opens, us, them)
			continue
		}
		used[d]++
	}
	t.Logf("%d frames; gopacket panics on %d more", total, panics)
	for i, d := range layersDifferences {
		t.Logf("%4d × %s", used[i], d.why)
	}
}
