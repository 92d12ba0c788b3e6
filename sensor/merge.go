package sensor

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// mergeFrames is the most frames that a block of merged sources has.
const mergeFrames = 4096

// merged is a Source of several others: it hands out their frames in order of time, as
// far as each is in order itself, and what is of the same time in order of the
// sources. It keeps one block of each source, so its memory is theirs.
type merged struct {
	waiting []*head // without a frame at hand
	order   heads   // with one, a heap
	all     []*head
	frames  []capture.Frame
	errs    []error
}

// head is a source and its next frame.
type head struct {
	Named
	at    int // in the list of sources
	block *capture.Block
	frame capture.Frame
}

func newMerged(sources []Named) *merged {
	m := &merged{}
	for i, source := range sources {
		m.all = append(m.all, &head{Named: source, at: i})
	}
	m.waiting = append(m.waiting, m.all...)
	return m
}

// nameOf names several files as one.
func nameOf(files []Named) string {
	switch len(files) {
	case 0:
		return ""
	case 1:
		return files[0].Name
	}
	return fmt.Sprintf("%s and %d more", files[0].Name, len(files)-1)
}

// ReadBlock implements Source. The frames of a block come from the blocks that are at
// hand; as soon as one of these is used up, the block ends, for reading the next one
// would take its frames away.
func (m *merged) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	if !m.refill(timeout) {
		return nil, nil
	}
	switch {
	case len(m.order) == 0 && len(m.errs) > 0:
		return nil, errors.Join(m.errs...)
	case len(m.order) == 0:
		return nil, io.EOF
	}
	m.frames = m.frames[:0]
	for len(m.waiting) == 0 && len(m.frames) < mergeFrames {
		m.run()
	}
	return capture.NewBlock(m.frames), nil
}

// refill reads on where no frame is at hand. It reports false where a source, a pipe,
// has nothing yet: then it is not known what comes next.
func (m *merged) refill(timeout time.Duration) bool {
	for n := len(m.waiting); n > 0; n = len(m.waiting) {
		h := m.waiting[n-1]
		block, err := h.Source.ReadBlock(timeout)
		switch {
		case err != nil:
			if !errors.Is(err, io.EOF) {
				m.errs = append(m.errs, fmt.Errorf("%s: %w", h.Name, err))
			}
			h.block = nil
		case block == nil:
			return false
		case !block.Next(&h.frame):
			continue // an empty block: read on
		default:
			h.block = block
			heap.Push(&m.order, h)
		}
		m.waiting = m.waiting[:n-1]
	}
	return true
}

// run takes frames of the first source as long as they are before those of all others.
func (m *merged) run() {
	h := m.order[0]
	until := m.order.second()
	for len(m.frames) < mergeFrames {
		m.frames = append(m.frames, h.frame)
		if !h.block.Next(&h.frame) {
			heap.Pop(&m.order)
			m.waiting = append(m.waiting, h)
			return
		}
		if until != nil && until.before(h) {
			break
		}
	}
	heap.Fix(&m.order, 0)
}

// Stats implements Source: the sums of all.
func (m *merged) Stats() (sum capture.Stats, err error) {
	for _, h := range m.all {
		s, e := h.Source.Stats()
		err = errors.Join(err, e)
		sum.Packets += s.Packets
		sum.Drops += s.Drops
		sum.Freezes += s.Freezes
		sum.Malformed += s.Malformed
		sum.Skipped += s.Skipped
		sum.Blocks += s.Blocks
	}
	return sum, err
}

// Stop implements Source.
func (m *merged) Stop() {
	for _, h := range m.all {
		h.Source.Stop()
	}
}

// Close implements Source: it closes all.
func (m *merged) Close() (err error) {
	for _, h := range m.all {
		err = errors.Join(err, h.Source.Close())
	}
	return err
}

// heads is a heap of sources, the one with the earliest frame first.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].before(h[j]) }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) }
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// second returns the source that comes after the first, nil where there is no other.
func (h heads) second() *head {
	switch {
	case len(h) < 2:
		return nil
	case len(h) == 2 || h[1].before(h[2]):
		return h[1]
	}
	return h[2]
}

func (h *head) before(o *head) bool {
	return h.frame.Time < o.frame.Time || h.frame.Time == o.frame.Time && h.at < o.at
}
