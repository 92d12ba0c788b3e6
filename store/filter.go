package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Filter is a window and conditions that all must hold. The zero Filter restricts
// nothing. A Filter made by ParseFilter may be used by many goroutines at once.
type Filter struct {
	Window Window
	Terms  []Term
}

// ParseFilter reads the one filter language, as in
//
//	proto:tcp port:443,8443 ip:1.2.3.0/24 country:DE,FR city:"New York" dir:in -port:53
//
// Space is and, comma is or, a leading - is not; the same key twice is and. A missing
// field never matches, so its negation always does. The result has no window. Errors
// are *Mistake: they name the term and what would be right.
func ParseFilter(s string) (Filter, error) { return ParseFilterWith(s, nil) }

// ParseFilterWith is ParseFilter where label: can be asked for. Its terms stay at what
// labels says now.
func ParseFilterWith(s string, labels Labels) (Filter, error) {
	words, err := splitWords(s)
	if err != nil {
		return Filter{}, err
	}
	var f Filter
	for _, word := range words {
		term, err := parseTerm(word, labels)
		if err != nil {
			return Filter{}, err
		}
		f.Terms = append(f.Terms, term)
	}
	return f, nil
}

// String returns the conditions in the filter language, without the window.
func (f Filter) String() string {
	words := make([]string, len(f.Terms))
	for i, t := range f.Terms {
		words[i] = t.String()
	}
	return strings.Join(words, " ")
}

// Match reports whether p lies in the window and every term holds.
func (f *Filter) Match(p *Point) bool {
	if !f.Window.Contains(p.Time) {
		return false
	}
	for i := range f.Terms {
		if !f.Terms[i].Match(p) {
			return false
		}
	}
	return true
}

// splitWords cuts at spaces outside of double quotes; \" inside quotes is a quote.
// The quotes stay in the words: they also protect commas.
func splitWords(s string) ([]piece, error) {
	words, open := split(piece{s, 0, len(s)}, " \t\n", true)
	if open >= 0 {
		whole := piece{start: open, end: len(s)}
		return nil, whole.mistake(fmt.Sprintf("filter %q has an open quote: close it with \"", s), s[open:]+`"`)
	}
	return slices.DeleteFunc(words, func(w piece) bool { return w.text == "" }), nil
}

// splitValues cuts the part behind the colon at commas outside of quotes and
// removes the quotes.
func splitValues(word string, p piece) ([]piece, error) {
	values, _ := split(p, ",", false)
	for _, v := range values {
		if v.text == "" {
			return nil, v.mistake(fmt.Sprintf("filter term %q has an empty value", word), "")
		}
	}
	return values, nil
}

// split cuts p at separators outside of double quotes; a backslash inside quotes
// protects what follows. keep leaves quotes and backslashes where they are. open is
// where a quote begins that has no end, else -1.
func split(p piece, separators string, keep bool) (parts []piece, open int) {
	var part strings.Builder
	begin, open := p.start, -1
	escaped := false
	cut := func(end int) {
		parts = append(parts, piece{part.String(), begin, end})
		part.Reset()
	}
	for i, r := range p.text {
		syntax, at := false, p.start+i
		switch {
		case escaped:
			escaped = false
		case open >= 0 && r == '\\':
			escaped, syntax = true, true
		case r == '"' && open >= 0:
			open, syntax = -1, true
		case r == '"':
			open, syntax = at, true
		case open < 0 && strings.ContainsRune(separators, r):
			cut(at)
			begin = at + utf8.RuneLen(r)
			continue
		}
		if keep || !syntax {
			part.WriteRune(r)
		}
	}
	cut(p.end)
	return parts, open
}

// quote is the inverse of what splitValues does to one value.
func quote(v string) string {
	if !strings.ContainsAny(v, " \t\n,\"\\") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
