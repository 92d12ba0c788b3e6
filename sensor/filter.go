package sensor

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
)

// Filter makes the capture filter for frames of a link type. live is for rings, where
// the kernel runs it; of files we run it ourselves, in x/net/bpf's VM, and count what
// it refuses as filtered. See capture.CompileFilter and capture.ParseBPF.
type Filter func(linkType uint16, live bool) ([]bpf.RawInstruction, error)

// filterState is the filter of a sensor. Rings are opened, and their shards added,
// under a read lock, so that a new filter reaches all there are.
type filterState struct {
	opening sync.RWMutex
	now     atomic.Pointer[Filter]
}

// filtering is what rings can do beside what every Source can.
type filtering interface {
	LinkType() uint16
	SetFilter([]bpf.RawInstruction) error
}

// SetFilter replaces the capture filter, nil taking everything. The kernel changes
// over between two frames of each ring, so that none is missed; files change between
// two blocks; what is opened later has the new one. On an error all keep the old one.
func (s *Sensor) SetFilter(f Filter) error {
	s.filter.opening.Lock()
	defer s.filter.opening.Unlock()
	if err := f.try(); err != nil {
		return fmt.Errorf("change capture filter: %w", err)
	}
	var changed []filtering
	for _, ring := range s.rings() {
		if err := f.attach(ring); err != nil {
			old := *s.filter.now.Load()
			for _, back := range changed {
				err = errors.Join(err, old.attach(back))
			}
			return fmt.Errorf("change capture filter: %w", err)
		}
		changed = append(changed, ring)
	}
	s.filter.now.Store(&f)
	return nil
}

// rings returns the sources that are open and have a filter in the kernel.
func (s *Sensor) rings() (rings []filtering) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.shards {
		if ring, ok := sh.source.(filtering); ok {
			rings = append(rings, ring)
		}
	}
	return rings
}

// try compiles the filter for the most usual frames, of rings and of files.
func (f Filter) try() error {
	for _, live := range []bool{true, false} {
		if f != nil {
			if _, err := f(capture.LinkEthernet, live); err != nil {
				return err
			}
		}
	}
	return nil
}

// attach gives a ring the filter.
func (f Filter) attach(ring filtering) error {
	if f == nil {
		return ring.SetFilter(nil)
	}
	program, err := f(ring.LinkType(), true)
	if err != nil {
		return err
	}
	return ring.SetFilter(program)
}

// sieve runs a filter over the frames of a file. It belongs to one goroutine; the
// zero value has no filter and takes everything.
type sieve struct {
	from   *Filter // that filter is
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

// follow takes over a filter that was replaced.
func (s *sieve) follow(now *Filter) {
	if s.from != now {
		*s = sieve{from: now, filter: *now, err: s.err}
	}
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
