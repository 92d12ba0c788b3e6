package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
// name the term and what would be right.
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
func splitWords(s string) ([]string, error) {
	words, closed := split(s, " \t\n", true)
	if !closed {
		return nil, fmt.Errorf("filter %q has an open quote: close it with \"", s)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" }), nil
}

// splitValues cuts the part behind the colon at commas outside of quotes and
// removes the quotes.
func splitValues(s string) ([]string, error) {
	values, _ := split(s, ",", false)
	if slices.Contains(values, "") {
		return nil, errors.New("an empty value")
	}
	return values, nil
}

// split cuts s at separators outside of double quotes; a backslash inside quotes
// protects what follows. keep leaves quotes and backslashes where they are. closed is
// false where a quote has no end.
func split(s, separators string, keep bool) (parts []string, closed bool) {
	var part strings.Builder
	quoted, escaped := false, false
	for _, r := range s {
		syntax := false
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped, syntax = true, true
		case r == '"':
			quoted, syntax = !quoted, true
		case !quoted && strings.ContainsRune(separators, r):
			parts = append(parts, part.String())
			part.Reset()
			continue
		}
		if keep || !syntax {
			part.WriteRune(r)
		}
	}
	return append(parts, part.String()), !quoted
}

// quote is the inverse of what splitValues does to one value.
func quote(v string) string {
	if !strings.ContainsAny(v, " \t\n,\"\\") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
