package dashboard

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/export/page"
)

//go:embed openapi.yaml
var openAPI []byte

// route is what is at a path.
type route struct {
	serve  func(http.ResponseWriter, *http.Request)
	params []string // query parameters that it knows
	open   bool     // answers everybody, whatever the Host header says: health checks
	door   bool     // answers who is not signed in, and takes POST: signing in and out
}

// window are the parameters of every question.
var windowParams = [...]string{"from", "to", "last", "at", "for", "tz", "filter"}

// table is the list of all routes. openapi.yaml has the same.
func (s *Server) table() map[string]route {
	window := func(more ...string) []string { return append(slices.Clone(windowParams[:]), more...) }
	t := map[string]route{
		"/":                    {serve: s.servePage},
		"/favicon.ico":         {serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }},
		"/login":               {serve: s.serveLogin, door: true},
		"/logout":              {serve: s.serveLogout, door: true},
		"/healthz":             {serve: s.serveHealth, open: true},
		"/readyz":              {serve: s.serveReady, open: true},
		"/api/v1/cells":        {serve: s.serveCells, params: window("step", "detail")},
		"/api/v1/series":       {serve: s.serveSeries, params: window("step")},
		"/api/v1/top":          {serve: s.serveTop, params: window("by", "n", "sort")},
		"/api/v1/points":       {serve: s.servePoints, params: window()},
		"/api/v1/status":       {serve: s.serveStatus},
		"/api/v1/alerts":       {serve: s.serveAlerts},
		"/api/v1/fleet":        {serve: s.serveFleet},
		"/api/v1/live":         {serve: s.serveLive},
		"/api/v1/openapi.yaml": {serve: s.serveOpenAPI},
	}
	for _, f := range []export.Format{export.CSV, export.NDJSON} {
		t["/api/v1/points."+f.String()] = route{serve: s.download(f), params: window()}
	}
	for i, name := range export.Formats() {
		params := window("mask", "mask_k")
		if export.Format(i) == export.HTML {
			params = append(params, "detail", "title", "note", "state")
		}
		t["/api/v1/export."+name] = route{serve: s.download(export.Format(i)), params: params}
	}
	if s.cfg.Metrics != nil {
		t["/metrics"] = route{serve: s.cfg.Metrics.ServeHTTP}
	}
	return t
}

// longest is the longest query string that is read: a filter of some hundred terms.
const longest = 8 << 10

// bodyTime is how long a client may take to send a body: that of a form with a token.
const bodyTime = 5 * time.Second

// serve checks what is the same for all requests and hands on to the route.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox") // the page has its own
	rt, ok := s.routes[r.URL.Path]
	v := s.guard.Visitor(r)
	if r.ContentLength != 0 { // nobody is waited for who sends a body byte by byte
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	}
	if !rt.open {
		if barred := s.guard.Barred(r, v); barred != "" {
			refuse(w, r, problem{Status: http.StatusForbidden, Title: "Not from there", Detail: barred})
			return
		}
	}
	if p := s.checkRequest(w, r, &rt, ok); p != nil {
		refuse(w, r, *p)
		return
	}
	switch {
	case rt.door:
		rt.serve(w, r)
		return
	case rt.open: // who is signed in is told more
		v, _ = s.guard.Admit(w, r, v)
		s.answering(v).hand(w, r, v)
		return
	}
	if token := r.URL.Query().Get("token"); token != "" && r.URL.Path == "/" {
		s.enter(w, r, v, token)
		return
	}
	v, err := s.guard.Admit(w, r, v)
	if err != nil {
		s.lockOut(w, r, err)
		return
	}
	s.answering(v).hand(w, r, v)
}

// hand answers a visitor who may ask.
func (s *Server) hand(w http.ResponseWriter, r *http.Request, v access.Visitor) {
	rt, ok := s.routes[r.URL.Path]
	if !ok {
		refuse(w, r, nowhere(r)) // what is masked has fewer routes
		return
	}
	if p := rt.checkParams(r); p != nil {
		refuse(w, r, *p)
		return
	}
	a := &answerWriter{ResponseWriter: w, box: s.sending, client: neighbourhood(v.Addr)}
	defer a.done()
	rt.serve(a, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// visitorKey is where the context of a request has its Visitor.
type visitorKey struct{}

// visitor returns who asks.
func visitor(r *http.Request) access.Visitor {
	v, _ := r.Context().Value(visitorKey{}).(access.Visitor)
	return v
}

func nowhere(r *http.Request) problem {
	return problem{Status: http.StatusNotFound, Title: "Not found",
		Detail: "there is nothing at " + quoted(r.URL.Path) + ": the page is at /, the API is described at /api/v1/openapi.yaml"}
}

// checkRequest refuses what no route answers.
func (s *Server) checkRequest(w http.ResponseWriter, r *http.Request, rt *route, found bool) *problem {
	h := w.Header()
	switch {
	case !found:
		p := nowhere(r)
		return &p
	case rt.door && r.Method == http.MethodPost:
		return nil
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		return &problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Detail: "the dashboard only reads: use GET or HEAD"}
	case r.ContentLength != 0: // -1: of unknown length
		h.Set("Connection", "close") // or net/http would read the body to its end
		return &problem{Status: http.StatusRequestEntityTooLarge, Title: "Body not wanted",
			Detail: "a question has no body: put it into the query string"}
	case len(r.URL.RawQuery) > longest:
		return &problem{Status: http.StatusRequestURITooLong, Title: "Query too long",
			Detail: "the query string is longer than 8 KiB: take terms out of the filter, or use networks instead of addresses"}
	}
	return nil
}

// checkParams refuses parameters that are not known: a misspelt filter must not
// answer for all traffic.
func (rt *route) checkParams(r *http.Request) *problem {
	if rt.params == nil {
		return nil
	}
	for name, values := range r.URL.Query() {
		if !slices.Contains(rt.params, name) {
			return badRequest("parameter %s is unknown: use %s", quoted(name), strings.Join(rt.params, ", "))
		}
		if len(values) > 1 {
			return badRequest("parameter %s is given %d times: give it once", name, len(values))
		}
	}
	return nil
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", page.CSP(true))
	s.page.serve(w, r)
}

func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	d := newDocument("application/yaml; charset=utf-8", openAPI)
	d.serve(w, r)
}

func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Health != nil {
		if err := s.cfg.Health(); err != nil {
			s.unwell(w, r, "Not healthy", err)
			return
		}
	}
	d := newDocument("text/plain; charset=utf-8", []byte("ok\n"))
	d.serve(w, r)
}

// unwell answers a probe with what is wrong; strangers are not told what.
func (s *Server) unwell(w http.ResponseWriter, r *http.Request, title string, err error) {
	detail := err.Error()
	if s.mask != nil || visitor(r).Scope == access.None {
		detail = strings.ToLower(title) + ": the log of packetheat says why"
	}
	refuse(w, r, problem{Status: http.StatusServiceUnavailable, Title: title, Detail: detail})
}

func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(); err != nil {
			w.Header().Set("Retry-After", "2")
			s.unwell(w, r, "Not ready", err)
			return
		}
	}
	d := newDocument("text/plain; charset=utf-8", []byte("ready\n"))
	d.serve(w, r)
}
