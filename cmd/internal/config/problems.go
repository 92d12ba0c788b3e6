package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in the configuration.
type Problem struct {
	Where   string // file, variable or "command line"; "" for a default
	Key     string // with dots; may be empty
	Message string // what is wrong and what would be right

	line  int  // in the file; 0: not known
	fatal bool // nothing else in the file can be read
	usage bool // made on the command line, or in the name of a variable
}

// String returns the problem as "config.yaml:12: store.path: what is wrong".
func (p Problem) String() string {
	var parts []string
	if p.Where != "" {
		where := p.Where
		if p.line > 0 {
			where += fmt.Sprintf(":%d", p.line)
		}
		parts = append(parts, where)
	}
	if p.Key != "" {
		parts = append(parts, p.Key)
	}
	return strings.Join(append(parts, p.Message), ": ")
}

// Problems is every mistake that was found; it is an error, one line a mistake.
type Problems []Problem

// Error returns all mistakes, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Usage reports whether all mistakes were made by whoever typed the command: in flags, or
// in names of variables.
func (p Problems) Usage() bool {
	for _, problem := range p {
		if !problem.usage {
			return false
		}
	}
	return len(p) > 0
}

// sort puts the mistakes of the file into its order and before all others.
func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		switch {
		case (a.line > 0) != (b.line > 0):
			return b.line - a.line
		case a.line != b.line:
			return a.line - b.line
		case a.line > 0:
			return 0
		}
		return strings.Compare(a.Where+a.Key, b.Where+b.Key)
	})
}

// unknown is the error for a name that is none of names, with the nearest of them.
func unknown(what, name string, names []string) error {
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("unknown %s; did you mean %s?", what, near)
	}
	return fmt.Errorf("unknown %s", what)
}

// nearest returns the name that the fewest edits make of word, "" if none is near: at
// most a third of the word may be wrong.
func nearest(word string, names []string) string {
	best, fewest := "", len(word)/3+1
	for _, name := range names {
		if d := distance(word, name); d <= fewest && (best == "" || d < fewest) {
			best, fewest = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			edit := diagonal
			if a[i] != b[j] {
				edit++
			}
			diagonal = row[j+1]
			row[j+1] = min(edit, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
