package sensor

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// noGeo locates nothing.
type noGeo struct{}

func (noGeo) Locate(netip.Addr) geo.Location { return geo.Location{} }

// memory is a Sink that keeps batches as a store does: the same one twice is one.
type memory struct {
	mu      sync.Mutex
	batches []*store.Batch
	fail    func(*store.Batch) error // before keeping; nil: never
}

func (m *memory) NextSeq(_ context.Context, sensor string, tick time.Time) (uint32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var next uint32
	for _, b := range m.batches {
		if b.Sensor == sensor && b.Tick.Equal(tick) {
			next = max(next, b.Seq+1)
		}
	}
	return next, nil
}

func (m *memory) Append(_ context.Context, b *store.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(b); err != nil {
			return err
		}
	}
	for _, old := range m.batches {
		if old.Sensor == b.Sensor && old.Tick.Equal(b.Tick) && old.Seq == b.Seq {
			return nil
		}
	}
	m.batches = append(m.batches, b)
	return nil
}

// count returns how many batches were kept so far.
func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.batches)
}

func (m *memory) points() []store.Point {
	var all []store.Point
	for _, b := range m.batches {
		all = append(all, b.Points...)
	}
	return all
}

// checkBooks adds everything up: architecture.md, rule 1.
func (m *memory) checkBooks(t *testing.T, drained bool) store.Books {
	t.Helper()
	var books store.Books
	var sum store.Count
	for _, b := range m.batches {
		books.Add(&b.Books)
		for _, p := range b.Points {
			sum.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
		}
	}
	if err := books.Check(sum, drained); err != nil {
		t.Error(err)
	}
	return books
}

// packet is a frame to be made, and when it was seen.
type packet struct {
	at   time.Time
	data []byte
}

func addr(s string) net.IP { return net.IP(netip.MustParseAddr(s).AsSlice()) }

func is6(s string) bool { return netip.MustParseAddr(s).Is6() }

// frame builds an Ethernet frame of IP and the given upper layers.
func frame(t testing.TB, src, dst string, proto layers.IPProtocol, upper ...gopacket.SerializableLayer) []byte {
	t.Helper()
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	var ip gopacket.SerializableLayer
	if is6(src) {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: addr(src), DstIP: addr(dst)}
	} else {
		ip = &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: addr(src), DstIP: addr(dst)}
	}
	buffer := gopacket.NewSerializeBuffer()
	stack := append([]gopacket.SerializableLayer{eth, ip}, upper...)
	if err := gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, stack...); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func tcp(t testing.TB, src, dst string, sport, dport uint16, syn, ack bool) []byte {
	return frame(t, src, dst, layers.IPProtocolTCP,
		&layers.TCP{SrcPort: layers.TCPPort(sport), DstPort: layers.TCPPort(dport), SYN: syn, ACK: ack})
}

func udp(t testing.TB, src, dst string, sport, dport uint16) []byte {
	return frame(t, src, dst, layers.IPProtocolUDP,
		&layers.UDP{SrcPort: layers.UDPPort(sport), DstPort: layers.UDPPort(dport)}, gopacket.Payload("hello"))
}

// tagged puts an 802.1Q tag into a frame.
func tagged(f []byte, yes bool) []byte {
	if !yes {
		return f
	}
	return append(append(append([]byte{}, f[:12]...), 0x81, 0, 0, 7), f[12:]...)
}

// pcap writes the packets as a capture file and opens it.
func pcap(t testing.TB, packets []packet) Source {
	t.Helper()
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, p := range packets {
		info := gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(p.data), Length: len(p.data)}
		if err := w.WritePacket(info, p.data); err != nil {
			t.Fatal(err)
		}
	}
	f, err := capture.OpenReader(&file, "test.pcap")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newSensor(t testing.TB, sink Sink, change func(*Config)) *Sensor {
	t.Helper()
	cfg := Config{Name: "test", NewLocator: func() Locator { return noGeo{} }, Sink: sink}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replay runs packets through a sensor into memory.
func replay(t testing.TB, packets []packet, change func(*Config)) *memory {
	t.Helper()
	m := &memory{}
	s := newSensor(t, m, change)
	if err := s.Replay(context.Background(), []Named{{"test.pcap", pcap(t, packets)}}); err != nil {
		t.Fatal(err)
	}
	return m
}
