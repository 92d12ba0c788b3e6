package sensor

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/packetheat/packetheat/sensor/capture"
)

// copies counts frames that were looked at and pairs of equal packets among them.
type copies struct {
	frames, pairs uint64
	tagged        uint64 // pairs whose two frames had different VLANs
	vlan          uint16 // of the second frame of the latest such pair
}

func (c *copies) add(o copies) {
	c.frames += o.frames
	c.pairs += o.pairs
	c.tagged += o.tagged
	if o.tagged > 0 {
		c.vlan = o.vlan
	}
}

// mend says what helps against duplicates: where the copies come in a VLAN of their
// own, leaving that out.
func (c *copies) mend() string {
	if 10*c.tagged >= 9*c.pairs && c.vlan != 0 {
		return fmt.Sprintf("sensor.exclude: [{vlans: [%d]}]", c.vlan)
	}
	return "mirror only one direction of each port (ingress), or only one of the ports or VLANs that a packet crosses"
}

const (
	copyBlocks = 8                      // one block in so many is looked at
	copyPause  = 100 * int64(1_000_000) // ns between two such blocks
	copyFrames = 1024                   // of a block, at most
	copyWindow = 5 * int64(1_000_000)   // ns between a packet and its copy
	copySlots  = 4 * copyFrames
)

// copyFinder looks for packets that come twice, in a sample of blocks: equal in all
// that neither router nor switch changes, within some milliseconds. What comes three
// times or more is no copy but a packet that is sent again and again. It costs about
// 50 ns a frame looked at, which at full rate are a hundredth. The zero value is ready.
type copyFinder struct {
	blocks uint64
	last   int64 // ns, newest frame of the latest block looked at
	slots  []copySlot
	round  uint32
	found  copies // since take
}

type copySlot struct {
	hash  uint64
	time  int64
	round uint32
	vlan  uint16
	n     uint16
}

// look samples a block. It walks a copy of it, so that the block stays as it was.
func (c *copyFinder) look(block capture.Block) {
	if c.blocks++; c.blocks%copyBlocks != 1 {
		return
	}
	if c.slots == nil {
		c.slots = make([]copySlot, copySlots)
	}
	c.round++
	var f capture.Frame
	for n := 0; n < copyFrames && block.Next(&f); n++ {
		if n == 0 && f.Time-c.last < copyPause && f.Time > c.last {
			c.blocks-- // the next block will do
			return
		}
		if hash, ok := identity(&f); ok {
			c.found.frames++
			c.count(hash, &f)
		}
		c.last = f.Time
	}
}

// count compares a frame with those of the same block.
func (c *copyFinder) count(hash uint64, f *capture.Frame) {
	for i := hash; ; i++ {
		s := &c.slots[i%copySlots]
		switch {
		case s.round != c.round, s.hash == hash && f.Time-s.time > copyWindow:
			*s = copySlot{hash: hash, time: f.Time, round: c.round, vlan: f.VLAN, n: 1}
			return
		case s.hash != hash:
			continue
		}
		s.n++
		switch s.n {
		case 2:
			c.found.pairs++
			if s.vlan != f.VLAN {
				c.found.tagged++
				c.found.vlan = f.VLAN
			}
		case 3:
			c.found.pairs--
		}
		return
	}
}

// take returns what was found since the last time.
func (c *copyFinder) take() copies {
	found := c.found
	c.found = copies{}
	return found
}

// identity hashes what stays the same in all copies of an IP packet: not its link
// header, TTL, header checksum or type of service.
func identity(f *capture.Frame) (uint64, bool) {
	ip := ipHeader(f)
	const l4 = 24 // octets: ports, sequence numbers, checksum, some payload
	switch {
	case len(ip) >= 20 && ip[0]>>4 == 4:
		h := mix(uint64(binary.BigEndian.Uint32(ip[4:])), uint64(binary.BigEndian.Uint16(ip[2:]))<<8|uint64(ip[9]))
		h = mix(h^binary.BigEndian.Uint64(ip[12:]), 4)
		return hashBytes(h, ip[min(int(ip[0]&15)*4, len(ip)):], l4), true
	case len(ip) >= 40 && ip[0]>>4 == 6:
		h := mix(uint64(binary.BigEndian.Uint16(ip[4:]))<<8|uint64(ip[6]), 6)
		h = hashBytes(h, ip[8:], 32)
		return hashBytes(h, ip[40:], l4), true
	}
	return 0, false
}

// ipHeader returns a frame from its IP header on, nil if it is none of the usual.
func ipHeader(f *capture.Frame) []byte {
	b, off := f.Data, 0
	switch f.LinkType {
	case capture.LinkRaw:
	case capture.LinkEthernet:
		for off = 12; off+4 <= len(b) && isTag(binary.BigEndian.Uint16(b[off:])); {
			off += 4
		}
		off += 2
	case capture.LinkSLL:
		off = 16
	case capture.LinkSLL2:
		off = 20
	default:
		return nil
	}
	if off > len(b) {
		return nil
	}
	return b[off:]
}

func isTag(etherType uint16) bool {
	return etherType == 0x8100 || etherType == 0x88a8 || etherType == 0x9100
}

// hashBytes mixes up to n octets of b into h.
func hashBytes(h uint64, b []byte, n int) uint64 {
	for b = b[:min(n, len(b))]; len(b) >= 8; b = b[8:] {
		h = mix(h^binary.BigEndian.Uint64(b), 8)
	}
	for _, octet := range b {
		h = mix(h^uint64(octet), 1)
	}
	return h
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
