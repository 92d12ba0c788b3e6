package page

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// dice returns n bytes from 0 to sides-1 that have nothing to do with each other: what
// the bit lengths of a column look like.
func dice(r *rand.Rand, n, sides int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(min(r.IntN(sides), r.IntN(sides)))
	}
	return b
}

func packed(t *testing.T, b []byte, ends []int) []byte {
	t.Helper()
	var w bytes.Buffer
	if err := pack(&w, b, ends); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

// TestPack holds pack to what a reader of gzip by another hand makes of it, whatever the
// sections are and wherever they end.
func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	long := bytes.Repeat([]byte("Deutsche Telekom AG\x00"), 9000)
	whole := bytes.Join([][]byte{[]byte("head"), dice(r, 100_000, 9), long, dice(r, 5000, 200), dice(r, 70_000, 4), dice(r, 3, 9)}, nil)
	random := make([]int, 40)
	for i := range random {
		random[i] = r.IntN(len(whole) + 1)
	}
	slices.Sort(random)
	for name, c := range map[string]struct {
		b    []byte
		ends []int
	}{
		"nothing":            {nil, nil},
		"nothing in parts":   {nil, []int{0, 0}},
		"one byte":           {[]byte{7}, []int{0, 1}},
		"one section":        {whole, nil},
		"sections":           {whole, []int{4, 100_004, 100_004 + len(long), 105_004 + len(long), 175_004 + len(long)}},
		"an end at the end":  {whole, []int{len(whole)}},
		"ends anywhere":      {whole, random},
		"more than a window": {dice(r, 300_000, 7), []int{100_000, 200_000}},
	} {
		got := unpack(t, packed(t, c.b, c.ends))
		if !bytes.Equal(got, c.b) {
			t.Errorf("%s: %d bytes come back as %d others", name, len(c.b), len(got))
		}
		if again := packed(t, c.b, c.ends); !bytes.Equal(again, packed(t, c.b, c.ends)) {
			t.Errorf("%s: the same bytes are packed in two ways", name)
		}
	}
}

// TestPackFindsTheBetterWay compares with what each way alone makes of a stream that
// has something for both.
func TestPackFindsTheBetterWay(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	texts := bytes.Repeat([]byte("Amazon.com, Inc.\x00Hetzner Online GmbH\x00"), 4000)
	numbers := dice(r, 200_000, 12)
	whole := append(append([]byte{}, texts...), numbers...)
	got := len(packed(t, whole, []int{len(texts)}))
	for _, level := range []int{repeats, frequencies, flate.BestCompression} {
		var w bytes.Buffer
		z, err := gzip.NewWriterLevel(&w, level)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(whole); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if got >= w.Len() {
			t.Errorf("packed into %d bytes, level %d alone makes it %d", got, level, w.Len())
		}
	}
}

func TestChosenJoinsNeighbours(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	b := dice(r, 50_000, 9)
	var ways [2]*flate.Writer
	for i, level := range [2]int{repeats, frequencies} {
		ways[i], _ = flate.NewWriter(nil, level)
	}
	sections, err := chosen(b, []int{20, 30_000}, ways)
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != 2 || sections[0].way != 0 || len(sections[0].bytes) != 20 || sections[1].way != 1 || len(sections[1].bytes) != len(b)-20 {
		t.Errorf("%d sections, not the head and one of all numbers", len(sections))
	}
}
