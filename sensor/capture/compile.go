package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/bpf"
)

// PortRange is a closed range of ports.
type PortRange struct{ Low, High uint16 }

// Condition is what a frame's outermost IP packet must be like. Every list that is
// not empty must hold, by one of its values. The zero value holds for every frame.
type Condition struct {
	Networks  []netip.Prefix // the source or the destination lies in it
	Ports     []PortRange    // TCP, UDP, SCTP: one of the ports; never of a later fragment
	Protocols []uint8        // IANA number, after IPv6 extension headers (four at most)
	VLANs     []uint16       // ID of the outermost tag, also of one that the kernel took out
}

// CompileFilter makes a classic BPF program that accepts frames for which one of the
// include conditions holds (none given: all) and none of the exclude conditions. live
// is for rings, where the kernel has taken the outermost VLAN tag out of the data;
// without it the program runs in x/net/bpf's VM. Only the link types of rings and
// files that package decode knows are possible. The error says when there are more
// conditions than the kernel's 4,096 instructions hold.
func CompileFilter(include, exclude []Condition, linkType uint16, live bool) ([]bpf.RawInstruction, error) {
	p := &assembler{}
	accept, reject := p.label(), p.label()
	if err := p.parse(linkType, live); err != nil {
		return nil, err
	}
	included := p.label()
	for _, c := range include {
		p.condition(c, included)
	}
	if len(include) > 0 {
		p.jump(reject)
	}
	p.place(included)
	for _, c := range exclude {
		p.condition(c, reject)
	}
	p.place(accept)
	p.emit(bpf.RetConstant{Val: maxSnaplen})
	p.place(reject)
	p.emit(bpf.RetConstant{Val: 0})
	return p.assemble()
}

// Scratch words of a compiled filter.
const (
	scratchVersion = iota // 4, 6, or 0 for no IP packet
	scratchNetwork        // offset of the IP header
	scratchProto
	scratchPorts // offset of the ports, 0 where there are none
	scratchVLAN  // ID of the outermost tag, or noVLAN
)

const noVLAN = 0xffff

// EtherTypes of IP, and of tags.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// parse emits what finds the IP packet in a frame and fills the scratch words. Every
// loaded byte of a frame that is too short for it makes BPF reject the frame.
func (p *assembler) parse(linkType uint16, live bool) error {
	done := p.label()
	for _, word := range []int{scratchVersion, scratchNetwork, scratchProto, scratchPorts} {
		p.store(word, 0) // the kernel refuses loads of words that may not have been stored
	}
	p.store(scratchVLAN, noVLAN)
	switch linkType {
	case LinkEthernet:
		p.ethernet(live, done)
	case LinkRaw:
		p.setX(0)
	case LinkNull, LinkLoop:
		p.setX(4)
	case LinkSLL:
		p.setX(14)
		p.onlyIP(done)
		p.setX(16)
	case LinkSLL2:
		p.setX(0)
		p.onlyIP(done)
		p.setX(20)
	default:
		return fmt.Errorf("compile filter: link type %d is not possible (Ethernet, raw IP, Linux cooked and loopback are)", linkType)
	}
	p.ip(done)
	p.place(done)
	return nil
}

// ethernet leaves the offset of the network header in X and skips two VLAN tags.
func (p *assembler) ethernet(live bool, done label) {
	if live {
		bare := p.label()
		p.emit(bpf.LoadExtension{Num: bpf.ExtVLANTagPresent})
		p.jumpIf(bpf.JumpEqual, 0, bare)
		p.emit(bpf.LoadExtension{Num: bpf.ExtVLANTag})
		p.vlanID()
		p.place(bare)
	}
	untagged := p.label()
	p.setX(12)
	for range 2 {
		tag, known := p.label(), p.label()
		p.emit(bpf.LoadIndirect{Off: 0, Size: 2})
		for _, tpid := range []uint32{0x8100, 0x88a8, 0x9100} {
			p.jumpIf(bpf.JumpEqual, tpid, tag)
		}
		p.jump(untagged)
		p.place(tag)
		p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchVLAN})
		p.jumpIf(bpf.JumpNotEqual, noVLAN, known)
		p.emit(bpf.LoadIndirect{Off: 2, Size: 2})
		p.vlanID()
		p.place(known)
		p.addX(4)
	}
	p.place(untagged)
	p.onlyIP(done)
	p.addX(2)
}

// onlyIP jumps to done unless the EtherType at X is IPv4's or IPv6's.
func (p *assembler) onlyIP(done label) {
	ip := p.label()
	p.emit(bpf.LoadIndirect{Off: 0, Size: 2})
	p.jumpIf(bpf.JumpEqual, etherIPv4, ip)
	p.jumpIf(bpf.JumpNotEqual, etherIPv6, done)
	p.place(ip)
}

// vlanID keeps the ID of the tag control information in A.
func (p *assembler) vlanID() {
	p.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}, bpf.StoreScratch{Src: bpf.RegA, N: scratchVLAN})
}

// ip reads the IP header at X.
func (p *assembler) ip(done label) {
	v4, v6 := p.label(), p.label()
	p.emit(bpf.StoreScratch{Src: bpf.RegX, N: scratchNetwork}, bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4})
	p.jumpIf(bpf.JumpEqual, 4, v4)
	p.jumpIf(bpf.JumpEqual, 6, v6)
	p.jump(done)

	p.place(v4)
	p.store(scratchVersion, 4)
	p.emit(bpf.LoadIndirect{Off: 9, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: scratchProto},
		bpf.LoadIndirect{Off: 6, Size: 2})
	p.jumpIf(bpf.JumpBitsSet, 0x1fff, done) // a later fragment
	p.emit(bpf.LoadIndirect{Off: 0, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 15},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2}, bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
	p.ports(done)

	p.place(v6)
	p.store(scratchVersion, 6)
	p.emit(bpf.LoadIndirect{Off: 6, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: scratchProto})
	p.addX(40)
	upper := p.label()
	for range 4 {
		p.extension(upper, done)
	}
	p.place(upper)
	p.ports(done)
}

// extension skips one IPv6 extension header at X (RFC 8200), whose number is in
// scratchProto; what is none goes on at upper, a later fragment at done.
func (p *assembler) extension(upper, done label) {
	next, fragment := p.label(), p.label()
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchProto})
	p.jumpIf(bpf.JumpEqual, 44, fragment)
	for _, header := range []uint32{0, 43, 60} { // hop-by-hop, routing, destination
		p.jumpIf(bpf.JumpEqual, header, next)
	}
	p.jump(upper)

	after := p.label()
	p.place(fragment)
	p.emit(bpf.LoadIndirect{Off: 0, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: scratchProto},
		bpf.LoadIndirect{Off: 2, Size: 2})
	p.jumpIf(bpf.JumpBitsSet, 0xfff8, done)
	p.addX(8)
	p.jump(after)

	p.place(next)
	p.emit(bpf.LoadIndirect{Off: 0, Size: 1}, bpf.StoreScratch{Src: bpf.RegA, N: scratchProto},
		bpf.LoadIndirect{Off: 1, Size: 1}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 3},
		bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 8}, bpf.ALUOpX{Op: bpf.ALUOpAdd}, bpf.TAX{})
	p.place(after)
}

// ports keeps X as the place of the ports where the protocol has any and the frame
// is long enough, and goes to done.
func (p *assembler) ports(done label) {
	yes := p.label()
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchProto})
	for _, proto := range []uint32{6, 17, 132} {
		p.jumpIf(bpf.JumpEqual, proto, yes)
	}
	p.jump(done)
	p.place(yes)
	p.emit(bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: 4})
	short := p.label()
	p.jumpIfX(bpf.JumpLessThan, short)
	p.emit(bpf.StoreScratch{Src: bpf.RegX, N: scratchPorts})
	p.place(short)
	p.jump(done)
}

// condition jumps to yes if every list of c holds, and goes on behind itself if not.
func (p *assembler) condition(c Condition, yes label) {
	no := p.label()
	p.networks(c.Networks, no)
	p.list(len(c.Protocols), scratchProto, no, func(i int) (uint32, uint32) {
		return uint32(c.Protocols[i]), uint32(c.Protocols[i])
	})
	p.list(len(c.VLANs), scratchVLAN, no, func(i int) (uint32, uint32) {
		return uint32(c.VLANs[i]), uint32(c.VLANs[i])
	})
	p.portRanges(c.Ports, no)
	p.jump(yes)
	p.place(no)
}

// list goes on if the scratch word is in one of n ranges, and to no if not. Words
// about IP mean nothing without an IP packet.
func (p *assembler) list(n, word int, no label, at func(int) (low, high uint32)) {
	if n == 0 {
		return
	}
	ok := p.label()
	if word == scratchProto {
		p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchVersion})
		p.jumpIf(bpf.JumpEqual, 0, no)
	}
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: word})
	p.ranges(n, ok, at)
	p.jump(no)
	p.place(ok)
}

// ranges jumps to ok if A is in one of n closed ranges.
func (p *assembler) ranges(n int, ok label, at func(int) (low, high uint32)) {
	for i := range n {
		low, high := at(i)
		if low == high {
			p.jumpIf(bpf.JumpEqual, low, ok)
			continue
		}
		below := p.label()
		p.jumpIf(bpf.JumpLessThan, low, below)
		p.jumpIf(bpf.JumpLessOrEqual, high, ok)
		p.place(below)
	}
}

func (p *assembler) portRanges(ranges []PortRange, no label) {
	if len(ranges) == 0 {
		return
	}
	ok := p.label()
	p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchPorts})
	p.jumpIf(bpf.JumpEqual, 0, no)
	for _, off := range []uint32{0, 2} {
		p.emit(bpf.LoadScratch{Dst: bpf.RegX, N: scratchPorts}, bpf.LoadIndirect{Off: off, Size: 2})
		p.ranges(len(ranges), ok, func(i int) (uint32, uint32) { return uint32(ranges[i].Low), uint32(ranges[i].High) })
	}
	p.jump(no)
	p.place(ok)
}

// networks goes on if the source or destination lies in one of the networks.
func (p *assembler) networks(networks []netip.Prefix, no label) {
	if len(networks) == 0 {
		return
	}
	ok := p.label()
	p.emit(bpf.LoadScratch{Dst: bpf.RegX, N: scratchNetwork})
	for _, n := range networks {
		version, offsets := uint32(4), []uint32{12, 16}
		if n.Addr().Is6() {
			version, offsets = 6, []uint32{8, 24}
		}
		other := p.label()
		p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchVersion})
		p.jumpIf(bpf.JumpNotEqual, version, other)
		for _, off := range offsets {
			p.prefix(n, off, ok)
		}
		p.place(other)
	}
	p.jump(no)
	p.place(ok)
}

// prefix jumps to ok if the address at X+off lies in n.
func (p *assembler) prefix(n netip.Prefix, off uint32, ok label) {
	differs := p.label()
	address := n.Masked().Addr().AsSlice()
	for left := n.Bits(); left > 0; left -= 32 {
		mask := ^uint32(0)
		if left < 32 {
			mask <<= 32 - left
		}
		p.emit(bpf.LoadIndirect{Off: off, Size: 4})
		if mask != ^uint32(0) {
			p.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
		}
		p.jumpIf(bpf.JumpNotEqual, binary.BigEndian.Uint32(address), differs)
		address, off = address[4:], off+4
	}
	p.jump(ok)
	p.place(differs)
}
