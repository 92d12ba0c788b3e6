package sensor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/layers"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/decode"
)

// scene is a sensor whose watch is shown ticks that a test puts together.
type scene struct {
	t      *testing.T
	sensor *Sensor
	watch  watch
	log    bytes.Buffer
}

func newScene(t *testing.T, live bool) *scene {
	s := &scene{t: t}
	s.sensor = newSensor(t, &memory{}, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&s.log, nil)) })
	s.watch = watch{sensor: s.sensor, live: live}
	return s
}

// part is what a shard on source makes of frames, each of them n times.
func (s *scene) part(source string, frames map[string]int) *part {
	sh := s.sensor.newShard(0, source, &scripted{}, s.watch.live)
	t := sh.newTally(s.sensor.tickOf(noon.UnixNano()))
	var p decode.Packet
	for data, n := range frames {
		for range n {
			t.count(&capture.Frame{Data: []byte(data), WireLen: uint32(len(data)), Segments: 1, LinkType: capture.LinkEthernet}, &p)
		}
	}
	t.settle()
	return sh.part(t, noGeo{})
}

// codes are those of the warnings so far, in order.
func (s *scene) codes() (codes []string) {
	for _, w := range s.sensor.Status().Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

func (s *scene) expect(code, text, mend string) {
	s.t.Helper()
	all := s.sensor.Status().Warnings
	if code == "" {
		if len(all) > 0 {
			s.t.Errorf("warned though there is nothing: %+v", all)
		}
		return
	}
	if len(all) != 1 || all[0].Code != code || !strings.Contains(all[0].Text, text) || all[0].Mend != mend {
		s.t.Errorf("warnings %+v, want one %s, %q, mended by %q", all, code, text, mend)
	}
	if n := strings.Count(s.log.String(), "level=WARN"); n != 1 {
		s.t.Errorf("logged %d times:\n%s", n, s.log.String())
	}
}

// talk makes frames of flows between a peer and public servers, both ways; packets
// says how many of each flow.
func talk(t *testing.T, peer func(i int) string, servers int, packets func(i int) int) map[string]int {
	frames := map[string]int{}
	for i := range servers {
		server, client := fmt.Sprintf("45.%d.%d.1", i/200, i%200), peer(i)
		frames[string(tcp(t, server, client, 443, uint16(40000+i), false, true))] += packets(i)
		frames[string(tcp(t, client, server, uint16(40000+i), 443, false, true))] += packets(i)
	}
	return frames
}

func always(peer string) func(int) string { return func(int) string { return peer } }
func count20(i int) int                   { return 20 + i }

func TestWarnOfNAT(t *testing.T) {
	inside := func(i int) string { return fmt.Sprintf("192.168.7.%d", 10+i%3) }
	own := []netip.Prefix{netip.MustParsePrefix("192.168.1.5/32"), netip.MustParsePrefix("192.168.1.0/24")}
	nat := `sensor.interfaces: [eth0]`
	tests := []struct {
		name        string
		eth0, eth1  map[string]int
		code, what  string
		mend        string
		liveOneTick bool
	}{
		{name: "public outside", eth0: talk(t, always("80.1.2.3"), 30, count20), eth1: talk(t, inside, 30, count20),
			code: WarnNAT, what: "eth1 and eth0 are inside and outside of a NAT: 100 %", mend: nat},
		{name: "some on their way", eth0: talk(t, always("80.1.2.3"), 30, func(i int) int { return 20 + i + i%3 }), eth1: talk(t, inside, 30, count20),
			code: WarnNAT, what: "inside and outside", mend: nat},
		{name: "containers behind our own private address", eth0: talk(t, always("192.168.1.5"), 30, count20), eth1: talk(t, inside, 30, count20),
			code: WarnNAT, what: "inside and outside", mend: nat},
		{name: "one tick alone", eth0: talk(t, always("80.1.2.3"), 30, count20), eth1: talk(t, inside, 30, count20), liveOneTick: true},
		{name: "routed without NAT", eth0: talk(t, inside, 30, count20), eth1: talk(t, inside, 30, count20),
			code: WarnTwice, what: "are counted on eth0, too", mend: nat},
		{name: "the same servers, other amounts", eth0: talk(t, always("80.1.2.3"), 30, count20), eth1: talk(t, inside, 30, func(i int) int { return 40 + 2*i })},
		{name: "other servers", eth0: talk(t, always("80.1.2.3"), 30, count20), eth1: talk(t, inside, 1, count20)},
		{name: "two networks of ours with one server", eth0: talk(t, always("192.168.9.9"), 30, count20), eth1: talk(t, inside, 30, count20)},
		{name: "a packet or two of each", eth0: talk(t, always("80.1.2.3"), 300, func(int) int { return 2 }), eth1: talk(t, inside, 300, func(int) int { return 2 })},
		{name: "nothing", eth0: nil, eth1: nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, true)
			s.sensor.setOwn(own)
			s.sensor.SetNetworks(append(own, netip.MustParsePrefix("80.1.2.3/32")), nil)
			parts := []*part{s.part("eth0", tt.eth0), s.part("eth1", tt.eth1), s.part("eth2", nil)}
			if tt.liveOneTick {
				s.watch.tick(parts)
			} else {
				for range 4 {
					s.watch.tick(parts)
				}
			}
			mend := tt.mend
			if mend != "" {
				mend = "sensor.interfaces: [eth0, eth2]"
			}
			s.expect(tt.code, tt.what, mend)
		})
	}
}

// Above its bound a tick is sampled, the same flows on every interface.
func TestWarnOfNATSamples(t *testing.T) {
	s := newScene(t, true)
	one := func(int) int { return 10 }
	parts := []*part{
		s.part("eth0", talk(t, always("80.1.2.3"), 3000, one)),
		s.part("eth1", talk(t, always("192.168.7.9"), 3000, one)),
	}
	if n := len(s.watch.flows(parts, []string{"eth0", "eth1"})); n > maxFlows || n < 500 {
		t.Errorf("%d flows sampled, want at most %d and not much less", n, maxFlows)
	}
	s.sensor.SetNetworks([]netip.Prefix{netip.MustParsePrefix("80.1.2.3/32")}, nil)
	s.watch.tick(parts)
	s.watch.tick(parts)
	if codes := s.codes(); len(codes) == 0 || codes[0] != WarnNAT && codes[len(codes)-1] != WarnNAT {
		t.Errorf("warnings %v, want %s among them", codes, WarnNAT)
	}
}

func TestWarnOfUnlistedNetwork(t *testing.T) {
	many := func(i int) string { return fmt.Sprintf("80.1.2.%d", 1+i%50) }
	tests := []struct {
		name       string
		live       bool
		local      string
		frames     map[string]int
		what, mend string
	}{
		{"one address", true, "", talk(t, always("80.1.2.3"), 40, count20), "80.1.2.3/32 is an end of 100 %", `sensor.local_networks: ["80.1.2.3/32"]`},
		{"a network", true, "", talk(t, many, 40, count20), "80.1.2.0/24", `sensor.local_networks: ["80.1.2.0/24"]`},
		{"in a file", false, "", talk(t, always("80.1.2.3"), 40, count20), "80.1.2.3/32", "--local 80.1.2.3/32"},
		{"IPv6", true, "", sixes(t), "2a01:4f8:1::/48", `sensor.local_networks: ["2a01:4f8:1::/48"]`},
		{"listed", true, "80.1.2.0/24", talk(t, always("80.1.2.3"), 40, count20), "", ""},
		{"two machines", true, "", talk(t, always("80.1.2.3"), 1, func(int) int { return 500 }), "", ""},
		{"few packets", true, "", talk(t, always("80.1.2.3"), 9, func(int) int { return 1 }), "", ""},
		{"many with many", true, "", talk(t, func(i int) string { return fmt.Sprintf("80.%d.2.3", i) }, 40, count20), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, tt.live)
			if tt.local != "" {
				s.sensor.SetNetworks([]netip.Prefix{netip.MustParsePrefix(tt.local)}, nil)
			}
			for range 3 {
				s.watch.tick([]*part{s.part("eth0", tt.frames)})
			}
			code := WarnUnlisted
			if tt.mend == "" {
				code = ""
			}
			s.expect(code, tt.what, tt.mend)
			s.sensor.SetNetworks([]netip.Prefix{netip.MustParsePrefix("80.0.0.0/8"), netip.MustParsePrefix("2a01::/16")}, nil)
			if codes := s.codes(); len(codes) > 0 {
				t.Errorf("still warned of %v after the networks were changed", codes)
			}
		})
	}
	// A little of it beside much that is in order is nothing to speak of.
	s := newScene(t, true)
	for range 3 {
		s.watch.tick([]*part{s.part("eth0", talk(t, always("80.1.2.3"), 10, count20)), s.part("eth0", talk(t, always("192.168.1.1"), 200, count20))})
	}
	s.expect("", "", "")
}

// sixes are frames between addresses of one /48 and many others.
func sixes(t *testing.T) map[string]int {
	frames := map[string]int{}
	for i := range 40 {
		ours, theirs := fmt.Sprintf("2a01:4f8:1:%x::1", i), fmt.Sprintf("2606:4700:%x::1", i)
		frames[string(tcp(t, theirs, ours, 443, uint16(40000+i), false, true))] += 20
		frames[string(tcp(t, ours, theirs, uint16(40000+i), 443, false, true))] += 20
	}
	return frames
}

// numbered is an IPv4 packet with an identification of its own, as hosts send them.
func numbered(t *testing.T, r *rand.Rand, id int) []byte {
	f := frame(t, "45.0.0.1", "192.168.7.9", layers.IPProtocolTCP, &layers.TCP{SrcPort: 443, DstPort: 40000, Seq: r.Uint32(), ACK: true})
	f[18], f[19] = byte(id>>8), byte(id)
	return f
}

// hop is what a router makes of a frame: other MAC addresses, a TTL less.
func hop(f []byte) []byte {
	g := append([]byte{}, f...)
	g[0], g[6], g[22], g[24] = 9, 9, g[22]-1, g[24]+1
	return g
}

func TestWarnOfDuplicates(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	twice := func(copy func(f []byte) []byte, every int) (list []packet) {
		for i := range 3000 {
			f, at := numbered(t, r, i), noon.Add(time.Duration(i)*time.Millisecond)
			list = append(list, packet{at, f})
			if i%every == 0 {
				list = append(list, packet{at.Add(20 * time.Microsecond), copy(f)})
			}
		}
		return list
	}
	same := func(f []byte) []byte { return f }
	flood := make([]packet, 6000) // one packet again and again, as broken devices and attackers send it
	slow := make([]packet, 6000)
	constant := udp(t, "45.0.0.1", "192.168.7.9", 53, 40000)
	for i := range flood {
		flood[i] = packet{noon.Add(time.Duration(i) * 10 * time.Microsecond), constant}
		slow[i] = packet{noon.Add(time.Duration(i) * 20 * time.Millisecond), constant}
	}
	mirror := "mirror only one direction of each port (ingress), or only one of the ports or VLANs that a packet crosses"
	tests := []struct {
		name       string
		packets    []packet
		what, mend string
	}{
		{"all twice", twice(same, 1), "100 % of the packets on test.pcap come twice", mirror},
		{"before and behind a router", twice(hop, 1), "100 %", mirror},
		{"in another VLAN", twice(func(f []byte) []byte { return tagged(f, true) }, 1), "100 %", mirror},
		{"a third", twice(same, 5), "33 %", mirror},
		{"one in a hundred", twice(same, 100), "", ""},
		{"each once", twice(same, 1<<30), "", ""},
		{"a flood of one packet", flood, "", ""},
		{"one packet all the time", slow, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSensor(t, &memory{}, nil)
			if err := s.Replay(context.Background(), []Named{{"test.pcap", pcap(t, tt.packets)}}); err != nil {
				t.Fatal(err)
			}
			var got []Warning
			for _, w := range s.Status().Warnings {
				if w.Code == WarnDuplicates {
					got = append(got, w)
				}
			}
			switch {
			case tt.what == "" && len(got) > 0:
				t.Errorf("warned though there is nothing: %+v", got)
			case tt.what != "" && (len(got) != 1 || !strings.Contains(got[0].Text, tt.what) || got[0].Mend != tt.mend):
				t.Errorf("warnings %+v, want %q, mended by %q", got, tt.what, tt.mend)
			}
		})
	}
	if c := (copies{pairs: 10, tagged: 10, vlan: 7}); c.mend() != "sensor.exclude: [{vlans: [7]}]" {
		t.Errorf("copies in a VLAN of their own are mended by %q", c.mend())
	}
}
