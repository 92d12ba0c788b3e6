package config

import (
	"encoding/json"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// masked stands for a secret that is set.
const masked = "********"

// Dump writes the effective values as YAML that Load would read again, apart from
// secrets, which are masked. With sources each line says where its value comes from.
func (l *Loaded) Dump(w io.Writer, sources bool) error {
	top := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range l.keys() {
		node := new(yaml.Node)
		if err := node.Encode(l.shown(k)); err != nil {
			return err
		}
		if node.Kind == yaml.SequenceNode && len(node.Content) == 0 || k.name == "export.formats" || k.name == "sensor.interfaces" {
			node.Style = yaml.FlowStyle
		}
		name := insert(top, k.name, node)
		if sources {
			comment := string(l.Sources[k.name])
			if node.Kind == yaml.ScalarNode {
				node.LineComment = comment
			} else {
				name.LineComment = comment
			}
		}
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(top); err != nil {
		return err
	}
	return encoder.Close()
}

// DumpJSON writes the effective values as one object, each key by its full name with
// its value and source.
func (l *Loaded) DumpJSON(w io.Writer) error {
	type entry struct {
		Key    string `json:"key"`
		Value  any    `json:"value"`
		Source Source `json:"source"`
	}
	var entries []entry
	for _, k := range l.keys() {
		entries = append(entries, entry{k.name, l.shown(k), l.Sources[k.name]})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(entries)
}

func (l *Loaded) shown(k key) any {
	v := k.value.show()
	if k.secret && v != "" {
		return masked
	}
	return v
}

// insert puts value at a path with dots below top and returns the node of its name.
func insert(top *yaml.Node, path string, value *yaml.Node) *yaml.Node {
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		name := &yaml.Node{Kind: yaml.ScalarNode, Value: head}
		top.Content = append(top.Content, name, value)
		return name
	}
	for i := 0; i < len(top.Content); i += 2 {
		if top.Content[i].Value == head {
			return insert(top.Content[i+1], rest, value)
		}
	}
	below := &yaml.Node{Kind: yaml.MappingNode}
	top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: head}, below)
	return insert(below, rest, value)
}
