package export

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// tree writes the rows of one table as the pages that SQLite would have made of
// them (https://sqlite.org/fileformat2.html, 1.6): all leaves one after the other,
// each level above them a page at a time. Rows come in order of their number, so that
// nothing is ever moved. Bound one by one, twenty values a row cost the driver 3.8 µs
// a row, of which it spends most on the way from Go to C; this takes a tenth of that.
//
// SQLite itself makes the file with its empty tables before, and the index after.
type tree struct {
	file *os.File
	w    *bufio.Writer
	root uint32 // page of the table's root, which is empty
	size uint32 // pages of the file, those not yet written included
	row  int64  // number of the last row

	leaf   treePage
	levels []*interior // above the leaves, the lowest first
	chain  [pageSize]byte
	lock   uint32 // lockPage, but for tests
}

// pageSize is SQLite's own default.
const pageSize = 4096

// lockPage is the page at 1 GiB, whose bytes are SQLite's locks: never data.
const lockPage = 0x40000000/pageSize + 1

// The kinds of pages of a table, and the sizes of their headers.
const (
	leafPage      = 0x0d
	interiorPage  = 0x05
	leafHead      = 8
	interiorHead  = 12
	maxLocal      = pageSize - 35             // of a record that is wholly in its leaf
	minLocal      = (pageSize-12)*32/255 - 23 // that stays there of a longer one
	overflowBytes = pageSize - 4              // of a record in each page of its chain
)

// treePage is one being filled: pointers grow from the head, cells from the end.
type treePage struct {
	b     [pageSize]byte
	head  int
	cells int
	from  int // start of the cells
}

func (p *treePage) reset(kind byte, head int) {
	clear(p.b[:head])
	p.b[0], p.head, p.cells, p.from = kind, head, 0, pageSize
}

// room returns the bytes of a new cell of length n; nil where it does not fit.
func (p *treePage) room(n int) []byte {
	pointer := p.head + 2*p.cells
	if p.from-n < pointer+2 {
		return nil
	}
	p.from -= n
	binary.BigEndian.PutUint16(p.b[pointer:], uint16(p.from))
	p.cells++
	return p.b[p.from : p.from+n]
}

// finish completes the header; what is between pointers and cells becomes zero.
func (p *treePage) finish() []byte {
	binary.BigEndian.PutUint16(p.b[3:], uint16(p.cells))
	binary.BigEndian.PutUint16(p.b[5:], uint16(p.from))
	clear(p.b[p.head+2*p.cells : p.from])
	return p.b[:]
}

// interior is an interior page being filled. Its newest child waits: it becomes a cell
// once another one follows, or else the page's right-most child.
type interior struct {
	treePage
	waits, last child // last: of the newest cell
	length      int   // of that cell
}

// child is a finished page and its last row. The zero value is none.
type child struct {
	number uint32
	key    int64
}

// newTree begins the table whose empty root is the page root of f.
func newTree(f *os.File, root uint32) (*tree, error) {
	var head [100]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if n := binary.BigEndian.Uint16(head[16:]); n != pageSize || head[20] != 0 || info.Size()%pageSize != 0 {
		return nil, fmt.Errorf("SQLite made pages of %d bytes, not of %d", n, pageSize)
	}
	t := &tree{file: f, root: root, size: uint32(info.Size() / pageSize), lock: lockPage}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	t.w = bufio.NewWriterSize(f, 1<<20)
	t.leaf.reset(leafPage, leafHead)
	return t, nil
}

// after returns the page that follows page n.
func (t *tree) after(n uint32) uint32 {
	if n+1 == t.lock {
		return n + 2
	}
	return n + 1
}

// put appends b, a whole page, to the file and returns its number.
func (t *tree) put(b []byte) (uint32, error) {
	next := t.after(t.size)
	if next != t.size+1 {
		if _, err := t.w.Write(make([]byte, pageSize)); err != nil {
			return 0, err
		}
	}
	t.size = next
	_, err := t.w.Write(b)
	return next, err
}

// add appends a row with this record.
func (t *tree) add(record []byte) error {
	local, chain, err := t.split(record)
	if err != nil {
		return err
	}
	var head [18]byte
	start := appendVarint(head[:0], uint64(len(record)))
	start = appendVarint(start, uint64(t.row+1))
	n := len(start) + len(local)
	if chain != 0 {
		n += 4
	}
	cell := t.leaf.room(n)
	if cell == nil {
		number, err := t.put(t.leaf.finish())
		if err != nil {
			return err
		}
		if err := t.child(0, child{number, t.row}); err != nil {
			return err
		}
		t.leaf.reset(leafPage, leafHead)
		cell = t.leaf.room(n)
	}
	copy(cell[copy(cell, start):], local)
	if chain != 0 {
		binary.BigEndian.PutUint32(cell[n-4:], chain)
	}
	t.row++
	return nil
}

// split puts what of a record is too long for a leaf into pages of its own and
// returns the rest, and the first of these pages (0: none).
func (t *tree) split(record []byte) (local []byte, chain uint32, err error) {
	if len(record) <= maxLocal {
		return record, 0, nil
	}
	n := minLocal + (len(record)-minLocal)%overflowBytes
	if n > maxLocal {
		n = minLocal
	}
	for rest := record[n:]; len(rest) > 0; {
		clear(t.chain[:])
		rest = rest[copy(t.chain[4:], rest):]
		if len(rest) > 0 {
			binary.BigEndian.PutUint32(t.chain[:], t.after(t.after(t.size)))
		}
		number, err := t.put(t.chain[:])
		if err != nil {
			return nil, 0, err
		}
		if chain == 0 {
			chain = number
		}
	}
	return record[:n], chain, nil
}

// child adds a finished page to the level above it.
func (t *tree) child(depth int, c child) error {
	if depth == len(t.levels) {
		l := new(interior)
		l.reset(interiorPage, interiorHead)
		t.levels = append(t.levels, l)
	}
	l := t.levels[depth]
	if l.waits.number != 0 && !l.push() {
		// The newest cell becomes the right-most child of the full page, so that the next
		// page begins with two children: none may have only one.
		l.cells, l.from = l.cells-1, l.from+l.length
		up := l.last
		binary.BigEndian.PutUint32(l.b[8:], up.number)
		var err error
		if up.number, err = t.put(l.finish()); err != nil {
			return err
		}
		l.reset(interiorPage, interiorHead)
		l.push()
		if err := t.child(depth+1, up); err != nil {
			return err
		}
	}
	l.waits = c
	return nil
}

// push makes a cell of the waiting child, if there is room.
func (l *interior) push() bool {
	var b [13]byte
	cell := appendVarint(binary.BigEndian.AppendUint32(b[:0], l.waits.number), uint64(l.waits.key))
	room := l.room(len(cell))
	if room == nil {
		return false
	}
	l.last, l.length = l.waits, copy(room, cell)
	return true
}

// close writes what is left, the root last, and the file's size into its header.
func (t *tree) close() error {
	root := t.leaf.finish()
	up := child{key: t.row}
	for depth := 0; depth < len(t.levels); depth++ {
		var err error
		if up.number, err = t.put(root); err != nil {
			return err
		}
		if err := t.child(depth, up); err != nil {
			return err
		}
		l := t.levels[depth]
		up.key = l.waits.key
		binary.BigEndian.PutUint32(l.b[8:], l.waits.number)
		root = l.finish()
	}
	if err := t.w.Flush(); err != nil {
		return err
	}
	if _, err := t.file.WriteAt(root, int64(t.root-1)*pageSize); err != nil {
		return err
	}
	_, err := t.file.WriteAt(binary.BigEndian.AppendUint32(nil, t.size), 28)
	return err
}
