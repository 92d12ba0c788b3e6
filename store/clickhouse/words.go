package clickhouse

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostSpellings is how many spellings of a word are listed before it becomes a pattern.
const mostSpellings = 64

// words is true of a column whose text, in lower case as Go has it, is one of list. The
// server's own lower case for Unicode is another: it goes by its version. lower() is that
// of ASCII everywhere, so what is not ASCII is spelled out.
func words(column string, list []string) string {
	var any, exact []string
	for _, w := range list {
		all, ok := spellings(w)
		if !ok {
			any = append(any, fmt.Sprintf("match(%s, %s)", column, quoteText(pattern(w))))
			continue
		}
		for _, s := range all {
			exact = append(exact, quoteText(s))
		}
	}
	if len(exact) > 0 {
		any = append(any, fmt.Sprintf("lower(%s) IN (%s)", column, strings.Join(exact, ", ")))
	}
	return anyOf(any)
}

// spellings returns the texts that are word once all their letters are small, but for
// those of ASCII, which are small. ok is false where there are too many.
func spellings(word string) (all []string, ok bool) {
	all = []string{""}
	for _, r := range word {
		letters := append(uppers(r), r)
		if len(all)*len(letters) > mostSpellings {
			return nil, false
		}
		next := make([]string, 0, len(all)*len(letters))
		for _, s := range all {
			for _, l := range letters {
				next = append(next, s+string(l))
			}
		}
		all = next
	}
	return all, true
}

// uppers returns the letters beyond ASCII whose small one is r: mostly one, of which i
// and k have some, too (İ of Turkish, the sign of kelvins).
func uppers(r rune) (all []rune) {
	for _, c := range unicode.CaseRanges {
		for u := rune(c.Lo); u <= rune(c.Hi); u++ {
			if u != r && u >= utf8.RuneSelf && unicode.ToLower(u) == r {
				all = append(all, u)
			}
		}
	}
	return all
}

// pattern is a regular expression that the spellings of word match and nothing else does.
// It has no classes of characters, so that it is the same to a server that looks at bytes.
func pattern(word string) string {
	var b strings.Builder
	b.WriteString(`^(?:`)
	for _, r := range word {
		letters := append(uppers(r), r)
		if u := unicode.ToUpper(r); r < utf8.RuneSelf && u != r {
			letters = append(letters, u)
		}
		b.WriteString("(?:")
		for i, l := range letters {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(quoteMeta(l))
		}
		b.WriteString(")")
	}
	b.WriteString(`)$`)
	return b.String()
}

// quoteMeta protects what RE2 would take for a sign of its own.
func quoteMeta(r rune) string {
	if r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return fmt.Sprintf(`\x%02x`, r)
	}
	return string(r)
}

// float is a number as SQL has it, bit by bit: old servers read decimals inexactly.
func float(f float64) string {
	b := binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
	return "reinterpretAsFloat64(unhex('" + hex.EncodeToString(b) + "'))"
}
