package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Table lays text out in columns. The zero value has no columns; add the titles with
// Head first. It is not safe for concurrent use.
type Table struct {
	titles []string
	right  []bool
	rows   [][]string
}

// Head names the columns; a title that begins with ">" is aligned to the right.
func (t *Table) Head(titles ...string) {
	t.titles = make([]string, len(titles))
	t.right = make([]bool, len(titles))
	for i, title := range titles {
		t.titles[i], t.right[i] = strings.CutPrefix(title, ">")
	}
}

// Row adds a line; cells beyond the titles are dropped, missing ones are empty.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(t.titles))
	for i := range min(len(cells), len(row)) {
		row[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, row)
}

// WriteTo writes the table: titles, then rows, two blanks between columns. Columns
// without a single cell are left out.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	widths := make([]int, len(t.titles))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	t.line(&b, t.titles, widths)
	for _, row := range t.rows {
		t.line(&b, row, widths)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func (t *Table) line(b *strings.Builder, cells []string, widths []int) {
	var line strings.Builder
	for i, cell := range cells {
		if widths[i] == 0 && len(t.rows) > 0 {
			continue
		}
		width := max(widths[i], utf8.RuneCountInString(t.titles[i]))
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
		if line.Len() > 0 {
			line.WriteString("  ")
		}
		if t.right[i] {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
