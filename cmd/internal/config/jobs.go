package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// jobs reads export.jobs.
func jobs(p *[]Job) value {
	set := func(raw any) error {
		return objects(raw, func(o *object) {
			var j Job
			o.need("name", text(&j.Name, checkJobName(*p)))
			o.read("last", text(&j.Window.Last, nil))
			o.read("from", text(&j.Window.From, nil))
			o.read("to", text(&j.Window.To, nil))
			o.read("at", text(&j.Window.At, nil))
			o.read("for", text(&j.Window.For, nil))
			o.read("filter", text(&j.Filter, nil))
			o.read("formats", choices(&j.Formats, fileFormats...))
			o.read("refresh", duration(&j.Refresh, time.Second, year, ""))
			o.read("keep", number(&j.Keep, 0, 100_000))
			w, err := j.Window.Resolve(time.Now(), time.Local)
			if err == nil && w.From.IsZero() {
				err = errors.New("a job needs a window that begins: write last: 24h, at: yesterday, or from and to")
			}
			o.fail("last", err)
			if !strings.Contains(j.Filter, "label:") { // nobody has read the lists yet
				_, err := store.ParseFilter(j.Filter)
				o.fail("filter", err)
			}
			*p = append(*p, j)
		})
	}
	return value{set: set, show: func() any {
		return shown(*p, func(j Job) []any {
			return []any{"name", j.Name, "last", j.Window.Last, "from", j.Window.From, "to", j.Window.To,
				"at", j.Window.At, "for", j.Window.For,
				"filter", j.Filter, "formats", j.Formats, "refresh", optional(j.Refresh, formatDuration), "keep", optional(j.Keep, strconv.Itoa)}
		})
	}}
}

// optional shows a value that 0 stands for none of.
func optional[T comparable](v T, show func(T) string) string {
	var zero T
	if v == zero {
		return ""
	}
	return show(v)
}

// checkJobName keeps jobs from writing each other's files, or the main ones.
func checkJobName(others []Job) func(string) error {
	return func(s string) error {
		if !sensorName.MatchString(s) {
			return fmt.Errorf("%q is no name for files: use up to 63 letters, digits, dots, dashes and underscores", s)
		}
		if s == mainFiles || slices.ContainsFunc(others, func(j Job) bool { return j.Name == s }) {
			return fmt.Errorf("%q names the files of something else: choose another name", s)
		}
		return nil
	}
}

// mainFiles are the files of export.window, without the extension.
const mainFiles = "ip_heatmap"
