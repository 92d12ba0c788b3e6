package pack

import "errors"

// Split marks a node with two halves in a sequence of nodes.
const Split = -1

// maxDepth bounds the trees: IPv6 networks are told apart by 64 bits.
const maxDepth = 64

// Groups orders records in two levels, such as countries and their regions. A
// record is most often of the same groups as the one before it, and then costs
// fewer bits.
type Groups struct {
	// Sub has the first record of each subgroup, and at its end their number.
	Sub []int32
	// Group has the first subgroup of each group, and at its end their number.
	Group []int32

	subOf, groupOf []int32 // of a record, of a subgroup
}

// index makes the way back from records to groups.
func (g *Groups) index() {
	g.subOf, g.groupOf = invert(g.Sub), invert(g.Group)
}

func invert(starts []int32) []int32 {
	of := make([]int32, starts[len(starts)-1])
	for i := range len(starts) - 1 {
		for j := starts[i]; j < starts[i+1]; j++ {
			of[j] = int32(i)
		}
	}
	return of
}

// recent is the number of records used last that are told by their rank.
const recent = 64

// Kinds of nodes, by what their left neighbour of the same parent is.
const (
	kindLeft       = iota // it has none: it is the left half itself
	kindAfterLeaf         // a leaf; then this is no leaf of the same record
	kindAfterSplit        // a split
	kinds
)

// treeCoder is the model of a tree. It codes the sequence of its nodes.
type treeCoder struct {
	c      *coder
	groups *Groups
	nodes  []int32 // encoder: the rest; decoder: those decoded so far
	limit  int     // decoder: the most nodes there can be
	last   int32   // record of the leaf before
	ranks  [recent]int32
	known  int // ranks in use
	wasHit int

	split   [maxDepth + 1][kinds][]prob
	hit     [maxDepth + 1][kinds][2]prob
	rank    [kinds][]prob
	sameG   [kinds][2]prob
	sameSub [kinds][2]prob
	groupP  []prob
	subP    []prob // one set for each group, in place
	recordP []prob // one set for each subgroup, in place
}

func newTreeCoder(c *coder, g *Groups) *treeCoder {
	t := &treeCoder{
		c: c, groups: g,
		groupP:  newProbs(len(g.Group)),
		subP:    newProbs(len(g.Sub)),
		recordP: newProbs(int(g.Sub[len(g.Sub)-1])),
	}
	for d := range t.split {
		for k := range kinds {
			t.split[d][k] = newProbs(3)
			copy(t.hit[d][k][:], newProbs(2))
		}
	}
	for k := range kinds {
		t.rank[k] = newProbs(recent)
		copy(t.sameG[k][:], newProbs(2))
		copy(t.sameSub[k][:], newProbs(2))
	}
	return t
}

// encodeTree returns the code of a sequence of nodes.
func encodeTree(nodes []int32, g *Groups) []byte {
	c := newEncoder()
	t := newTreeCoder(c, g)
	t.nodes = nodes
	t.node(0, kindLeft, 0)
	return c.finish()
}

// decodeTree is the reverse of encodeTree, for a tree of n nodes.
func decodeTree(data []byte, n int, g *Groups) ([]int32, error) {
	c := newDecoder(data)
	t := newTreeCoder(c, g)
	t.nodes, t.limit = make([]int32, 0, n), n
	t.node(0, kindLeft, 0)
	if err := c.err(); err != nil {
		return nil, err
	}
	if len(t.nodes) != n {
		return nil, errors.New("unpack database: damaged tree")
	}
	return t.nodes, nil
}

// node codes one node with all below it, and returns 1 for a split.
// above is the number of neighbours of its parents that were split: a measure
// of how finely the addresses around are divided.
//
//go:norace
func (t *treeCoder) node(depth, kind, above int) int {
	sym := int32(0)
	if !t.c.decoding {
		sym, t.nodes = t.nodes[0], t.nodes[1:]
	}
	split := 0
	if depth < maxDepth && (!t.c.decoding || len(t.nodes) < t.limit) {
		split = t.c.bit(&t.split[depth][kind][above], b2i(sym == Split))
	}
	if split == 0 {
		t.put(t.record(depth, kind, sym))
		return 0
	}
	t.put(Split)
	left := t.node(depth+1, kindLeft, b2i(kind == kindAfterSplit)+b2i(kind != kindLeft))
	t.node(depth+1, kindAfterLeaf+left, b2i(kind == kindAfterSplit)+b2i(kind != kindLeft))
	return 1
}

//go:norace
func (t *treeCoder) put(sym int32) {
	if t.c.decoding {
		t.nodes = append(t.nodes, sym)
	}
}

// record codes the record of a leaf: by its rank among those used last, or by
// its groups and its place in them.
//
//go:norace
func (t *treeCoder) record(depth, kind int, rec int32) int32 {
	rank := t.known
	if !t.c.decoding {
		for rank = 0; rank < t.known && t.ranks[rank] != rec; rank++ {
		}
	}
	hit := t.c.bit(&t.hit[depth][kind][t.wasHit], b2i(rank < t.known))
	if hit == 1 {
		rank = t.c.tree(t.rank[kind], recent, rank)
		rec = t.ranks[rank]
	} else {
		rec = t.explicit(kind, rec)
		rank = min(t.known, recent-1)
		t.known = min(t.known+1, recent)
	}
	copy(t.ranks[1:rank+1], t.ranks[:rank])
	t.ranks[0] = rec
	t.last, t.wasHit = rec, hit
	return rec
}

// explicit codes a record by group, subgroup and number.
//
//go:norace
func (t *treeCoder) explicit(kind int, rec int32) int32 {
	g := t.groups
	sub, lastSub := g.subOf[rec], g.subOf[t.last]
	group, lastGroup := g.groupOf[sub], g.groupOf[lastSub]
	if t.c.bit(&t.sameG[kind][t.wasHit], b2i(group == lastGroup)) == 1 {
		group = lastGroup
		if t.c.bit(&t.sameSub[kind][t.wasHit], b2i(sub == lastSub)) == 1 {
			return t.within(t.recordP, g.Sub, lastSub, rec)
		}
	} else {
		group = int32(t.c.tree(t.groupP, len(g.Group)-1, int(group)))
	}
	sub = t.within(t.subP, g.Group, group, sub)
	return t.within(t.recordP, g.Sub, sub, rec)
}

// within codes which member of a group value is, given where groups start.
//
//go:norace
func (t *treeCoder) within(probs []prob, starts []int32, group, value int32) int32 {
	from, to := starts[group], starts[group+1]
	return from + int32(t.c.tree(probs[from:to], int(to-from), int(value-from)))
}
