package decode

import "testing"

// BenchmarkDecode measures kinds of frames alone, and a mix of all samples
// that are IP (mostly the rare ones: a wire is cheaper).
func BenchmarkDecode(b *testing.B) {
	named := map[string]sample{}
	var mix []sample
	for _, s := range samples() {
		if named[s.name] = s; s.status == Decoded {
			mix = append(mix, s)
		}
	}
	for _, name := range []string{"ethernet ipv4", "udp", "ipv6 udp", "vlan", "arp", "raw ipv4", "cooked 2", "pppoe ipv4", "mpls",
		"all extension headers", "later fragment", "gre", "ipip", "vxlan", "geneve options", "gtp-u extensions", "four tunnels"} {
		s, ok := named[name]
		if !ok {
			b.Fatalf("no sample %q", name)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var p Packet
			for b.Loop() {
				Decode(&p, s.link, s.etherType, s.data)
			}
		})
	}
	b.Run("public captures", func(b *testing.B) {
		frames := publicFrames(b)
		b.ReportAllocs()
		var p Packet
		for i := 0; b.Loop(); i++ {
			f := &frames[i%len(frames)]
			Decode(&p, f.link, 0, f.data)
		}
	})
	b.Run("mix", func(b *testing.B) {
		b.ReportAllocs()
		var p Packet
		for i := 0; b.Loop(); i++ {
			s := &mix[i%len(mix)]
			Decode(&p, s.link, s.etherType, s.data)
		}
	})
}
