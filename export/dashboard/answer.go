package dashboard

import (
	"bytes"
	"compress/gzip"
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
	packed      func() []byte // gzip of body
	etag        string
}

// worth is the length from which on compressing is worth it: a network packet.
const worth = 1400

func newDocument(contentType string, body []byte) document {
	sum := sha256.Sum256(body)
	return document{contentType: contentType, body: body, packed: sync.OnceValue(func() []byte { return pack(body) }), etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
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
	if len(body) > worth && takesGzip(r) && !bytes.HasPrefix(body, gzipMagic) {
		body = d.packed()
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// gzipMagic begins a gzip file (RFC 1952, 2.3.1), as the page's columns are one.
var gzipMagic = []byte{0x1f, 0x8b}

func pack(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";q=")
		if name != "gzip" && name != "*" {
			continue
		}
		v, err := strconv.ParseFloat(q, 64)
		return q == "" || err == nil && v > 0 // RFC 9110, 12.5.3: q=0 is a no
	}
	return false
}

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
