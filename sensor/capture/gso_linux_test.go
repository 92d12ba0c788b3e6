package capture_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// super is a frame larger than its segments, with what virtio_net_hdr says of it.
type super struct {
	name      string
	kind      uint8 // gso_type
	size      uint16
	csumStart uint16
	csumOff   uint16
	frame     []byte
}

const (
	gsoTCPv4 = 1
	gsoTCPv6 = 4
	gsoUDP   = 5
)

// supers makes super-frames of every kind.
func supers(t testing.TB) []super {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 8}, DstMAC: []byte{2, 0, 0, 0, 0, 9}}
	ip4 := func(p layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: p, SrcIP: []byte{192, 0, 2, 1}, DstIP: []byte{198, 51, 100, 1}}
	}
	ip6 := func(p layers.IPProtocol) *layers.IPv6 {
		src, dst := make([]byte, 16), make([]byte, 16)
		copy(src, []byte{0x20, 1, 0xd, 0xb8, 1})
		copy(dst, []byte{0x20, 1, 0xd, 0xb8, 2})
		return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: p, SrcIP: src, DstIP: dst}
	}
	tcp := func(options bool) *layers.TCP {
		l := &layers.TCP{SrcPort: 443, DstPort: 50000, ACK: true, Window: 1000}
		if options {
			l.Options = []layers.TCPOption{{OptionType: 1}, {OptionType: 1}, {OptionType: 8, OptionLength: 10, OptionData: make([]byte, 8)}}
		}
		return l
	}
	udp := &layers.UDP{SrcPort: 443, DstPort: 50000}
	build := func(payload int, ls ...gopacket.SerializableLayer) []byte {
		buf := gopacket.NewSerializeBuffer()
		ls = append(ls, gopacket.Payload(make([]byte, payload)))
		if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	ether := func(typ layers.EthernetType) *layers.Ethernet {
		e := *eth
		e.EthernetType = typ
		return &e
	}
	const v4, v6, tagged = layers.EthernetTypeIPv4, layers.EthernetTypeIPv6, layers.EthernetTypeDot1Q
	return []super{
		{"TCP IPv4", gsoTCPv4, 1460, 34, 16, build(30000, ether(v4), ip4(6), tcp(false))},
		{"TCP IPv4 options", gsoTCPv4, 1448, 34, 16, build(60000, ether(v4), ip4(6), tcp(true))},
		{"TCP IPv4 exact", gsoTCPv4, 1000, 34, 16, build(5000, ether(v4), ip4(6), tcp(true))},
		{"TCP IPv6", gsoTCPv6, 1428, 54, 16, build(40001, ether(v6), ip6(6), tcp(true))},
		{"UDP IPv4", gsoUDP, 1200, 34, 6, build(20000, ether(v4), ip4(17), udp)},
		{"UDP IPv6", gsoUDP, 1200, 54, 6, build(1201, ether(v6), ip6(17), udp)},
		{"TCP VLAN", gsoTCPv4, 1448, 38, 16, build(30000, ether(tagged),
			&layers.Dot1Q{VLANIdentifier: 5, Type: v4}, ip4(6), tcp(true))},
	}
}

// sendSupers sends each frame n times from the end, with its virtio_net_hdr.
func sendSupers(t testing.TB, e *capturetest.End, frames []super, n int) {
	t.Helper()
	e.Do(t, func() {
		if err := func() error {
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
				return err
			}
			ifr, _ := unix.NewIfreq(e.Name)
			if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
				return err
			}
			to := &unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}
			for _, s := range frames {
				h := []byte{1, s.kind} // VIRTIO_NET_HDR_F_NEEDS_CSUM
				h = binary.NativeEndian.AppendUint16(h, s.csumStart+20)
				h = binary.NativeEndian.AppendUint16(h, s.size)
				h = binary.NativeEndian.AppendUint16(h, s.csumStart)
				h = binary.NativeEndian.AppendUint16(h, s.csumOff)
				for range n {
					if err := unix.Sendto(fd, append(h, s.frame...), 0, to); err != nil {
						return fmt.Errorf("%s: %w", s.name, err)
					}
				}
			}
			return nil
		}(); err != nil {
			t.Error(err)
		}
	})
}

// TestRingSuperFrames: what is counted of super-frames is what the same packets
// are when the kernel cuts them up before the wire.
func TestRingSuperFrames(t *testing.T) {
	for _, s := range supers(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const n = 5
			count := func(offload, noSegments bool) tally {
				link := capturetest.Veth(t)
				link.Sensor.SetOffload(t, offload)
				link.Peer.SetOffload(t, offload)
				cfg := smallRing(1)
				cfg.NoSegments = noSegments
				rings := open(t, link, cfg)
				wait := readAll(rings, func(f *capture.Frame) bool { return len(f.Data) <= 128 })
				sendSupers(t, link.Peer, []super{s}, n)
				stopAll(rings)
				return sum(t, wait())
			}
			apart, whole, off := count(false, false), count(true, false), count(true, true)
			if whole.frames != n {
				t.Fatalf("got %d frames of %d super-frames: not sent whole", whole.frames, n)
			}
			if apart.frames != apart.segments || apart.frames <= n {
				t.Fatalf("got %d frames, %d segments of what was to be cut up", apart.frames, apart.segments)
			}
			if whole.segments != apart.frames || whole.octets != apart.octets {
				t.Errorf("as super-frames %d segments, %d octets; cut up %d and %d",
					whole.segments, whole.octets, apart.frames, apart.octets)
			}
			if off.segments != n || off.octets >= apart.octets {
				t.Errorf("with NoSegments %d segments, %d octets", off.segments, off.octets)
			}
		})
	}
}
