package termmap

import (
	"fmt"
	"strings"
)

// Colours is how many a terminal has.
type Colours uint8

// The kinds of terminals.
const (
	None      Colours = iota // heat is in four shades of grey blocks
	Sixteen                  // the eight of 1983, and bright ones
	Many                     // the 256 of xterm
	TrueColor                // 24 bits
)

// Style is what a terminal can show. The zero value is braille without colour.
type Style struct {
	Colours Colours
	ASCII   bool // no braille: the locale has no UTF-8, or the font is a console's
	Light   bool // the background is light
}

// StyleOf says what the environment promises. terminal is whether anybody looks at the
// output; a file gets no colours. See no-color.org for NO_COLOR.
func StyleOf(getenv func(string) string, terminal bool) Style {
	s := Style{ASCII: !utf8Locale(getenv)}
	kind := getenv("TERM")
	if kind == "linux" || strings.HasPrefix(kind, "vt") { // their fonts have 256 characters, none of them braille
		s.ASCII = true
	}
	if _, background, ok := strings.Cut(getenv("COLORFGBG"), ";"); ok {
		s.Light = background == "7" || background == "15" || strings.HasSuffix(background, ";7") || strings.HasSuffix(background, ";15")
	}
	if !terminal || getenv("NO_COLOR") != "" || kind == "dumb" {
		return s
	}
	s.Colours = ColoursOf(getenv)
	return s
}

// ColoursOf says how many colours the terminal has, whether or not they are wanted.
func ColoursOf(getenv func(string) string) Colours {
	switch depth := getenv("COLORTERM"); {
	case depth == "truecolor" || depth == "24bit" || strings.HasSuffix(getenv("TERM"), "-direct"):
		return TrueColor
	case strings.Contains(getenv("TERM"), "256color"):
		return Many
	}
	return Sixteen
}

// utf8Locale reads the locale of characters as setlocale(3) does: the first that is set.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

const reset = "\x1b[0m"

// paint colours a text for an amount at position t of the scale, 0 to 1.
func (s Style) paint(text string, t float64) string {
	switch s.Colours {
	case TrueColor:
		c := rampColour(s.Light, t)
		return fmt.Sprintf("\x1b[38;2;%d;%d;%dm%s%s", c[0], c[1], c[2], text, reset)
	case Many:
		return fmt.Sprintf("\x1b[38;5;%dm%s%s", nearest256(rampColour(s.Light, t)), text, reset)
	case Sixteen:
		ramp := sixteenDark
		if s.Light {
			ramp = sixteenLight
		}
		return fmt.Sprintf("\x1b[%sm%s%s", ramp[min(len(ramp)-1, int(t*float64(len(ramp))))], text, reset)
	}
	return text
}

// The ramps of sixteen colours, weak to strong.
var (
	sixteenDark  = [...]string{"35", "31", "91", "33", "93", "97"}
	sixteenLight = [...]string{"36", "32", "34", "35", "31", "30"}
)

// faint is for what is there to find one's way: coasts, units.
func (s Style) faint(text string) string {
	switch {
	case text == "" || s.Colours == None:
		return text
	case s.Colours == Sixteen && s.Light:
		return "\x1b[37m" + text + reset
	case s.Colours == Sixteen:
		return "\x1b[90m" + text + reset
	case s.Light:
		return "\x1b[38;5;247m" + text + reset
	}
	return "\x1b[38;5;242m" + text + reset
}

// bold is for the answer. Without colours there is no bold either.
func (s Style) bold(text string, yes bool) string {
	if !yes || s.Colours == None {
		return text
	}
	return "\x1b[1m" + text + reset
}

// mark is for the numbers of the list on the map.
func (s Style) mark(text string) string {
	if s.Colours == None {
		return text
	}
	return "\x1b[1;7m" + text + reset
}

func (s Style) separator() string {
	if s.ASCII {
		return " | "
	}
	return " · "
}
