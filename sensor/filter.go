package sensor

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
)

// Filter makes the capture filter for frames of a link type. live is for rings, where
// the kernel runs it; of files we run it ourselves, in x/net/bpf's VM, and count what
// it refuses as filtered. See capture.CompileFilter and capture.ParseBPF.
type Filter func(linkType uint16, live bool) ([]bpf.RawInstruction, error)

// sieve runs a filter over the frames of a file. It belongs to one goroutine; the
// zero value has no filter and takes everything.
type sieve struct {
	filter Filter
	vms    map[uint16]*bpf.VM
	err    error // of the first program that cannot run: nothing more is accepted
}

// accepts reports whether the filter takes a frame. A program that reads beyond the
// captured bytes refuses it, as in the kernel.
func (s *sieve) accepts(f *capture.Frame) bool {
	if s.filter == nil {
		return true
	}
	vm, ok := s.vms[f.LinkType]
	if !ok && s.err == nil {
		vm, s.err = s.load(f.LinkType)
	}
	if vm == nil {
		return false
	}
	n, err := vm.Run(f.Data)
	return err == nil && n > 0
}

func (s *sieve) load(linkType uint16) (*bpf.VM, error) {
	raw, err := s.filter(linkType, false)
	if err != nil {
		return nil, err
	}
	program, all := bpf.Disassemble(raw)
	if !all {
		return nil, fmt.Errorf("run filter on a file: it has instructions that only the kernel knows")
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		return nil, fmt.Errorf("run filter on a file: %w", err)
	}
	if s.vms == nil {
		s.vms = map[uint16]*bpf.VM{}
	}
	s.vms[linkType] = vm
	return vm, nil
}
