package dashboard

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// TestFilterMistakes: who asks with a filter that cannot be read is told which part of
// it is wrong, and what could stand there.
func TestFilterMistakes(t *testing.T) {
	for text, want := range map[string]filterMistake{
		"country:DE prot:tcp": {Start: 11, End: 15, Fix: "proto"},
		"port:1 ip:1.2.3":     {Start: 10, End: 15, Fix: "1.2.3.0/24"},
		`city:"Köln" port:x`:  {Start: 18, End: 19},
	} {
		var p problem
		if err := json.Unmarshal([]byte(body(t, get(t, Config{}, "/api/v1/top?filter="+url.QueryEscape(text)))), &p); err != nil {
			t.Fatal(err)
		}
		if p.Status != 400 || p.Filter == nil || *p.Filter != want {
			t.Errorf("%q: %d %+v, want %+v", text, p.Status, p.Filter, want)
		}
	}
	for _, text := range []string{strings.Repeat("-", 7000), strings.Repeat("prot:tcp,", 700), strings.Repeat("ü:1", 1000)} {
		if said := body(t, get(t, Config{}, "/api/v1/top?filter="+url.QueryEscape(text))); len(said) > 4*mostDetail || !json.Valid([]byte(said)) {
			t.Errorf("%.20q…: %d bytes are told of a filter of %d", text, len(said), len(text))
		}
	}
	var p problem
	if err := json.Unmarshal([]byte(body(t, get(t, Config{}, "/api/v1/top?by=colour"))), &p); err != nil || p.Filter != nil {
		t.Errorf("a mistake elsewhere: %+v, %v", p.Filter, err)
	}
}
