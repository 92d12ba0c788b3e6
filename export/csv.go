package export

import (
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/packetheat/packetheat/store"
)

// rowWriter writes rows in one format. Rows are collected in one buffer and handed
// to the writer in pieces of about flushAt, so that memory is bounded.
type rowWriter interface {
	begin() error
	write(points []store.Point) error
	end() error
}

const flushAt = 64 << 10

// csvWriter writes RFC 4180 with two choices of its own: lines end in LF, because
// the tools that CSV is piped into (cut, awk, grep) take a CR for a part of the last
// field, and readers accept both; and text from outside that a spreadsheet would
// take for a formula is neutralised by an apostrophe before it.
type csvWriter struct {
	w      io.Writer
	buf    []byte
	tables *tables
	pieces *pieces
}

func newCSVWriter(w io.Writer) *csvWriter {
	return &csvWriter{w: w, buf: make([]byte, 0, flushAt+4096)}
}

func (c *csvWriter) begin() error {
	c.buf = append(c.buf, strings.Join(Columns(), ",")...)
	c.buf = append(c.buf, '\n')
	return nil
}

// write numbers what rows have in common, so that its text is made once.
func (c *csvWriter) write(points []store.Point) error {
	for i := range points {
		if c.tables == nil || c.tables.places.len()+c.tables.nets.len() > 1<<16 {
			c.tables = newTables()
			c.pieces = newPieces(c.tables)
		}
		p := &points[i]
		k := c.tables.key(p, levelPlaces) // addresses change all the time
		k.port, k.flags = p.Port, p.Flags
		if p.HasPort {
			k.bits |= bitPort
		}
		if err := c.row(&k, p.Addr, p.Peer, p.Time, p.Interval, p.Sum()); err != nil {
			return err
		}
	}
	return nil
}

// writeSlim writes rows of a recent, which has numbered everything already.
func (c *csvWriter) writeSlim(r *recent, at time.Time, interval time.Duration, rows []slim) error {
	if r.pieces == nil {
		r.pieces = newPieces(r.tables)
	}
	c.tables, c.pieces = r.tables, r.pieces
	for i := range rows {
		s := &rows[i]
		k := r.tables.flows.list[s.flow]
		k.flags |= s.flags
		if err := c.row(&k, netip.Prefix{}, netip.Prefix{}, at, interval, s.Sum); err != nil {
			return err
		}
	}
	return nil
}

// row appends a row: its addresses are those of the key, where they have numbers.
func (c *csvWriter) row(k *slimKey, addr, peer netip.Prefix, at time.Time, interval time.Duration, s store.Sum) error {
	p := c.pieces
	b := append(c.buf, p.time(at)...)
	b = append(b, p.spots.of(k.place)...)
	b = append(b, p.kind(k)...)
	if k.addr != 0 {
		b = append(b, p.ends.of(k.addr)...)
	} else {
		b = append(appendPrefix(b, addr), ',')
	}
	if k.peer != 0 {
		b = append(b, p.ends.of(k.peer)...)
	} else {
		b = append(appendPrefix(b, peer), ',')
	}
	if k.bits&bitPort != 0 {
		b = strconv.AppendUint(b, uint64(k.port), 10)
	}
	b = strconv.AppendUint(append(b, ','), s.Packets, 10)
	b = strconv.AppendUint(append(b, ','), s.Bytes, 10)
	b = strconv.AppendUint(append(b, ','), s.Opens, 10)
	b = append(b, ',')
	b = append(b, p.cities.of(k.place)...)
	b = append(b, p.nets.of(k.net)...)
	b = append(b, p.sensors.of(uint32(k.sensor))...)
	b = append(b, p.interval(interval)...)
	b = append(b, p.precisions.of(k.place)...)
	if k.flags != 0 {
		b = append(b, k.flags.String()...)
	}
	c.buf = append(b, '\n')
	if len(c.buf) >= flushAt {
		return c.end()
	}
	return nil
}

func (c *csvWriter) end() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

// appendCells appends the cells of columns from to to, each with a comma behind it.
func appendCells(b []byte, cols []column, from, to string, rows *rowCache, p *store.Point) []byte {
	in := false
	for i := range cols {
		if in = in || cols[i].name == from; !in {
			continue
		}
		start := len(b)
		b = cols[i].append(b, rows, p)
		if cols[i].free {
			b = quoteCell(b, start)
		}
		b = append(b, ',')
		if cols[i].name == to {
			break
		}
	}
	return b
}

// quoteCell makes the text b[start:] a cell: neutralised if it looks like a formula
// (contract.md: = + - @ or a tab), quoted where RFC 4180 asks for it, always UTF-8.
func quoteCell(b []byte, start int) []byte {
	plain := true
	for _, c := range b[start:] {
		// Every byte that needs a look is below '-' or above '~', except = and @.
		if c <= '-' && c != ' ' || c >= utf8.RuneSelf || c == '=' || c == '@' {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
	if !utf8.Valid(b[start:]) {
		b = append(b[:start], []byte(toValid(b[start:]))...)
	}
	switch b[start] {
	case '=', '+', '-', '@', '\t':
		b = slices.Insert(b, start, '\'')
	}
	quotes, needed := 0, false
	for _, c := range b[start:] {
		if c == '"' {
			quotes++
		}
		needed = needed || c == '"' || c == ',' || c == '\n' || c == '\r'
	}
	if !needed {
		return b
	}
	cell := append([]byte(nil), b[start:]...)
	b = append(slices.Grow(b[:start], len(cell)+quotes+2), '"')
	for _, c := range cell {
		if c == '"' {
			b = append(b, '"')
		}
		b = append(b, c)
	}
	return append(b, '"')
}
