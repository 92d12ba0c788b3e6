// Package capture hands out captured frames block by block, from a TPACKET_V3
// ring of the Linux kernel or from a pcap or pcapng file, and counts what the
// kernel lost on the way.
//
// A live capture is one or more rings on one interface, joined in a fanout
// group so that each frame lands in exactly one of them:
//
//	rings, err := capture.OpenRings(capture.RingConfig{Interface: "eth0", Shards: 2})
//	// one goroutine for each ring:
//	for {
//		block, err := ring.ReadBlock(time.Second)
//		if err != nil {
//			break // io.EOF after Stop, ErrInterfaceGone when the interface was deleted
//		}
//		var f capture.Frame
//		for block != nil && block.Next(&f) {
//			use(f.Data) // valid until the next ReadBlock
//		}
//	}
//	ring.Close()
//
// A [File] has the same methods, so that replay and live capture share their
// consumer.
//
// # Memory
//
// A block of a ring is kernel memory mapped into the process. It is handed out
// without a copy, is given back by the next ReadBlock, and is gone after Close.
// Nothing of a block is read before its status word says that it is ours, and
// every offset found inside is checked against the block.
//
// # Accounting
//
// The kernel's count of packets is frames handed out plus drops, exactly, from
// OpenRings until the io.EOF that follows Stop: counting starts with a filter
// that lets nothing pass, and stops with it.
//
// Sources: packet(7), net/packet/af_packet.c, Documentation/networking/packet_mmap.rst.
package capture
