package termmap

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// braille is the bit of each dot of a character, by row and column (Unicode 15, 2800–28FF).
var braille = [4][2]uint8{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// The heat where there are no colours, weak to strong.
const (
	blocks = "░▒▓█"
	plain  = "-+*#@"
)

// Levels returns the characters that stand for amounts where colours do not.
func (s Style) levels() []rune {
	if s.ASCII {
		return []rune(plain)
	}
	return []rune(blocks)
}

// cell is one character of the map.
type cell struct {
	text string
	heat float64 // position on the scale; below 0: none
	mark bool
}

// lines draws the map, with the numbers of the rows at their places.
func (m *worldMap) lines(style Style, rows []Row) []string {
	marks := m.marks(rows)
	out := make([]string, m.rows)
	for r := range out {
		cells := make([]cell, m.columns)
		for c := range cells {
			cells[c] = m.cell(style, c, r)
			if n, ok := marks[[2]int{c, r}]; ok {
				cells[c].text, cells[c].mark = strconv.Itoa(n), true
			}
		}
		out[r] = style.line(cells)
	}
	return out
}

// cell chooses the character: heat over coast over sea.
func (m *worldMap) cell(style Style, column, row int) cell {
	v, warm, land := m.strength(column, row)
	if warm == 0 {
		return cell{text: style.coast(land), heat: -1}
	}
	t := m.scale.position(v)
	if style.Colours == None || style.ASCII {
		return cell{text: style.level(t), heat: t}
	}
	return cell{text: string(rune(0x2800 + int(warm))), heat: t}
}

func (s Style) level(t float64) string {
	levels := s.levels()
	return string(levels[min(len(levels)-1, int(t*float64(len(levels))))])
}

// coast is the character of a piece of coast.
func (s Style) coast(land uint8) string {
	const upper = 0x01 | 0x08 | 0x02 | 0x10
	switch {
	case land == 0:
		return " "
	case !s.ASCII:
		return string(rune(0x2800 + int(land)))
	case land&upper == 0:
		return "."
	case land&^upper == 0:
		return "'"
	}
	return ":"
}

// line joins the characters of a row, one colour a run of equal ones; spaces at its end
// are left out.
func (s Style) line(cells []cell) string {
	for len(cells) > 0 && cells[len(cells)-1].text == " " {
		cells = cells[:len(cells)-1]
	}
	var b strings.Builder
	for i := 0; i < len(cells); {
		first, text := cells[i], ""
		for ; i < len(cells) && cells[i].mark == first.mark && s.same(cells[i].heat, first.heat); i++ {
			text += cells[i].text
		}
		switch {
		case first.mark:
			b.WriteString(s.mark(text))
		case first.heat < 0 && strings.TrimSpace(text) == "":
			b.WriteString(text)
		case first.heat < 0:
			b.WriteString(s.faint(text))
		default:
			b.WriteString(s.paint(text, first.heat))
		}
	}
	return b.String()
}

// same reports whether two amounts have the same colour.
func (s Style) same(a, b float64) bool {
	return (a < 0) == (b < 0) && (a < 0 || s.paint("", a) == s.paint("", b))
}

// mostMarks is how many rows have their number on the map: one digit each.
const mostMarks = 9

// marks places the numbers of the rows, the first ones first; a place that is taken
// stays with who has it.
func (m *worldMap) marks(rows []Row) map[[2]int]int {
	marks := map[[2]int]int{}
	for i := range rows[:min(mostMarks, len(rows))] {
		if rows[i].Spot == nil {
			continue
		}
		x, y, ok := m.at(*rows[i].Spot)
		at := [2]int{x / 2, y / 4}
		if _, taken := marks[at]; ok && !taken {
			marks[at] = i + 1
		}
	}
	return marks
}

// legendSteps are the characters of the legend's ramp.
const legendSteps = 12

// legend says what the heat means: its limits, its unit, how wide "near here" is.
func (m *worldMap) legend(style Style, f *Frame, columns int) string {
	if !m.any {
		return ""
	}
	km := m.reachKM()
	digits := math.Pow(10, math.Floor(math.Log10(km)))
	near := fmt.Sprintf("%s within %.0f km, log", f.Unit, math.Round(km/digits)*digits)
	ramp := ""
	for i := range legendSteps {
		t := (float64(i) + 0.5) / legendSteps
		switch {
		case style.Colours == None || style.ASCII:
			ramp += style.paint(style.level(t), t)
		default:
			ramp += style.paint("⣿", t)
		}
	}
	low, high := limit(f.Amount, m.scale.low), f.Amount(uint64(m.scale.high))
	legend := low + " " + ramp + " " + high + "  " + style.faint(near)
	if width(legend) > columns {
		legend = low + " " + ramp + " " + high
	}
	if width(legend) > columns {
		return ""
	}
	return legend
}

func limit(print func(uint64) string, v float64) string {
	if v < 1 {
		return "<" + print(1)
	}
	return print(uint64(v))
}
