package capture

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// ParseBPF reads a program as tcpdump -ddd prints it: the number of instructions,
// then one instruction a line, four decimal numbers each (code, jt, jf, k). Lines may
// also be separated by commas, as iptables wants them. The program is checked as the
// kernel does (bpf_check_classic): jumps inside, a return at the end.
func ParseBPF(text string) ([]bpf.RawInstruction, error) {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ',' })
	if len(lines) == 0 {
		return nil, fmt.Errorf("read BPF program: it is empty (write what tcpdump -ddd prints)")
	}
	n, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || n < 1 || n > maxFilterLen {
		return nil, fmt.Errorf("read BPF program: it begins with %q, not with a number of instructions (write what tcpdump -ddd prints)", lines[0])
	}
	var prog []bpf.RawInstruction
	for i, line := range lines[1:] {
		if strings.TrimSpace(line) == "" {
			continue
		}
		ins, err := parseInstruction(line)
		if err != nil {
			return nil, fmt.Errorf("read BPF program: line %d: %w", i+2, err)
		}
		prog = append(prog, ins)
	}
	if len(prog) != n {
		return nil, fmt.Errorf("read BPF program: it announces %d instructions and has %d", n, len(prog))
	}
	return prog, checkJumps(prog)
}

func parseInstruction(line string) (bpf.RawInstruction, error) {
	fields := strings.Fields(line)
	var values [4]uint64
	if len(fields) != len(values) {
		return bpf.RawInstruction{}, fmt.Errorf("%q is not four numbers", line)
	}
	for i, size := range []int{16, 8, 8, 32} {
		v, err := strconv.ParseUint(fields[i], 10, size)
		if err != nil {
			return bpf.RawInstruction{}, fmt.Errorf("%q is no number of %d bits", fields[i], size)
		}
		values[i] = v
	}
	return bpf.RawInstruction{Op: uint16(values[0]), Jt: uint8(values[1]), Jf: uint8(values[2]), K: uint32(values[3])}, nil
}

// checkJumps refuses programs that leave themselves.
func checkJumps(prog []bpf.RawInstruction) error {
	const (
		classMask, classJump, classReturn = 0x07, 0x05, 0x06
		opMask, opAlways                  = 0xf0, 0x00
	)
	for i, ins := range prog {
		furthest := uint64(0)
		switch {
		case ins.Op&classMask != classJump:
			continue
		case ins.Op&opMask == opAlways:
			furthest = uint64(ins.K)
		default:
			furthest = uint64(max(ins.Jt, ins.Jf))
		}
		if uint64(i)+1+furthest >= uint64(len(prog)) {
			return fmt.Errorf("read BPF program: instruction %d jumps out of the program", i)
		}
	}
	if prog[len(prog)-1].Op&classMask != classReturn {
		return fmt.Errorf("read BPF program: its last instruction is no return")
	}
	return nil
}
