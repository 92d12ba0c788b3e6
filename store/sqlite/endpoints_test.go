package sqlite

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// TestEndpoints is a table of sequences and of how many bytes they may take.
func TestEndpoints(t *testing.T) {
	p := netip.MustParsePrefix
	tests := []struct {
		name string
		ends []netip.Prefix
		size int
	}{
		{"none", nil, 4},
		{"folded away", []netip.Prefix{{}, {}}, 4},
		{"lowest and highest", []netip.Prefix{p("0.0.0.0/32"), p("255.255.255.255/32")}, 4 + 1 + 5},
		{"neighbours", []netip.Prefix{p("10.0.0.1/32"), p("10.0.0.2/32"), p("10.0.0.3/32")}, 4 + 4 + 1 + 1},
		{"the same again", []netip.Prefix{p("10.0.0.1/32"), p("10.0.0.1/32")}, 4 + 4 + 1},
		{"all of IPv4", []netip.Prefix{p("0.0.0.0/0")}, 4 + 1 + 2},
		{"host bits are kept", []netip.Prefix{p("10.0.0.1/8"), p("10.0.0.1/9"), p("10.0.0.1/32")}, 4 + 4 + 1 + 1 + 4},
		{"one network of IPv6", []netip.Prefix{p("2001:db8::/128"), p("2001:db8::1/128"), p("2001:db8::ffff/128")}, 4 + 9 + 1 + 2 + 4},
		{"ends of IPv6", []netip.Prefix{p("::/0"), p("::/128"), p("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")}, 4 + 2 + 2 + 20 + 2},
		{"all families", []netip.Prefix{{}, p("1.1.1.1/32"), netip.PrefixFrom(netip.MustParseAddr("::ffff:1.1.1.1"), 128), p("2001:db8::/32")}, 48},
	}
	for _, test := range tests {
		if !slices.IsSortedFunc(test.ends, compareEndpoints) {
			t.Errorf("%s: the test's endpoints are out of order", test.name)
		}
		b := appendEndpoints(nil, test.ends)
		got, err := readEndpoints(nil, b, 10)
		if err != nil || !slices.Equal(got, test.ends) {
			t.Errorf("%s: %v becomes %v (%v)", test.name, test.ends, got, err)
		}
		if len(b) > test.size {
			t.Errorf("%s: %d bytes, want at most %d", test.name, len(b), test.size)
		}
		for n := range b {
			if _, err := readEndpoints(nil, b[:n], 10); err == nil {
				t.Errorf("%s: %d of %d bytes are enough", test.name, n, len(b))
			}
		}
		if _, err := readEndpoints(nil, append(bytes.Clone(b), 0), 10); err == nil {
			t.Errorf("%s: a byte too many is not noticed", test.name)
		}
	}
}

func TestReadEndpointsRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"more zeros than the limit":          {11, 0, 0, 0},
		"more than the limit together":       {4, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"more IPv4 addresses than the limit": {0, 0xff, 0xff, 0xff, 0x7f, 0, 0},
		"more IPv6 addresses than the limit": {0, 0, 0xff, 0xff, 0xff, 0x7f, 0},
		"a network behind the last address":  {0, 1, 0, 1, 1, 1, 8},
		"an endless number":                  bytes.Repeat([]byte{0xff}, 20),
	} {
		if got, err := readEndpoints(nil, b, 10); err == nil {
			t.Errorf("%s: read as %d endpoints", name, len(got))
		}
	}
}

// TestUvarints: what does not fit its column is refused, not cut off.
func TestUvarints(t *testing.T) {
	values := []uint64{0, 127, 128, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1}
	b := appendUvarints(nil, values)
	back := make([]uint64, len(values))
	if rest, ok := readUvarints(back, b); !ok || len(rest) != 0 || !slices.Equal(back, values) {
		t.Errorf("%v becomes %v, %d bytes left", values, back, len(rest))
	}
	if _, ok := readUvarints(make([]uint64, len(values)+1), b); ok {
		t.Error("more values are read than there are")
	}
	if _, ok := readUvarints(make([]uint32, 7), b); ok {
		t.Error("1<<32 is read as 32 bits")
	}
	if _, ok := readUvarints(make([]uint16, 5), b); ok {
		t.Error("65536 is read as 16 bits")
	}
	r := reader{b: []byte{5, 1, 2}}
	if n := r.count(1); n != 0 || !r.bad {
		t.Errorf("%d things in 2 bytes", n)
	}
	r = reader{b: []byte{1, 2}}
	if b := r.bytes(3); b != nil || !r.bad || r.uvarint() != 0 {
		t.Errorf("3 of 2 bytes: %v", b)
	}
}

// TestUvarintsOfAnyLength reads back columns of numbers of all lengths, and refuses
// them wherever they are cut off.
func TestUvarintsOfAnyLength(t *testing.T) {
	r := newRandom(77)
	for n := range 200 {
		values := make([]uint64, r.IntN(40)+n/190*1000)
		most := 1 + r.IntN(64)
		for i := range values {
			values[i] = r.Uint64() >> (64 - 1 - r.IntN(most))
		}
		b := appendUvarints(nil, values)
		var want []byte
		for _, v := range values {
			want = binary.AppendUvarint(want, v)
		}
		if !bytes.Equal(b, want) {
			t.Fatalf("%d becomes %x, want %x", values, b, want)
		}
		back := make([]uint64, len(values))
		if rest, ok := readUvarints(back, append(b, 1, 2, 3)); !ok || len(rest) != 3 || !slices.Equal(back, values) {
			t.Fatalf("%d of %d: %v", values, back, ok)
		}
		if len(b) > 0 {
			if _, ok := readUvarints(back, b[:r.IntN(len(b))]); ok {
				t.Fatalf("%d: cut off and read", values)
			}
		}
	}
	if _, ok := readUvarints(make([]uint64, 1), bytes.Repeat([]byte{0x80}, 12)); ok {
		t.Error("a number without end was read")
	}
}
