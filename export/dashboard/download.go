package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/store"
)

// patience is how long a client may take to read the next piece of a stream.
const patience = 30 * time.Second

// details are the values of the parameter detail of a page.
var details = []string{"", export.DetailPlaces, export.DetailAddresses, export.DetailFull}

// servePoints answers in the format that the Accept header names, else in CSV.
func (s *Server) servePoints(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if accepts(r, "application/x-ndjson") || accepts(r, "application/ndjson") || accepts(r, "application/jsonl") {
		s.send(w, r, export.NDJSON, "")
		return
	}
	s.send(w, r, export.CSV, "")
}

// download answers with a file of one format.
func (s *Server) download(f export.Format) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) { s.send(w, r, f, "ip_heatmap."+f.String()) }
}

// send streams an export: as long as the client reads and the store gives, it may take
// as long as it wants; it ends with its client. An error before the first byte is a problem document; after it, the
// connection is cut, so that nobody takes a part for the whole.
func (s *Server) send(w http.ResponseWriter, r *http.Request, format export.Format, name string) {
	o, err := s.fileOptions(r)
	var leave func()
	if err == nil {
		leave, err = s.downloads.enter(r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", format.MediaType())
	rows, partial := format == export.CSV || format == export.NDJSON, false
	if rows && r.Method != http.MethodHead {
		partial = s.beside(r.Context(), h, o.Filter.Window)
	}
	if name != "" {
		if partial {
			name = strings.Replace(name, ".", ".partial.", 1)
		}
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	}
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	watch := time.AfterFunc(s.stall(), func() { cancel(errStalled) })
	defer watch.Stop()
	out := &stream{w: w, rc: http.NewResponseController(w), moved: func() { watch.Reset(s.stall()) }}
	if format != export.HTML && format != export.SQLite { // pages are packed already
		h.Add("Vary", "Accept-Encoding")
		out.encoding = taken(r)
	}
	report, err := export.Write(ctx, out, s.cfg.Reader, format, o)
	if err == nil && rows && !partial && report.Coverage.Partial != "" {
		err = fmt.Errorf("what has no room to say so would be a part: %s", report.Coverage.Partial)
	}
	if err == nil {
		err = out.close()
	}
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		err = fmt.Errorf("%w for %s", errStalled, s.stall())
	}
	switch {
	case err == nil:
	case out.begun:
		if r.Context().Err() == nil && !errors.Is(err, errGone) {
			s.cfg.Logger.Error("download cut short", "path", r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler) // net/http: cuts the connection, logs nothing
	default:
		h.Del("Content-Disposition")
		s.fail(w, r, err)
	}
}

// PartialHeader names, in an answer of rows, what of a fleet has not answered, as a string
// of RFC 8941; it is not there where all has.
const PartialHeader = "Packetheat-Partial"

// beside puts into the header what a file of rows has no room for: whose places it has
// (RFC 8288, 3; RFC 9110, 5.5: no more than ASCII), and that it is a part, if it is. What
// is wrong with the store, the file will say.
func (s *Server) beside(ctx context.Context, h http.Header, w store.Window) (partial bool) {
	cov, err := s.cfg.Reader.Coverage(ctx, w)
	if err != nil {
		return false
	}
	if cov.Partial != "" {
		h.Set(PartialHeader, strconv.QuoteToASCII(cov.Partial))
	}
	for _, g := range cov.Geo {
		u, err := url.Parse(g.URL)
		if err != nil || u.Scheme != "https" {
			continue
		}
		link := "<" + u.String() + `>; rel="author"; title=` + strconv.QuoteToASCII(g.Attribution)
		if !slices.Contains(h.Values("Link"), link) {
			h.Add("Link", link)
		}
	}
	return cov.Partial != ""
}

// fileOptions reads what a request wants of a file.
func (s *Server) fileOptions(r *http.Request) (o export.Options, err error) {
	f, err := s.question(r)
	if err != nil {
		return o, err
	}
	q := r.URL.Query()
	o = s.options(f)
	o.Title, o.Note, o.Detail, o.Written = q.Get("title"), q.Get("note"), q.Get("detail"), s.cfg.Now().UTC()
	o.State = strings.TrimPrefix(q.Get("state"), "#")
	if !slices.Contains(details, o.Detail) {
		return o, badRequest("detail %s is unknown: use %s", quoted(o.Detail), strings.Join(details[1:], ", "))
	}
	if o.Mask, err = s.maskOf(r); err != nil {
		return o, err
	}
	if o.Mask == nil {
		return o, mayTake(visitor(r), f.Window)
	}
	if o.Detail != "" && o.Detail != export.DetailPlaces {
		return o, badRequest("detail %s does not go with mask: a masked page has places only", o.Detail)
	}
	if err := o.Mask.Check(f); err != nil {
		return o, badRequest("%v", err)
	}
	o.Labels = nil
	return o, nil
}

// readerTakes is the longest window of which somebody with the read token gets a file
// with addresses: he may look at everything, but not carry the store away.
const readerTakes = 7 * 24 * time.Hour

// mayTake refuses files that are for who has the admin token.
func mayTake(v access.Visitor, w store.Window) error {
	if v.Scope != access.Read || !w.From.IsZero() && !w.To.IsZero() && w.To.Sub(w.From) <= readerTakes {
		return nil
	}
	return &problem{Status: http.StatusForbidden, Title: "More than a reader may take",
		Detail: "with the read token, files with addresses are of seven days at most: ask for a shorter window (last=7d), for mask=networks, or sign in with the admin token"}
}

// The values of the parameter mask: what becomes of addresses.
const (
	maskNetworks = "networks"
	maskGone     = "gone"
)

// maskOf reads the mask that a request asks for; nil: none.
func (s *Server) maskOf(r *http.Request) (*export.Mask, error) {
	kind := r.URL.Query().Get("mask")
	least, err := number(r, "mask_k", export.MaskLeast, 1000)
	if s.mask != nil && err == nil && kind == "" { // all is masked anyway
		m := s.mask()
		m.Least = max(m.Least, least)
		return &m, nil
	}
	switch {
	case err != nil:
		return nil, err
	case kind == "" && least != export.MaskLeast:
		return nil, badRequest("mask_k goes with mask: without it every place is shown")
	case kind == "":
		return nil, nil
	case kind != maskNetworks && kind != maskGone:
		return nil, badRequest("mask %s is not possible: use %s or %s", quoted(kind), maskNetworks, maskGone)
	}
	m := &export.Mask{}
	if s.cfg.Own != nil {
		*m = s.cfg.Own()
	}
	m.Gone, m.Least = kind == maskGone, least
	return m, nil
}

// stall is how long the store may take for the next piece of a download.
func (s *Server) stall() time.Duration { return 6 * s.cfg.QueryTimeout }

// errStalled says that the store has given nothing for too long.
var errStalled = errors.New("the store had nothing more to send")

// errGone says that the client has stopped reading.
var errGone = errors.New("client stopped reading")

// stream passes pieces on to a client, each with a deadline of its own. The first
// write decides that the answer is not an error.
type stream struct {
	w        http.ResponseWriter
	rc       *http.ResponseController
	encoding encoding
	z        io.WriteCloser
	begun    bool
	moved    func() // is called when a piece has gone
}

func (s *stream) Write(p []byte) (int, error) {
	if !s.begun && s.encoding != encodePlain {
		s.w.Header().Set("Content-Encoding", s.encoding.String())
		s.z = s.encoding.writer(s.w, false)
	}
	s.begun = true
	_ = s.rc.SetWriteDeadline(time.Now().Add(patience)) // a writer without deadlines is one of a test
	var n int
	var err error
	if s.z != nil {
		n, err = s.z.Write(p)
	} else {
		n, err = s.w.Write(p)
	}
	if err != nil {
		return n, fmt.Errorf("%w: %w", errGone, err)
	}
	s.moved()
	return n, nil
}

func (s *stream) close() error {
	if s.z == nil {
		return nil
	}
	return s.z.Close()
}
