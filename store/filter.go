package store

import (
	"errors"
	"fmt"
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
func ParseFilter(s string) (Filter, error) {
	words, err := splitWords(s)
	if err != nil {
		return Filter{}, err
	}
	var f Filter
	for _, word := range words {
		term, err := parseTerm(word)
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
	var words []string
	var word strings.Builder
	quoted, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && (r == ' ' || r == '\t' || r == '\n'):
			if word.Len() > 0 {
				words = append(words, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteRune(r)
	}
	if quoted {
		return nil, fmt.Errorf("filter %q has an open quote: close it with \"", s)
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words, nil
}

// splitValues cuts the part behind the colon at commas outside of quotes and
// removes the quotes.
func splitValues(s string) ([]string, error) {
	var values []string
	var value strings.Builder
	quoted, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
			continue
		case r == '"':
			quoted = !quoted
			continue
		case r == ',' && !quoted:
			values = append(values, value.String())
			value.Reset()
			continue
		}
		value.WriteRune(r)
	}
	values = append(values, value.String())
	for _, v := range values {
		if v == "" {
			return nil, errors.New("an empty value")
		}
	}
	return values, nil
}

// quote is the inverse of what splitValues does to one value.
func quote(v string) string {
	if !strings.ContainsAny(v, " \t\n,\"\\") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
