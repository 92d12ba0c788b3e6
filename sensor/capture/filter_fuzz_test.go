package capture

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// choices is a source of random numbers that the fuzzer steers: its octets come first,
// one a number, and a generator goes on where they end.
type choices struct {
	octets []byte
	rest   *rand.PCG
}

func (c *choices) Uint64() uint64 {
	if len(c.octets) == 0 {
		return c.rest.Uint64()
	}
	octet := uint64(c.octets[0])
	c.octets = c.octets[1:]
	return octet * 0x0101010101010101 // rand takes high bits for some numbers, low ones for others
}

// FuzzCompileFilter: whatever is included and excluded, the program loads, decides
// about frames as the definition of Condition does, and ends on frames cut anywhere and
// on octets that are no frame, on every link type.
func FuzzCompileFilter(f *testing.F) {
	for i := range byte(8) {
		f.Add([]byte{i, 3 * i, 7 * i, 11 * i, 1, 2}, []byte{i, 1}, uint16(20*i))
	}
	f.Add([]byte{2, 1, 200, 100, 50, 255}, []byte{0x45, 0, 0, 40, 0, 0, 0x20, 0}, uint16(3))
	f.Fuzz(func(t *testing.T, octets, frame []byte, cut uint16) {
		r := rand.New(&choices{octets, rand.NewPCG(uint64(cut), 5)})
		var include, exclude []Condition
		for range r.IntN(4) {
			include = append(include, randomCondition(r))
		}
		for range r.IntN(4) {
			exclude = append(exclude, randomCondition(r))
		}
		for _, linkType := range []uint16{LinkEthernet, LinkRaw, LinkNull, LinkLoop, LinkSLL, LinkSLL2} {
			live, err := CompileFilter(include, exclude, linkType, true)
			if err != nil || checkJumps(live) != nil {
				t.Fatalf("for a ring: %v, %v", err, checkJumps(live))
			}
			prog, err := CompileFilter(include, exclude, linkType, false)
			if err != nil {
				t.Fatal(err)
			}
			vm := vmOf(t, prog)
			mustRun(t, vm, frame)
			if linkType != LinkEthernet {
				continue
			}
			for range 4 {
				m := makeFrame(r)
				want := (len(include) == 0 || slices.ContainsFunc(include, m.holds)) && !slices.ContainsFunc(exclude, m.holds)
				if got := mustRun(t, vm, m.data) > 0; got != want {
					t.Fatalf("include %+v exclude %+v: frame %x is accepted: %t, want %t", include, exclude, m.data, got, want)
				}
				mustRun(t, vm, m.data[:min(int(cut), len(m.data))])
			}
		}
	})
}

func mustRun(t *testing.T, vm *bpf.VM, frame []byte) int {
	t.Helper()
	n, err := vm.Run(frame)
	if err != nil {
		t.Fatalf("frame %x: %v", frame, err)
	}
	return n
}

// FuzzParseBPF: no text makes the parser panic; what it accepts is what was written,
// stays inside itself, and runs wherever x/net/bpf's VM takes it.
func FuzzParseBPF(f *testing.F) {
	for _, seed := range []string{
		"1\n6 0 0 262144", "", "0", "4096", "-1\n", "2,6 0 0 1,6 0 0 0", "1\n5 0 0 4294967295",
		"4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0",                  // ip
		"5\n48 0 0 14\n84 0 0 15\n36 0 0 4\n7 0 0 0\n6 0 0 9",               // arithmetic
		"6\n1 0 0 4294967295\n80 0 0 1\n2 0 0 15\n28 0 0 9\n6 0 0 1",        // loads far outside
		"5\n0 0 0 7\n1 0 0 0\n60 0 0 0\n22 0 0 0\n6 0 0 0",                  // division by X = 0
		"4\n177 0 0 14\n72 0 0 16\n21 0 1 53\n6 0 0 1",                      // header length
		"3\n32 0 0 4294963204\n21 0 0 0\n6 0 0 1",                           // extension
		"3\n96 0 0 15\n97 0 0 3\n6 0 0 1", "3\n98 0 0 16\n6 0 0 1\n6 0 0 0", // scratch words, one outside
	} {
		f.Add(seed, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, text string, frame []byte) {
		prog, err := ParseBPF(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "read BPF program: ") {
				t.Fatalf("error without a subject: %v", err)
			}
			return
		}
		var again strings.Builder
		fmt.Fprintln(&again, len(prog))
		for _, ins := range prog {
			fmt.Fprintln(&again, ins.Op, ins.Jt, ins.Jf, ins.K)
		}
		if same, err := ParseBPF(again.String()); err != nil || !slices.Equal(prog, same) {
			t.Fatalf("%q is read as %v, and that as %v (%v)", text, prog, same, err)
		}
		if _, err := kernelFilter(prog, 128, true); err != nil && len(prog) < maxFilterLen-8 {
			t.Fatal(err)
		}
		ins, all := bpf.Disassemble(prog)
		if !all {
			return // of the kernel's alone
		}
		vm, err := bpf.NewVM(ins)
		if err != nil {
			return
		}
		for _, n := range []int{0, len(frame) / 2, len(frame)} {
			_, _ = vm.Run(frame[:n]) // an error refuses the frame; a panic is what is looked for
		}
	})
}

// The numbers of a fuzzer and those behind them are all different enough to be worth
// something: rand's ranges use them all.
func TestChoices(t *testing.T) {
	octets := binary.BigEndian.AppendUint64(nil, 0x00408000c0ff1020)
	r := rand.New(&choices{octets, rand.NewPCG(1, 1)})
	seen := map[int]bool{}
	for range 40 {
		seen[r.IntN(4)] = true
	}
	if len(seen) != 4 {
		t.Errorf("of four choices %d are made", len(seen))
	}
}
