package clickhouse

import (
	"slices"
	"testing"

	"github.com/packetheat/packetheat/store"
)

func TestPending(t *testing.T) {
	t.Parallel()
	var p pending
	list := someTicks(5)
	check := func(what, origin string, send, again, others []*store.Batch) {
		t.Helper()
		a, o := p.take(origin, send)
		if !slices.Equal(a, again) || !slices.Equal(o, others) {
			t.Errorf("%s: %d again and %d others, want %d and %d", what, len(a), len(o), len(again), len(others))
		}
	}
	check("nothing begun", "a", list, nil, list)
	p.begin("a", list[1:3])
	check("of another store", "b", list, nil, list)
	check("all", "a", list, list[1:3], []*store.Batch{list[0], list[3], list[4]})
	check("a part", "a", list[2:], list[1:3], list[3:])
	check("none of it", "a", list[3:], nil, list[3:])
	copied := *list[1] // read once more from the store
	check("the same batch in another place", "a", []*store.Batch{&copied, list[4]}, list[1:3], list[4:])
	p.done("a")
	check("done", "a", list, nil, list)
}
