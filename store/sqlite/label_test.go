package sqlite

import (
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// someLabels are one of the end on the map and its AS, and one of either end.
type someLabels struct{}

func (someLabels) Names() []string { return []string{"cloud", "mine"} }

func (someLabels) Matcher(name string) (func(addr, peer netip.Prefix, asn uint32) bool, bool) {
	cloud, mine := netip.MustParsePrefix("203.0.113.0/28"), netip.MustParsePrefix("203.0.113.3/32")
	if name == "cloud" {
		return func(addr, _ netip.Prefix, asn uint32) bool { return asn == 15169 || cloud.Contains(addr.Addr()) }, false
	}
	return func(addr, peer netip.Prefix, _ uint32) bool {
		return mine.Contains(addr.Addr()) || mine.Contains(peer.Addr())
	}, true
}

// Labels are evaluated on the address, the AS and the peer of every point, in all
// answers.
func TestLabelsEqualBruteForce(t *testing.T) {
	t.Parallel()
	r := newRandom(9)
	s := openNew(t, Options{Tick: 10 * time.Second})
	first := time.Unix(1_700_000_000, 0).UTC()
	var h history
	for i := range 12 {
		b := r.batch(randomSensors[0], first.Add(time.Duration(i)*s.Tick()), s.Tick(), 0, 80)
		appendAll(t, s, b)
		h = append(h, b.Points...)
	}
	for _, text := range []string{"label:cloud", "-label:cloud", "label:mine", "-label:mine", "label:cloud,mine", "-label:cloud,mine",
		"label:cloud -label:mine port:443", "-label:cloud asn:15169", "label:mine peer:203.0.113.3", "label:cloud country:DE,FR dir:in"} {
		f, err := store.ParseFilterWith(text, someLabels{})
		if err != nil {
			t.Fatal(err)
		}
		want := h.match(f)
		if text[0] == 'l' && len(f.Terms) == 1 && (len(want) == 0 || len(want) == len(h)) {
			t.Errorf("%s holds for %d of %d points: the test is blind", text, len(want), len(h))
		}
		compareAnswers(t, s, f, want, text, r)
	}
}
