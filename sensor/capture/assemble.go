package capture

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// label is a place in a program that is being assembled.
type label int

// assembler collects classic BPF instructions with labels. BPF jumps only forward,
// conditionally over 255 instructions at most, so every conditional jump is a test
// that skips an unconditional one.
type assembler struct {
	ins    []bpf.Instruction
	places []int         // of labels; -1: not placed yet
	jumps  map[int]label // index of a bpf.Jump to its target
}

func (p *assembler) label() label {
	p.places = append(p.places, -1)
	return label(len(p.places) - 1)
}

func (p *assembler) place(l label) { p.places[l] = len(p.ins) }

func (p *assembler) emit(ins ...bpf.Instruction) { p.ins = append(p.ins, ins...) }

func (p *assembler) jump(to label) {
	if p.jumps == nil {
		p.jumps = map[int]label{}
	}
	p.jumps[len(p.ins)] = to
	p.emit(bpf.Jump{})
}

// jumpIf jumps where A compares to a constant as asked.
func (p *assembler) jumpIf(cond bpf.JumpTest, val uint32, to label) {
	p.emit(bpf.JumpIf{Cond: cond, Val: val, SkipFalse: 1})
	p.jump(to)
}

// jumpIfX jumps where A compares to X as asked.
func (p *assembler) jumpIfX(cond bpf.JumpTest, to label) {
	p.emit(bpf.JumpIfX{Cond: cond, SkipFalse: 1})
	p.jump(to)
}

// store sets a scratch word to a constant, by A.
func (p *assembler) store(word int, val uint32) {
	p.emit(bpf.LoadConstant{Dst: bpf.RegA, Val: val}, bpf.StoreScratch{Src: bpf.RegA, N: word})
}

func (p *assembler) setX(val uint32) { p.emit(bpf.LoadConstant{Dst: bpf.RegX, Val: val}) }

// addX adds a constant to X, by A.
func (p *assembler) addX(val uint32) {
	p.emit(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: val}, bpf.TAX{})
}

// assemble resolves the labels.
func (p *assembler) assemble() ([]bpf.RawInstruction, error) {
	if len(p.ins) > maxFilterLen-8 { // room for what kernelFilter puts in front
		return nil, fmt.Errorf("compile filter: %d instructions are more than the kernel's %d: use fewer or wider networks", len(p.ins), maxFilterLen)
	}
	for at, to := range p.jumps {
		p.ins[at] = bpf.Jump{Skip: uint32(p.places[to] - at - 1)}
	}
	raw, err := bpf.Assemble(p.ins)
	if err != nil {
		return nil, fmt.Errorf("compile filter: %w", err)
	}
	return raw, nil
}
