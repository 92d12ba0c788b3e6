package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/store"
)

// problem is an error as RFC 9457 wants it. Detail says what to do about it.
type problem struct {
	Type   string `json:"type"` // about:blank: Title and Status say it all
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	Filter *filterMistake `json:"filter,omitempty"` // where the filter is what is wrong
}

// filterMistake is the part of a filter that is wrong, in bytes, and what could stand
// there instead, if that can be guessed.
type filterMistake struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Fix   string `json:"fix,omitempty"`
}

// mostDetail is how much of a sentence about a filter is told: it has the filter's words in
// it, some of them more than once.
const mostDetail = 1000

// badFilter tells what ParseFilter found.
func badFilter(err error) *problem {
	p := badRequest("%v", err)
	if runes := []rune(p.Detail); len(runes) > mostDetail {
		p.Detail = string(runes[:mostDetail]) + "…"
	}
	var m *store.Mistake
	if errors.As(err, &m) {
		p.Filter = &filterMistake{Start: m.Start, End: m.End}
		if len(m.Fix) <= mostDetail {
			p.Filter.Fix = m.Fix
		}
	}
	return p
}

func (p *problem) Error() string { return p.Detail }

func badRequest(format string, args ...any) *problem {
	return &problem{Status: http.StatusBadRequest, Title: "Question not understood", Detail: fmt.Sprintf(format, args...)}
}

// quoted quotes what a client sent, shortened.
func quoted(s string) string { return access.Quoted(s) }

// refuse answers with a problem document.
func refuse(w http.ResponseWriter, r *http.Request, p problem) {
	p.Type = "about:blank"
	body, _ := json.MarshalIndent(p, "", "  ") // three strings and a number: cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Del("Content-Encoding")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(body, '\n'))
	}
}

// fail answers for an error of a question.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.As(err, new(*problem)) {
		return // nobody is there any more
	}
	p := s.problemOf(r, err)
	h := w.Header()
	switch {
	case p.Status == http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	case errors.Is(err, context.DeadlineExceeded):
		h.Set("Retry-After", "5")
	case errors.Is(err, errStalled):
		h.Set("Retry-After", "60")
	}
	refuse(w, r, *p)
}

// problemOf words the error of a question.
func (s *Server) problemOf(r *http.Request, err error) (p *problem) {
	switch {
	case errors.As(err, &p):
	case errors.Is(err, context.DeadlineExceeded):
		p = &problem{Status: http.StatusServiceUnavailable, Title: "Question took too long",
			Detail: fmt.Sprintf("no answer within %s: ask for a shorter window, or use packetheat export, which may take longer", s.cfg.QueryTimeout)}
	case errors.Is(err, errStalled):
		p = &problem{Status: http.StatusServiceUnavailable, Title: "Download did not begin",
			Detail: err.Error() + ": ask for a shorter window, or use packetheat export, which may take longer"}
	case errors.Is(err, export.ErrMasked):
		p = badRequest("%v", err)
	case s.mask != nil:
		s.cfg.Logger.Error("question failed", "path", r.URL.Path, "error", err)
		p = &problem{Status: http.StatusInternalServerError, Title: "The store cannot answer", Detail: "the log of packetheat says why"}
	default:
		s.cfg.Logger.Error("question failed", "path", r.URL.Path, "error", err)
		p = &problem{Status: http.StatusInternalServerError, Title: "The store cannot answer",
			Detail: err.Error() + " (packetheat db check looks for damage)"}
	}
	return p
}
