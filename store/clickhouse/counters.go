package clickhouse

import "github.com/packetheat/packetheat/store"

// Sums are what a batch's row says of its points.
type sums struct {
	points    store.Sum // of all points
	unlocated store.Sum // of those without a place
}

func sumsOf(points []store.Point) (s sums) {
	for i := range points {
		p := &points[i]
		s.points.Add(p.Sum())
		if p.Place == (store.Place{}) {
			s.unlocated.Add(p.Sum())
		}
	}
	return s
}

// counter is a number in a batch's row.
type counter struct {
	name  string
	value *uint64
}

// counters lists every number of a batch, in the order of the table's columns.
func counters(b *store.Books, s *sums) []counter {
	list := []counter{{"ring", &b.Ring}, {"drops", &b.Drops}, {"freezes", &b.Freezes}, {"frames", &b.Frames}}
	for _, c := range []struct {
		name  string
		count *store.Count
	}{
		{"captured", &b.Captured}, {"filtered", &b.Filtered}, {"non_ip", &b.NonIP}, {"undecodable", &b.Undecodable},
		{"decoded", &b.Decoded}, {"local_only", &b.LocalOnly}, {"one_public", &b.OnePublic}, {"two_public", &b.TwoPublic},
		{"folded", &b.Folded}, {"late", &b.Late},
	} {
		list = append(list, counter{c.name + "_packets", &c.count.Packets}, counter{c.name + "_bytes", &c.count.Bytes})
	}
	for _, c := range []struct {
		name string
		sum  *store.Sum
	}{{"points", &s.points}, {"unlocated", &s.unlocated}} {
		list = append(list, counter{c.name + "_packets", &c.sum.Packets}, counter{c.name + "_bytes", &c.sum.Bytes}, counter{c.name + "_opens", &c.sum.Opens})
	}
	return list
}

// counterNames returns the names of counters.
func counterNames() []string {
	var list []string
	for _, c := range counters(&store.Books{}, &sums{}) {
		list = append(list, c.name)
	}
	return list
}
