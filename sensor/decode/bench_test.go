package decode

import "testing"

var sink Status

func BenchmarkQuick(b *testing.B) {
	f := append([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0}, []byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0}...)
	var p Packet
	for b.Loop() {
		sink = Decode(&p, LinkEthernet, 0, f)
	}
}
