package export

import (
	"io"
	"slices"
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
	w    io.Writer
	cols []column
	rows *rowCache
	buf  []byte
}

func newCSVWriter(w io.Writer) *csvWriter {
	return &csvWriter{w: w, cols: rowColumns(), rows: newRowCache(), buf: make([]byte, 0, flushAt+4096)}
}

func (c *csvWriter) begin() error {
	for i, col := range c.cols {
		if i > 0 {
			c.buf = append(c.buf, ',')
		}
		c.buf = append(c.buf, col.name...)
	}
	c.buf = append(c.buf, '\n')
	return nil
}

func (c *csvWriter) write(points []store.Point) error {
	for i := range points {
		c.buf = c.appendRow(c.buf, &points[i])
		if len(c.buf) >= flushAt {
			if err := c.end(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *csvWriter) end() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *csvWriter) appendRow(b []byte, p *store.Point) []byte {
	for i := range c.cols {
		if i > 0 {
			b = append(b, ',')
		}
		start := len(b)
		b = c.cols[i].append(b, c.rows, p)
		if c.cols[i].free {
			b = quoteCell(b, start)
		}
	}
	return append(b, '\n')
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
