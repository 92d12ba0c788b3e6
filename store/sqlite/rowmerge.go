package sqlite

import "context"

// rowStream is a source of rows in order.
type rowStream interface {
	// next moves to the next row and reports whether there is one.
	next(ctx context.Context) (bool, error)
	// row returns the row, valid until the next call of next.
	row() (*rowKey, *tierSum)
}

// mergeRows calls yield for every key of the streams in order with the sum of what
// they have of it.
func mergeRows(ctx context.Context, streams []rowStream, yield func(*rowKey, *tierSum) error) error {
	var heap rowHeap
	for _, s := range streams {
		ok, err := s.next(ctx)
		if err != nil {
			return err
		}
		if ok {
			heap = append(heap, s)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		heap.down(i)
	}
	for len(heap) > 0 {
		k, sum := heap[0].row()
		key, all := *k, *sum
		for first := true; len(heap) > 0; first = false {
			k, sum := heap[0].row()
			if !first {
				if *k != key {
					break
				}
				all.merge(sum)
			}
			ok, err := heap[0].next(ctx)
			if err != nil {
				return err
			}
			if !ok {
				heap[0] = heap[len(heap)-1]
				heap = heap[:len(heap)-1]
			}
			heap.down(0)
		}
		if err := yield(&key, &all); err != nil {
			return err
		}
	}
	return nil
}

// rowHeap has the stream with the least row first.
type rowHeap []rowStream

func (h rowHeap) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(h) {
			return
		}
		key, _ := h[least].row()
		if right := least + 1; right < len(h) {
			if k, _ := h[right].row(); k.compare(key) < 0 {
				least, key = right, k
			}
		}
		if k, _ := h[i].row(); k.compare(key) <= 0 {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// chunkStream gives the rows of a tier's full keys.
type chunkStream struct {
	load   func(ctx context.Context, chunk int64) error // decodes it into dec
	dec    *decoder
	chunks int64
	offset uint32 // ticks from the start of the new tier to that of this one

	chunk     int64 // the next
	i, end, g int   // point, first point of the next group, group
	key       rowKey
	sum       tierSum
}

func (s *chunkStream) next(ctx context.Context) (bool, error) {
	c := &s.dec.cols
	if s.i+1 >= c.points || s.chunk == 0 {
		if s.chunk == s.chunks {
			return false, nil
		}
		if err := s.load(ctx, s.chunk); err != nil {
			return false, err
		}
		s.chunk++
		s.i, s.g, s.end = -1, -1, 0
		if c.points == 0 {
			return s.next(ctx)
		}
	}
	s.i++
	for s.i >= s.end {
		s.g++
		s.end += int(c.count[s.g])
		s.key = groupOf(c.addr[s.g], c.place[s.g], c.asn[s.g])
	}
	k, port := c.kinds[c.kind[s.i]], uint16(0)
	if k.hasPort {
		port = c.ports[c.port[s.i]]
	}
	s.key.setRest(k, port, c.peers[c.peer[s.i]])
	s.sum = tierSum{c.sum(s.i), c.first[s.i] + s.offset, c.last[s.i] + s.offset}
	s.key.setOpened(s.sum.Opens > 0)
	return true, nil
}

func (s *chunkStream) row() (*rowKey, *tierSum) { return &s.key, &s.sum }

// sliceStream gives rows that are in memory.
type sliceStream struct {
	keys []rowKey
	sums []tierSum
	at   int // one more than the row's index
}

func (s *sliceStream) next(context.Context) (bool, error) {
	s.at++
	return s.at <= len(s.keys), nil
}

func (s *sliceStream) row() (*rowKey, *tierSum) { return &s.keys[s.at-1], &s.sums[s.at-1] }
