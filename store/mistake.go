package store

import (
	"strings"
	"unicode/utf8"
)

// Mistake is the error of ParseFilter: what is wrong with a filter, and where. It is
// not used without a text; the zero value says nothing.
type Mistake struct {
	Text string // what is wrong and what would be right, in words

	// Start and End enclose the part that is wrong: bytes of the filter, half-open.
	// They are equal where something is missing.
	Start, End int

	// Fix is what could stand there instead; empty where nobody knows.
	Fix string
}

func (m *Mistake) Error() string { return m.Text }

// piece is a part of a filter's text and where it stands there, in bytes.
type piece struct {
	text       string // without quotes, where they were taken off
	start, end int
}

// mistake is one about the piece.
func (p piece) mistake(text, fix string) *Mistake {
	return &Mistake{Text: text, Start: p.start, End: p.end, Fix: fix}
}

// nearest returns the name that a word was probably meant to be, or "": the one that
// the fewest changes turn it into, two at most and fewer than half of its letters.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, least := "", min(2, (utf8.RuneCountInString(word)-1)/2)
	for _, name := range names {
		if d := distance(word, strings.ToLower(name), least+1); d <= least {
			best, least = name, d-1
		}
	}
	return best
}

// distance counts the letters to insert, remove, replace or swap with their neighbour
// that turn a into b (optimal string alignment). Above most it may be anything above.
func distance(a, b string, most int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) > most || len(t)-len(s) > most {
		return most + 1
	}
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for k := range row {
		row[k] = k
	}
	for i := range s {
		before, last, row = last, row, before
		row[0] = i + 1
		for k := range t {
			cost := 1
			if s[i] == t[k] {
				cost = 0
			}
			row[k+1] = min(last[k+1]+1, row[k]+1, last[k]+cost)
			if i > 0 && k > 0 && s[i] == t[k-1] && s[i-1] == t[k] {
				row[k+1] = min(row[k+1], before[k-1]+1)
			}
		}
	}
	return row[len(t)]
}

// fixPrefix completes the beginning of an IPv4 address to the network it stands for:
// 1.2.3, 1.2.3. and 1.2.3.* are 1.2.3.0/24.
func fixPrefix(s string) string {
	octets := strings.Split(strings.TrimRight(s, ".*"), ".")
	if len(octets) > 3 {
		return ""
	}
	whole := strings.Join(octets, ".") + strings.Repeat(".0", 4-len(octets)) + "/" + []string{"", "8", "16", "24"}[len(octets)]
	if !isPrefix(whole) {
		return ""
	}
	return whole
}

// fixRange turns a range that runs backwards around.
func fixRange(s string) string {
	low, high, ok := strings.Cut(s, "-")
	if !ok || !isNumber(low) || !isNumber(high) {
		return ""
	}
	return high + "-" + low
}
