package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/health"
)

// TestPrintChecks: a notice is printed and is no failure; what keeps the sensor from its
// work is one, and has a word of its own in the line of status.
func TestPrintChecks(t *testing.T) {
	for _, c := range []struct {
		level  health.Level
		ok     bool
		word   string
		failed bool
		line   string
	}{
		{health.Live, true, "ok", false, "all is well"},
		{health.Notice, false, "notice", false, "ready; why"},
		{health.Ready, false, "FAILS", true, "not ready: why"},
		{health.Live, false, "FAILS", true, "stands still: why"},
	} {
		var out bytes.Buffer
		checks := []health.Check{{Name: "writer", Level: c.level, OK: c.ok, Text: "why"}}
		err := (&program{out: &out}).printChecks(checks, false)
		if errors.Is(err, errSilent) != c.failed || strings.Join(strings.Fields(out.String()), " ") != "writer "+c.word+" why" {
			t.Errorf("%v: %q, %v", c.level, out.String(), err)
		}
		if got := healthLine(checks); got != c.line {
			t.Errorf("%v: %q, want %q", c.level, got, c.line)
		}
	}
}
