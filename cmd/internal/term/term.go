// Package term writes for people at a terminal: tables, numbers with units, log
// lines and progress bars. What it prints of names from packets and databases is
// cleaned first, so that nobody can steer a terminal by the name of a network.
package term

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	xterm "golang.org/x/term"
)

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// Red returns s in red where w is a terminal, unless NO_COLOR is set.
func Red(w io.Writer, s string) string {
	if !Is(w) || os.Getenv("NO_COLOR") != "" {
		return s
	}
	return "\x1b[1;31m" + s + "\x1b[0m"
}

// Clean replaces what would move a cursor or change a colour: control characters and
// the marks that reverse the direction of writing.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// Count prints a number in at most five figures: 9,999 in full, then 12.4 k, 3.10 M.
func Count(n uint64) string {
	if n < 10_000 {
		return grouped(n)
	}
	return scaled(float64(n), 1000, []string{"", " k", " M", " G", " T", " P", " E"})
}

// Bytes prints an amount of data: 512 B, 9.14 GB. Its units are 1000 based, as those
// of network equipment are.
func Bytes(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	return scaled(float64(n), 1000, []string{" B", " kB", " MB", " GB", " TB", " PB", " EB"})
}

// scaled prints three significant figures.
func scaled(x, base float64, units []string) string {
	i := 0
	for ; x >= base*0.9995 && i < len(units)-1; i++ {
		x /= base
	}
	decimals := 2
	switch {
	case x >= 99.95:
		decimals = 0
	case x >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64) + units[i]
}

// grouped prints 9,999.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Share prints part of whole as a percentage; what is there but rounds to nothing is
// "<0.1 %", and a whole of nothing gives "".
func Share(part, whole uint64) string {
	switch {
	case whole == 0:
		return ""
	case part > 0 && part*1000/whole == 0:
		return "<0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// Duration prints d to the second, longer ones to the minute or hour: 42s, 3m10s, 5h20m, 3d4h.
func Duration(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return d.String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}
