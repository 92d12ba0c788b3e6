package termmap

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// plainText is a text for terminals that know ASCII only: letters lose their accents,
// what has no such letter becomes a question mark.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII:
			return r
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == '–' || r == '—' || r == '−':
			return '-'
		case r == '\u00a0' || r == '\u202f' || r == '\u2009':
			return ' '
		case r == '…':
			return '~'
		case r == '·':
			return '|'
		}
		return '?'
	}, norm.NFD.String(s))
}

// plain returns the frame in ASCII.
func (f *Frame) plain() *Frame {
	g := *f
	g.Answer, g.Notes, g.Rows = nil, nil, append([]Row(nil), f.Rows...)
	for _, s := range f.Answer {
		g.Answer = append(g.Answer, plainText(s))
	}
	for _, s := range f.Notes {
		g.Notes = append(g.Notes, plainText(s))
	}
	for i := range g.Rows {
		g.Rows[i].Name, g.Rows[i].Amount = plainText(f.Rows[i].Name), plainText(f.Rows[i].Amount)
	}
	g.Title, g.Unit, g.Foot = plainText(f.Title), plainText(f.Unit), plainText(f.Foot)
	return &g
}
