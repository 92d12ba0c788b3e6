package capture

import (
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

// parse emits what finds the IP packet in a frame and fills the scratch words.
func (p *assembler) parse(linkType uint16, live bool) error {
	ip := p.label()
	p.store(scratchVersion, 0)
	p.store(scratchPorts, 0)
	p.store(scratchVLAN, noVLAN)
	switch linkType {
	case LinkEthernet:
		p.ethernet(live, ip)
	case LinkRaw:
		p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 0})
	case LinkNull, LinkLoop:
		p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 4})
	case LinkSLL:
		p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 16})
	case LinkSLL2:
		p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 20})
	default:
		return fmt.Errorf("compile filter: link type %d is not possible (Ethernet, raw IP, Linux cooked and loopback are)", linkType)
	}
	p.place(ip)
	p.ip()
	return nil
}

// ethernet leaves the offset of the network header in X and skips two VLAN tags.
func (p *assembler) ethernet(live bool, ip label) {
	if live {
		bare := p.label()
		p.emit(bpf.LoadExtension{Num: bpf.ExtVLANTagPresent})
		p.jumpIf(bpf.JumpEqual, 0, bare)
		p.emit(bpf.LoadExtension{Num: bpf.ExtVLANTag})
		p.vlanID()
		p.place(bare)
	}
	p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: 14})
	for range 2 {
		tag := p.label()
		p.emit(bpf.LoadAbsolute{Off: 0, Size: 1}) // keeps the checker of reads before 12 quiet on short frames
		p.emit(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: 2}, bpf.TAX{})
		p.emit(bpf.LoadIndirect{Off: 0, Size: 2})
		for _, tpid := range []uint32{0x8100, 0x88a8, 0x9100} {
			p.jumpIf(bpf.JumpEqual, tpid, tag)
		}
		p.emit(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 2}, bpf.TAX{})
		p.jump(ip)
		p.place(tag)
		known := p.label()
		p.emit(bpf.LoadScratch{Dst: bpf.RegA, N: scratchVLAN})
		p.jumpIf(bpf.JumpNotEqual, noVLAN, known)
		p.emit(bpf.LoadIndirect{Off: 2, Size: 2})
		p.vlanID()
		p.place(known)
		p.emit(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 6}, bpf.TAX{})
	}
}

// vlanID keeps the ID of the tag control information in A.
func (p *assembler) vlanID() {
	p.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}, bpf.StoreScratch{Src: bpf.RegA, N: scratchVLAN})
}
