package livetest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"regexp"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// layer is what the map switches on and off: protocol class × 2 + (1 when out).
type layer int

// dataTag finds the columns in a saved page: base64 of a gzip member, see the
// documentation of package page, from which this reader is written.
var dataTag = regexp.MustCompile(`<script[^>]*type="application/[^>]*>\s*(H4sI[A-Za-z0-9+/=\s]+)</script>`)

// readPage sums the rows of a saved page by layer.
func readPage(t testing.TB, html []byte) map[layer]store.Sum {
	t.Helper()
	m := dataTag.FindSubmatch(html)
	if m == nil {
		t.Fatalf("the page (%d bytes) has no data in it", len(html))
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(m[1])))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || string(b[:6]) != "PHCOLS" {
		t.Fatalf("unpack page: %v", err)
	}
	b = b[8:]
	b = b[4+binary.LittleEndian.Uint32(b):]
	columns := make(map[byte][]uint64)
	for len(b) > 0 {
		id, kind, count, length := b[0], b[1], binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		if kind == 3 {
			columns[id] = magnitudes(int(count), b[12:12+length])
		}
		b = b[12+length:]
	}
	sum := make(map[layer]store.Sum)
	rowKey := uint64(0)
	for i, step := range columns[16] {
		rowKey += step
		total := sum[layer(rowKey%8)]
		packets := columns[18][i]
		total.Add(store.Sum{Packets: packets, Bytes: packets*columns[19][i] + columns[21][i], Opens: columns[20][i]})
		sum[layer(rowKey%8)] = total
	}
	return sum
}

// magnitudes decodes a column of kind 3: bit lengths first, then the bits below the
// leading ones, lowest bit of a byte first.
func magnitudes(count int, b []byte) []uint64 {
	lengths, stream := b[:count], b[count:]
	out := make([]uint64, count)
	at := 0
	for i, n := range lengths {
		if n == 0 {
			continue
		}
		out[i] = 1 << (n - 1)
		for bit := range int(n) - 1 {
			out[i] |= uint64(stream[at>>3]>>(at&7)&1) << bit
			at++
		}
	}
	return out
}

// layers sums a ledger as the page does.
func (s sums) layers() map[layer]store.Sum {
	class := map[string]layer{"tcp": 0, "udp": 1, "icmp": 2, "icmpv6": 2}
	out := make(map[layer]store.Sum)
	for k, v := range s {
		l, ok := class[k.proto]
		if !ok {
			l = 3
		}
		l *= 2
		if k.direction == "out" {
			l++
		}
		total := out[l]
		total.Add(v)
		out[l] = total
	}
	return out
}
