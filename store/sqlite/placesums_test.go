package sqlite

import (
	"encoding/binary"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// placeView is a sealed view by place, and how many ids of places it needs.
func placeView(t *testing.T, r random) (blobs tierBlobs, places int) {
	t.Helper()
	var views viewSums
	places = 1 + r.IntN(300)
	most := r.IntN(64)
	for range r.IntN(1000) {
		k := kind{proto: pick[uint8](r, 1, 6, 17, uint8(r.IntN(256))), direction: store.Direction(r.IntN(2))}
		sum := store.Sum{Packets: r.Uint64() >> (63 - r.IntN(most+1)), Bytes: r.Uint64() >> (63 - r.IntN(most+1)), Opens: r.Uint64() >> (63 - r.IntN(most+1))}
		views.tables[0].add(uint32(r.IntN(places)), k, &tierSum{Sum: sum})
	}
	enc, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	views.tables[0].fill(enc)
	enc.encodeTier(&blobs, sourcePlace, false)
	return blobs, places
}

// TestLeanSums adds up views both ways, whole ones and such whose content is wrong
// though their seal is right: then both refuse them.
func TestLeanSums(t *testing.T) {
	t.Parallel()
	r := newRandom(31)
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	enc, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	refused, lean := 0, 0
	for range 300 {
		blobs, places := placeView(t, r)
		if r.IntN(2) == 0 { // change what is in it
			if err := d.open(blobs[sourcePlace.sums()], partSums); err != nil {
				t.Fatal(err)
			}
			raw := append([]byte(nil), d.raw...)
			for range 1 + r.IntN(3) {
				raw[r.IntN(len(raw))] ^= 1 << r.IntN(8)
			}
			blobs[sourcePlace.sums()] = enc.seal(partSums, raw[:len(raw)-r.IntN(2)])
		}
		v := view{columns: columns{}}
		wrong := d.decodeTier(&blobs, sourcePlace, 0) != nil
		if !wrong {
			places = max(places, int(maxOf(d.cols.place))+1)
			if places > 1<<20 {
				continue
			}
		}
		want, got := cellVisitor{index: make([]int32, places)}, cellVisitor{index: make([]int32, places)}
		if !wrong {
			v.columns = d.cols
			kinds := make([]uint8, len(v.kinds))
			for i, k := range v.kinds {
				kinds[i] = uint8(k.slot())
			}
			want.addAll(&v, kinds)
		}
		l, ok := d.lean(blobs[sourcePlace.sums()])
		if ok && wrong {
			t.Fatal("what is damaged was read")
		}
		if wrong {
			refused++
		}
		if !ok {
			continue // numbers of more than eight bytes, too
		}
		lean++
		got.addLean(d, &l)
		same(t, "sums", want.open, got.open)
	}
	if refused < 20 || lean < 100 {
		t.Errorf("%d refused, %d read", refused, lean)
	}
}

// TestCountUvarints counts numbers of all lengths.
func TestCountUvarints(t *testing.T) {
	r := newRandom(32)
	for range 2000 {
		var b []byte
		n := r.IntN(30)
		for range n {
			v := r.Uint64() >> (8 + r.IntN(56)) // 56 bits are eight bytes
			if r.IntN(500) == 0 {
				v = 1<<56 + r.Uint64N(1<<56)
			}
			if b = binary.AppendUvarint(b, v); v >= 1<<56 {
				n = -1
			}
		}
		if got := countUvarints(b); n >= 0 && got != n || n < 0 && got != -1 {
			t.Fatalf("%d numbers in % x, want %d", got, b, n)
		}
		if len(b) > 0 && countUvarints(append(b, 0x81)) != -1 {
			t.Fatal("a number without end was counted")
		}
	}
}
