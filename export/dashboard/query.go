package dashboard

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// question reads window and filter of a request, in the words of the command line.
func (s *Server) question(r *http.Request) (store.Filter, error) {
	q := r.URL.Query()
	loc := time.UTC
	if name := q.Get("tz"); name != "" {
		var err error
		if loc, err = time.LoadLocation(name); err != nil || name == "Local" {
			return store.Filter{}, badRequest("time zone %s is unknown: use a name such as Europe/Berlin, or UTC", quoted(name))
		}
	}
	f, err := store.ParseFilterWith(q.Get("filter"), s.cfg.Labels)
	if err != nil {
		return f, badFilter(err)
	}
	if s.mask != nil {
		if mask := s.mask(); mask.Check(f) != nil {
			return f, badRequest("%v", mask.Check(f))
		}
	}
	spec := store.WindowSpec{Last: q.Get("last"), From: q.Get("from"), To: q.Get("to"), At: q.Get("at"), For: q.Get("for")}
	// Whole seconds, so that the same question within one has the same answer.
	now := s.cfg.Now().Truncate(time.Second)
	if f.Window, err = spec.Resolve(now, loc); err != nil {
		return f, badRequest("%v", err)
	}
	f.Window.From, f.Window.To = utc(f.Window.From), utc(f.Window.To)
	return f, nil
}

// utc keeps the zero time, which is an open side, as it is.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// step reads the parameter step: seconds, or a duration such as 10m. 0: not given.
func step(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("step")
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(text, 10, 31); err == nil && n > 0 {
		return time.Duration(n) * time.Second, nil
	}
	d, err := store.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return 0, badRequest("step %s is not one: write seconds, or 1m, 10m, 1h", quoted(text))
	}
	return d, nil
}

// checkStep holds a step against the tick of the store.
func checkStep(d, tick time.Duration) error {
	if tick > 0 && d%tick != 0 {
		return badRequest("step %s is not a multiple of the sensor's tick, %s", d, tick)
	}
	return nil
}

// number reads an optional parameter from 1 to most.
func number(r *http.Request, name string, otherwise, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest("%s %s is not possible: write a number from 1 to %d", name, quoted(text), most)
	}
	return n, nil
}

// accepts reports whether the Accept header names a type; wildcards do not count.
func accepts(r *http.Request, mediaType string) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, _, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), mediaType) {
			return true
		}
	}
	return false
}

// ask runs a question within its limits. do answers by itself where it returns nil.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, do func(context.Context, store.Filter) error) {
	f, err := s.question(r)
	var leave func()
	if err == nil {
		leave, err = s.queries.enter(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer leave()
	occupy(w, leave)
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.QueryTimeout)
	defer cancel()
	if err := do(ctx, f); err != nil {
		s.fail(w, r, err)
	}
}
