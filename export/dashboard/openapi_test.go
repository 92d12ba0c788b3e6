package dashboard

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

type object = map[string]any

// spec is the parsed openapi.yaml.
type spec struct{ object }

func readSpec(t *testing.T) spec {
	t.Helper()
	var s object
	if err := yaml.Unmarshal(openAPI, &s); err != nil {
		t.Fatal(err)
	}
	return spec{s}
}

// at follows a path of keys, and $ref where one is in the way.
func (s spec) at(o object, keys ...string) object {
	for _, k := range keys {
		o, _ = o[k].(object)
		if ref, ok := o["$ref"].(string); ok {
			o = s.at(s.object, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return o
}

// TestOpenAPIHasTheRoutes holds paths and parameters of the document to the code.
func TestOpenAPIHasTheRoutes(t *testing.T) {
	doc := readSpec(t)
	routes := New(Config{Reader: &fakeReader{}, Metrics: http.NotFoundHandler()}).routes
	paths := doc.at(doc.object, "paths")
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(routes)), slices.Sorted(maps.Keys(paths))); diff != "" {
		t.Fatalf("paths differ (-code +openapi.yaml):\n%s", diff)
	}
	for path, rt := range routes {
		var names []string
		list, _ := doc.at(paths, path, "get")["parameters"].([]any)
		for _, p := range list {
			names = append(names, doc.at(object{"p": p}, "p")["name"].(string))
		}
		slices.Sort(names)
		want := slices.Clone(rt.params)
		slices.Sort(want)
		if diff := gocmp.Diff(want, names); diff != "" {
			t.Errorf("parameters of %s differ (-code +openapi.yaml):\n%s", path, diff)
		}
	}
}

func TestOpenAPIHasTheDimensionsAndFormats(t *testing.T) {
	doc := readSpec(t)
	var names []string
	for _, v := range doc.at(doc.object, "components", "parameters", "by", "schema")["enum"].([]any) {
		names = append(names, v.(string))
	}
	if diff := gocmp.Diff(store.Dimensions(), names); diff != "" {
		t.Errorf("dimensions differ (-code +openapi.yaml):\n%s", diff)
	}
	for i, name := range export.Formats() {
		mediaType, _, _ := strings.Cut(export.Format(i).MediaType(), ";")
		if doc.at(doc.object, "paths", "/api/v1/export."+name, "get", "responses", "200", "content")[mediaType] == nil {
			t.Errorf("/api/v1/export.%s is not said to be %s", name, mediaType)
		}
	}
}

// properties are all that a schema allows, allOf taken together.
func (s spec) properties(schema object) object {
	out := object{}
	maps.Copy(out, s.at(schema, "properties"))
	parts, _ := schema["allOf"].([]any)
	for _, p := range parts {
		maps.Copy(out, s.properties(s.at(object{"p": p}, "p")))
	}
	return out
}

// check reports keys of an answer that its schema does not have.
func (s spec) check(t *testing.T, where string, schema object, v any) {
	t.Helper()
	switch v := v.(type) {
	case object:
		props := s.properties(schema)
		for k, inner := range v {
			if props[k] == nil {
				t.Errorf("%s.%s is not in openapi.yaml", where, k)
				continue
			}
			s.check(t, where+"."+k, s.at(props, k), inner)
		}
	case []any:
		for _, inner := range v {
			s.check(t, where+"[]", s.at(schema, "items"), inner)
		}
	}
}

func TestAnswersAreAsInOpenAPI(t *testing.T) {
	doc := readSpec(t)
	for target, schema := range map[string]string{
		"/api/v1/cells":                 "cells",
		"/api/v1/cells?step=10":         "cells",
		"/api/v1/series?filter=dir:in":  "series",
		"/api/v1/top?by=ip":             "top",
		"/api/v1/top?by=port":           "top",
		"/api/v1/status":                "status",
		"/api/v1/cells?filter=nonsense": "problem",
	} {
		var v any
		if err := json.Unmarshal([]byte(body(t, get(t, Config{}, target))), &v); err != nil {
			t.Fatal(err)
		}
		doc.check(t, schema, doc.at(doc.object, "components", "schemas", schema), v)
	}
	b, err := json.Marshal(newTick(&store.Commit{}))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	doc.check(t, "tick", doc.at(doc.object, "components", "schemas", "tick"), v)
}
