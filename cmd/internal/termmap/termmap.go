// Package termmap draws a world map with heat as text: braille dots where the terminal
// has them, plain characters where it does not, in as many colours as there are. It
// knows nothing of stores and terminals: Draw turns a Frame into lines for a Screen.
//
// The coasts are Natural Earth's (public domain, by way of the npm package world-atlas),
// simplified into world.bin by export/page/build/outline.mjs. Projection, scale and
// colours are those of the page, so that both show the same picture.
package termmap

import (
	"math"
	"strings"
)

// Spot is an amount at a place, in degrees.
type Spot struct {
	Latitude, Longitude float64
	Weight              uint64
}

// Row is a line of the list beside the map. Spot is where its number is put on the map;
// nil: nowhere.
type Row struct {
	Name, Amount string
	Share        float64 // of all, 0 to 1: the length of its bar
	Spot         *Spot
}

// Frame is what is to be seen. Texts must be clean: nothing in them may move a cursor.
type Frame struct {
	Answer []string // the first row, in pieces that are joined by a dot
	Notes  []string // sentences below it: why there is nothing, what is missing
	Spots  []Spot
	Unit   string              // of the weights, "packets"
	Amount func(uint64) string // prints a weight
	Title  string              // of the list
	Rows   []Row               // biggest first
	Foot   string              // the screen's last line; "": none
}

// Screen is what is drawn on. The zero Style is plain braille without colour.
type Screen struct {
	Columns, Lines int
	Style          Style
	Fit            bool // show where the spots are instead of the whole world
}

// The least a map is drawn on; what is smaller is treated as this large.
const (
	leastColumns = 20
	leastLines   = 6
)

// Draw returns the lines of the frame, at most as many as the screen has, none wider
// than it, without line ends. Colours end with the line that begins them.
func (s Screen) Draw(f *Frame) (drawn []string) {
	s.Columns, s.Lines = max(s.Columns, leastColumns), max(s.Lines, leastLines)
	if s.Style.ASCII {
		f = f.plain()
	}
	head := append(wrap(f.Answer, s.Columns, s.Style.separator()), paragraphs(f.Notes, s.Columns)...)
	head = head[:min(len(head), s.Lines-4)]
	if f.Foot != "" {
		s.Lines--
		defer func() { drawn = s.foot(drawn, f.Foot) }()
	}
	for i := range head {
		head[i] = s.Style.bold(head[i], i == 0 || i < len(head)-len(f.Notes))
	}
	view := s.view(f.Spots)
	l := s.arrange(view.aspect(), len(f.Rows), s.Lines-len(head)-1)
	m := newMap(l.mapColumns, l.mapLines, view)
	m.heat(f.Spots)
	lines := m.lines(s.Style, f.Rows)
	legend := m.legend(s.Style, f, s.Columns)
	list := s.list(f, l)
	if l.beside {
		side := append(lines, fit(legend, l.mapColumns)...)
		return append(head, join(side, list, l.mapColumns, s.Style)...)
	}
	return append(append(append(head, lines...), legend), list...)
}

// foot puts a line at the bottom of the screen.
func (s Screen) foot(lines []string, text string) []string {
	for len(lines) < s.Lines {
		lines = append(lines, "")
	}
	return append(lines[:s.Lines], s.Style.faint(s.Style.clip(text, s.Columns)))
}

// fit is the legend as lines beside a list: where it is too wide it is left out, for
// half of it would say something else.
func fit(legend string, columns int) []string {
	if width(legend) > columns {
		return nil
	}
	return []string{legend}
}

// layout is who gets which part of the screen below the head.
type layout struct {
	mapColumns, mapLines   int
	beside                 bool
	listColumns, listLines int
}

const (
	listWidth    = 34   // columns of a list beside the map, with the gap between them
	listWidest   = 46   // where there is room
	listBelow    = 5    // lines of a list below the map, with its title
	mapLeast     = 10   // lines of a map that makes room for it
	besideEnough = 0.62 // a map beside its list may be so much narrower than one above it
)

// arrange chooses between a list beside the map and one below it: beside, unless the map
// would lose much by that. lines are those for map and list, without the legend.
func (s Screen) arrange(aspect float64, rows, lines int) layout {
	below := layout{mapColumns: s.Columns, mapLines: rowsOf(s.Columns, aspect)}
	if below.mapLines > lines {
		below.mapLines = max(1, lines)
	}
	if rows == 0 {
		return below
	}
	if s.Columns >= listWidth+leastColumns {
		wide := max(listWidth, min(listWidest, s.Columns/3))
		side := layout{mapColumns: s.Columns - wide, beside: true, listColumns: wide - 2, listLines: lines + 1}
		side.mapLines = min(max(1, lines), rowsOf(side.mapColumns, aspect))
		full := min(float64(s.Columns), columnsOf(below.mapLines, aspect))
		if math.Min(float64(side.mapColumns), columnsOf(side.mapLines, aspect)) >= besideEnough*full {
			return side
		}
	}
	if lines >= mapLeast+listBelow {
		below.mapLines = min(below.mapLines, lines-listBelow)
	}
	below.listColumns, below.listLines = s.Columns, lines-below.mapLines
	return below
}

// rowsOf is how many lines a map needs that is so many columns wide: a character is two
// dots wide and four high, and dots are square.
func rowsOf(columns int, aspect float64) int {
	return max(1, int(math.Ceil(2*float64(columns)/aspect/4)))
}

func columnsOf(lines int, aspect float64) float64 { return 4 * float64(lines) * aspect / 2 }

// join puts the list to the right of the map.
func join(left, right []string, columns int, style Style) []string {
	var out []string
	for i := range max(len(left), len(right)) {
		line := ""
		if i < len(left) {
			line = left[i]
		}
		if i < len(right) && right[i] != "" {
			line += strings.Repeat(" ", columns-width(line)+2) + right[i]
		}
		out = append(out, line)
	}
	return out
}
