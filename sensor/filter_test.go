package sensor

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
)

// takes is a filter that takes everything, or nothing.
func takes(everything bool) Filter {
	return func(uint16, bool) ([]bpf.RawInstruction, error) {
		return bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: map[bool]uint32{true: 1 << 18}[everything]}})
	}
}

// between is a file that calls something before each of its blocks.
type between struct {
	blocks []Source
	before func(block int)
	n      int
}

func (b *between) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	if b.n == len(b.blocks) {
		return b.blocks[b.n-1].ReadBlock(timeout) // io.EOF
	}
	b.before(b.n)
	b.n++
	return b.blocks[b.n-1].ReadBlock(timeout)
}

func (b *between) Stats() (capture.Stats, error) { return capture.Stats{}, nil }
func (b *between) Stop()                         {}
func (b *between) Close() error                  { return nil }

// A file is read on with a new filter from the next block, and with the old one where
// the new cannot be.
func TestSetFilterOfFile(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	blocks := make([]Source, 5)
	for i := range blocks {
		blocks[i] = pcap(t, []packet{{noon, f}, {noon.Add(time.Second), f}})
	}
	broken := errors.New("no such port")
	filters := []Filter{
		nil, takes(false), takes(true),
		func(uint16, bool) ([]bpf.RawInstruction, error) { return nil, broken },
		takes(false),
	}
	m := &memory{}
	s := newSensor(t, m, func(c *Config) { c.Filter = takes(false) })
	source := &between{blocks: blocks, before: func(block int) {
		err := s.SetFilter(filters[block])
		if want := map[int]error{3: broken}[block]; !errors.Is(err, want) {
			t.Errorf("SetFilter %d: %v, want %v", block, err, want)
		}
	}}
	if err := s.Replay(context.Background(), []Named{{"x", source}}); err != nil {
		t.Fatal(err)
	}
	books := m.checkBooks(t, false)
	if books.Decoded.Packets != 6 || books.Filtered.Packets != 4 {
		t.Errorf("decoded %d, filtered %d packets, want 6 and 4", books.Decoded.Packets, books.Filtered.Packets)
	}
}

// gate is a ring that takes programs until it refuses one.
type gate struct {
	scripted
	programs [][]bpf.RawInstruction
	refuse   error
}

func (g *gate) LinkType() uint16 { return capture.LinkEthernet }
func (g *gate) SetFilter(p []bpf.RawInstruction) error {
	if g.refuse != nil && len(p) > 0 {
		return g.refuse
	}
	g.programs = append(g.programs, p)
	return nil
}

// Where one of several rings refuses a filter, all have the old one.
func TestSetFilterAllOrNone(t *testing.T) {
	full := errors.New("no memory")
	for _, refuse := range []error{nil, full} {
		s := newSensor(t, &memory{}, nil)
		first, second := &gate{}, &gate{refuse: refuse}
		for i, g := range []*gate{first, second} {
			s.shards = append(s.shards, s.newShard(i, "eth0", g, true))
		}
		if err := s.SetFilter(takes(true)); !errors.Is(err, refuse) {
			t.Fatalf("SetFilter: %v, want %v", err, refuse)
		}
		last := first.programs[len(first.programs)-1]
		if (last == nil) != (refuse != nil) || (*s.filter.now.Load() == nil) != (refuse != nil) {
			t.Errorf("refused %v: the first ring has %v", refuse, last)
		}
		if want := map[bool]int{true: 2, false: 1}[refuse != nil]; len(first.programs) != want {
			t.Errorf("refused %v: the first ring got %d programs, want %d", refuse, len(first.programs), want)
		}
	}
}
