package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// addJSON adds the flag that every command has that prints a table.
func addJSON(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON instead of a table")
}

// printJSON writes one indented document to standard output.
func (p *program) printJSON(v any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// windowJSON is a window in UTC; an open side is left out.
type windowJSON struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

func windowToJSON(w store.Window) windowJSON {
	utc := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.UTC()
	}
	return windowJSON{utc(w.From), utc(w.To)}
}

// timeJSON prints a time in UTC, none as "".
func timeJSON(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// list is a short answer for people: names with values.
type list struct{ names, values []string }

func (l *list) add(name, format string, args ...any) {
	l.names = append(l.names, name)
	l.values = append(l.values, term.Clean(fmt.Sprintf(format, args...)))
}

// print writes a line a value, the values in one column.
func (l *list) print(w io.Writer) error {
	width := 0
	for _, name := range l.names {
		width = max(width, len(name))
	}
	for i, name := range l.names {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", width, name, l.values[i]); err != nil {
			return err
		}
	}
	return nil
}

// moment prints a time in the system's zone and how long ago it is.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	s := t.Local().Format("Mon 2006-01-02 15:04:05 MST")
	if ago := time.Since(t); ago >= 0 {
		s += " (" + term.Duration(ago) + " ago)"
	}
	return s
}

// joined prints names in a row.
func joined(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
