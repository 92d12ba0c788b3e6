package termmap

import (
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

// width is how many columns a text takes, without the sequences that colour it.
func width(s string) int {
	n := 0
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		n += uniseg.StringWidth(before)
		if !found {
			return n
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

// clip cuts a text to so many columns and ends it with an ellipsis where it does.
func (s Style) clip(text string, columns int) string {
	if uniseg.StringWidth(text) <= columns {
		return text
	}
	ellipsis := "…"
	if s.ASCII {
		ellipsis = "~"
	}
	if columns < 1 {
		return ""
	}
	cut, left := "", columns-1
	for g := uniseg.NewGraphemes(text); g.Next() && g.Width() <= left; left -= g.Width() {
		cut += g.Str()
	}
	return strings.TrimRight(cut, " ") + ellipsis
}

func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// wrap joins pieces by a separator into as few lines as hold them. A piece is not cut
// unless it alone is too long.
func wrap(pieces []string, columns int, separator string) (lines []string) {
	line := ""
	for _, piece := range pieces {
		piece = Style{ASCII: separator == " | "}.clip(piece, columns)
		switch {
		case line == "":
			line = piece
		case uniseg.StringWidth(line+separator+piece) <= columns:
			line += separator + piece
		default:
			lines, line = append(lines, line), piece
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// paragraphs breaks sentences at spaces.
func paragraphs(sentences []string, columns int) (lines []string) {
	for _, s := range sentences {
		lines = append(lines, wrap(strings.Fields(s), columns, " ")...)
	}
	return lines
}

// The parts of a row of the list: its number, a gap, a name, a gap, an amount, a gap, a bar.
const (
	numberWidth = 2
	amountWidth = 8
	barWidth    = 6
	listLeast   = 3 // lines that are worth a title
	rowLeast    = numberWidth + 1 + 6 + 1 + amountWidth
	rowMost     = 60 // columns; wider ones tear name and amount apart
)

// list draws the rows that have room, in two columns where there is room for them.
func (s Screen) list(f *Frame, l layout) []string {
	if len(f.Rows) == 0 || l.listLines < listLeast || l.listColumns < rowLeast {
		return nil
	}
	room := l.listLines - 1
	columns := 1
	if !l.beside && l.listColumns >= 2*30 && len(f.Rows) > room {
		columns = 2
	}
	each := min(rowMost, (l.listColumns-2*(columns-1))/columns)
	lines := []string{s.Style.faint(s.Style.clip(f.Title, l.listColumns))}
	rows := f.Rows[:min(len(f.Rows), room*columns)]
	high := min(room, len(rows))
	for i := range high {
		line := s.row(i, &rows[i], each)
		if j := i + high; columns == 2 && j < len(rows) {
			line = pad(line, each+2) + s.row(j, &rows[j], each)
		}
		lines = append(lines, line)
	}
	return lines
}

// row draws one line of the list.
func (s Screen) row(i int, r *Row, columns int) string {
	bar := ""
	name := columns - numberWidth - 1 - 1 - amountWidth
	if name >= 10+barWidth+1 {
		name -= barWidth + 1
		bar = " " + s.bar(r.Share)
	}
	number := strconv.Itoa(i + 1)
	number = strings.Repeat(" ", max(0, numberWidth-len(number))) + number
	amount := s.Style.clip(r.Amount, amountWidth)
	line := number + " " + pad(s.Style.clip(r.Name, name), name) + " " + strings.Repeat(" ", max(0, amountWidth-width(amount))) + amount + bar
	return strings.TrimRight(line, " ")
}

// eighths are a character filled from the left by so many eighths.
var eighths = []string{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}

// bar is a share of all as a bar; what is there at all is seen.
func (s Screen) bar(share float64) string {
	if share <= 0 {
		return ""
	}
	if s.Style.ASCII {
		return strings.Repeat("=", max(1, int(share*barWidth+0.5)))
	}
	n := min(8*barWidth, max(1, int(share*8*barWidth+0.5)))
	return s.Style.faint(strings.Repeat("█", n/8) + eighths[n%8])
}
