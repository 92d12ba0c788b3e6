package capture

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// rejectAll is the filter of a socket that must not take anything (yet).
func rejectAll() []bpf.RawInstruction {
	return []bpf.RawInstruction{{Op: opRetK}}
}

// Classic BPF opcodes (linux/bpf_common.h).
const (
	opRetK = 0x06 // BPF_RET|BPF_K

	maxFilterLen = 4096 // BPF_MAXINSNS
)

// kernelFilter builds the filter of a ring: user, or everything where it is
// nil, with what is kept of a frame cut to snaplen, which is the only thing
// that shortens what the kernel copies into a V3 ring. On a loopback interface
// each frame passes twice, outgoing and coming in: the first is left out.
func kernelFilter(user []bpf.RawInstruction, snaplen int, loopback bool) ([]bpf.RawInstruction, error) {
	var prog []bpf.RawInstruction
	if loopback {
		skip, err := bpf.Assemble([]bpf.Instruction{
			bpf.LoadExtension{Num: bpf.ExtType},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(PacketOutgoing), SkipFalse: 1},
			bpf.RetConstant{Val: 0},
			bpf.LoadConstant{Dst: bpf.RegA, Val: 0}, // a filter begins with A = 0
		})
		if err != nil {
			return nil, fmt.Errorf("assemble filter: %w", err)
		}
		prog = skip
	}
	if user == nil {
		return append(prog, bpf.RawInstruction{Op: opRetK, K: uint32(snaplen)}), nil
	}
	if len(user) == 0 || len(prog)+len(user) > maxFilterLen {
		return nil, fmt.Errorf("filter has %d instructions (must be 1 to %d)", len(user), maxFilterLen-len(prog))
	}
	for _, ins := range user {
		if ins.Op == opRetK && ins.K > uint32(snaplen) {
			ins.K = uint32(snaplen)
		}
		prog = append(prog, ins)
	}
	return prog, nil
}

// pairFanout is a fanout program that hashes the two addresses of a packet, so
// that all that two machines say to each other meets in one shard. A fanout
// program sees received frames from the network header and sent ones from the
// link header; SKF_NET_OFF means the network header in both.
func pairFanout() ([]bpf.RawInstruction, error) {
	const net = 0xfff00000 // SKF_NET_OFF, -0x100000
	fold := func(words int) []bpf.Instruction {
		var ins []bpf.Instruction // X gathers the exclusive or, which is symmetric
		ins = append(ins, bpf.LoadConstant{Dst: bpf.RegX, Val: 0})
		first := uint32(12)
		if words > 2 {
			first = 8
		}
		for i := range uint32(words) {
			ins = append(ins,
				bpf.LoadAbsolute{Off: net + first + 4*i, Size: 4},
				bpf.ALUOpX{Op: bpf.ALUOpXor},
				bpf.TAX{})
		}
		return ins
	}
	// The group takes the result modulo its size: multiply so that all bits count.
	mix := []bpf.Instruction{
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: 0x9e3779b1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.RetA{},
	}
	v4, v6 := append(fold(2), mix...), append(fold(8), mix...)
	prog := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipFalse: uint8(len(v4))},
	}
	prog = append(prog, v4...)
	prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipFalse: uint8(len(v6))})
	prog = append(prog, v6...)
	prog = append(prog, bpf.RetConstant{Val: 0})
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("assemble fanout program: %w", err)
	}
	return raw, nil
}

// fanoutMode is one way to spread frames over shards: the values of
// PACKET_FANOUT_* in include/uapi/linux/if_packet.h.
type fanoutMode uint16

const (
	fanoutHash  fanoutMode = 0
	fanoutLB    fanoutMode = 1
	fanoutCPU   fanoutMode = 2
	fanoutQueue fanoutMode = 5
	fanoutCBPF  fanoutMode = 6
)

// parseFanout returns the mode with the given name in RingConfig.Fanout.
func parseFanout(name string) (fanoutMode, bool) {
	switch name {
	case "hash":
		return fanoutHash, true
	case "pair":
		return fanoutCBPF, true
	case "cpu":
		return fanoutCPU, true
	case "queue":
		return fanoutQueue, true
	case "lb":
		return fanoutLB, true
	}
	return 0, false
}
