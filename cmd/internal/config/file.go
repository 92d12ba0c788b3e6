package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkFile holds the text of a file against the list of keys: viper would ignore
// what it does not know. It returns the line of each key path, entries of lists
// written as in geo.networks[0].latitude, and every unknown or misplaced key.
func checkFile(name string, text []byte, keys []key) (map[string]int, Problems) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		message := strings.TrimPrefix(err.Error(), "yaml: ")
		return nil, Problems{{Where: name, Message: "is not readable as YAML: " + message, fatal: true}}
	}
	w := &walker{file: name, lines: map[string]int{}, leaves: map[string]bool{}, sections: map[string]bool{}}
	for _, k := range keys {
		w.know(k.name)
	}
	if len(document.Content) > 0 {
		w.section("", document.Content[0])
	}
	return w.lines, w.problems
}

// walker goes through the tree of a file.
type walker struct {
	file     string
	leaves   map[string]bool // keys
	sections map[string]bool // what stands before the dots of keys
	names    []string        // both, for suggestions
	lines    map[string]int
	problems Problems
}

func (w *walker) know(name string) {
	w.leaves[name] = true
	w.names = append(w.names, name)
	for i, r := range name {
		if r == '.' && !w.sections[name[:i]] {
			w.sections[name[:i]] = true
			w.names = append(w.names, name[:i])
		}
	}
}

func (w *walker) problem(path string, node *yaml.Node, fatal bool, message string) {
	w.problems = append(w.problems, Problem{Where: w.file, Key: path, line: node.Line, Message: message, fatal: fatal})
}

// section checks a part of the file that holds keys.
func (w *walker) section(path string, node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Tag == "!!null" {
		return // all of its keys are commented out
	}
	if node.Kind != yaml.MappingNode {
		w.problem(path, node, true, "this is a section: write its keys below it, indented")
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, content := node.Content[i], node.Content[i+1]
		below := strings.ToLower(name.Value) // as viper does
		if path != "" {
			below = path + "." + below
		}
		if w.lines[below] > 0 {
			w.problem(below, name, true, fmt.Sprintf("set twice, first on line %d", w.lines[below]))
			continue
		}
		w.lines[below] = name.Line
		switch {
		case w.leaves[below]:
			w.entries(below, content)
		case w.sections[below]:
			w.section(below, content)
		default:
			w.problem(below, name, false, unknown("key", below, w.names).Error())
		}
	}
}

// entries notes the lines of what stands inside a list of objects or an object.
func (w *walker) entries(path string, node *yaml.Node) {
	w.lines[path] = max(w.lines[path], 1)
	switch node.Kind {
	case yaml.SequenceNode:
		for i, item := range node.Content {
			below := fmt.Sprintf("%s[%d]", path, i)
			w.lines[below] = item.Line
			w.entries(below, item)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			w.lines[path+"."+node.Content[i].Value] = node.Content[i].Line
		}
	}
}

// notKeys are variables with our prefix that are no keys: the file to read, and what
// tests and the demo pass on to processes that they start.
var notKeys = []string{envPrefix + "CONFIG", envPrefix + "REQUIRE_CAPTURE", envPrefix + "REQUIRE_CLICKHOUSE"}

// checkEnvironment finds variables with our prefix that no key answers to.
func (l *loading) checkEnvironment(keys []key) {
	known := slices.Clone(notKeys)
	for _, k := range keys {
		known = append(known, envName(k.name))
		if k.secret {
			known = append(known, envName(k.name)+fileSuffix)
		}
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			l.problems = append(l.problems, Problem{Where: name, usage: true, Message: unknown("variable", name, known).Error()})
		}
	}
}
