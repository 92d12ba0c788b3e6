package dashboard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// document is an answer that is in memory: it has an ETag, so that a client that
// has it already gets no body, and is compressed where the client takes that.
type document struct {
	contentType string
	body        []byte
	packed      [3]func() []byte // body by encoding
	etag        string
	shared      bool // there is one for all: sending it takes no memory
}

// worth is the length from which on compressing is worth it: a network packet.
const worth = 1400

func newDocument(contentType string, body []byte) document {
	sum := sha256.Sum256(body)
	d := document{contentType: contentType, body: body, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	d.pack(false)
	return d
}

// pack has the body compressed when it is first asked for so.
func (d *document) pack(best bool) {
	body := d.body
	for _, e := range []encoding{encodeGzip, encodeZstd} {
		d.packed[e] = sync.OnceValue(func() []byte { return e.pack(body, best) })
	}
}

// serve writes the document. Weak ETags, because the compressed body is another one.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", d.etag)
	h.Set("Content-Type", d.contentType)
	h.Add("Vary", "Accept, Accept-Encoding")
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(d.etag, "W/") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := d.body
	if e := taken(r); e != encodePlain && len(body) > worth && !bytes.HasPrefix(body, gzipMagic) {
		body = d.packed[e]()
		h.Set("Content-Encoding", e.String())
	}
	if a, ok := w.(*answerWriter); ok && r.Method != http.MethodHead && !d.shared && !a.reserve(len(body)) {
		h.Del("Content-Encoding")
		h.Del("ETag")
		h.Set("Retry-After", "1")
		refuse(w, r, problem{Status: http.StatusTooManyRequests, Title: "Too much to send", Detail: "earlier answers have not been read yet: read them, then ask again"})
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// gzipMagic begins a gzip file (RFC 1952, 2.3.1), as the page's columns are one.
var gzipMagic = []byte{0x1f, 0x8b}

// answer writes v as JSON.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d := newDocument("application/json", append(body, '\n'))
	d.serve(w, r)
}
