package clickhouse

import "strings"

// quoteName returns an identifier as SQL has it.
func quoteName(name string) string {
	return "`" + escape(name, '`') + "`"
}

// quoteText returns a string literal.
func quoteText(text string) string {
	return "'" + escape(text, '\'') + "'"
}

// escape puts a backslash before what would end a quoted text or begin an escape. The
// byte 0 becomes \0, since old servers' parsers end at it.
func escape(s string, quote byte) string {
	var b strings.Builder
	for i := range len(s) { // byte by byte: names need not be UTF-8
		switch c := s[i]; c {
		case quote, '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case 0:
			b.WriteString(`\0`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
