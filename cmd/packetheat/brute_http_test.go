package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// overHTTP compares cells, series, a top and points.
func (b *brute) overHTTP(t *testing.T, base string, values url.Values, f *store.Filter, by string, compare func(string, map[string]store.Sum, map[string]store.Sum)) {
	t.Helper()
	step := []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, time.Hour, 0}[b.IntN(5)]
	bin := func(t time.Time) string {
		if step == 0 {
			return ""
		}
		return t.Truncate(step).Format(time.RFC3339)
	}
	with := func(name, value string) url.Values {
		v := url.Values{name: {value}}
		if name == "step" && step == 0 { // the whole window
			v.Del(name)
		}
		for k := range values {
			v[k] = values[k]
		}
		return v
	}
	text := values.Get("filter")

	var cells struct {
		Cells []struct {
			Time                               time.Time
			Country, City, Protocol, Direction string
			store.Sum
		}
	}
	fetch(t, base+"/api/v1/cells?"+with("step", fmt.Sprint(int(step/time.Second))).Encode(), &cells)
	binned := bin
	if w := f.Window; step == 0 || !w.From.IsZero() && !w.To.IsZero() && step >= w.To.Sub(w.From) { // the window is one bin
		binned = func(time.Time) string { return "" }
	}
	got := map[string]store.Sum{}
	for _, c := range cells.Cells {
		addSum(got, strings.Join([]string{binned(c.Time), c.Country, c.City, c.Protocol, c.Direction}, "|"), c.Sum)
	}
	compare(fmt.Sprintf("cells by %s %s", step, text), b.sums(f, func(p *store.Point) string {
		return strings.Join([]string{binned(p.Time), p.Place.Country, p.Place.City, store.ClassOf(p.Proto).String(), p.Direction.String()}, "|")
	}), got)

	if step != 0 {
		var series struct {
			Bins []struct {
				Time                time.Time
				Protocol, Direction string
				store.Sum
			}
		}
		fetch(t, base+"/api/v1/series?"+with("step", fmt.Sprint(int(step/time.Second))).Encode(), &series)
		got := map[string]store.Sum{}
		for _, c := range series.Bins {
			got[strings.Join([]string{bin(c.Time), c.Protocol, c.Direction}, "|")] = c.Sum
		}
		compare(fmt.Sprintf("series by %s %s", step, text), b.sums(f, func(p *store.Point) string {
			return strings.Join([]string{bin(p.Time), store.ClassOf(p.Proto).String(), p.Direction.String()}, "|")
		}), got)
	}

	var top struct {
		Rows []struct {
			Key, Proto, Country string
			In, Out             store.Sum
		}
	}
	fetch(t, base+"/api/v1/top?n=1000&"+with("by", by).Encode(), &top)
	got = map[string]store.Sum{}
	for _, r := range top.Rows {
		r.In.Add(r.Out)
		addSum(got, rowKey(by, r.Key, r.Proto, r.Country), r.In)
	}
	compare("top "+by+" "+text, b.sums(f, b.portless(by)), got)
	compare("points "+text, b.sums(f, pointKey), csvSums(t, fetch(t, base+"/api/v1/points.csv?"+values.Encode(), nil)))
}

// fetch asks for JSON, or for text where there is nothing to decode into.
func fetch(t *testing.T, address string, into any) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode == http.StatusOK && into != nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", address, answer.Status, err, body)
	}
	return string(body)
}

// serving serves the store in dir until the test ends, and returns the address.
func serving(t *testing.T, dir string) string {
	t.Helper()
	return servingAs(t, call{dir: dir, args: []string{"serve", "--listen", "127.0.0.1:0"}})
}

// servingAs starts a command that serves.
func servingAs(t *testing.T, c call) string {
	t.Helper()
	cmd := c.command(t)
	errs, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(errs).ReadString('\n')
	base, ok := strings.CutPrefix(strings.TrimSpace(line), "ready dashboard=")
	if err != nil || !ok {
		t.Fatalf("first line is %q, %v", line, err)
	}
	return strings.TrimSuffix(base, "/")
}
