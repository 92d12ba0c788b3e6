package dashboard

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// encoding is a compression that HTTP knows (RFC 9110, 8.4.1; RFC 8878, 7.2). The zero
// value is none.
type encoding uint8

const (
	encodePlain encoding = iota
	encodeGzip
	encodeZstd
)

func (e encoding) String() string { return [...]string{"", "gzip", "zstd"}[e] }

// window is how far back compressed data may reach: browsers take 8 MiB (RFC 9659), and
// each download needs as much memory.
const zstdWindow = 1 << 20

// writer compresses what is written to it; best is for what is compressed once and sent
// often, else it is done in passing.
func (e encoding) writer(w io.Writer, best bool) io.WriteCloser {
	if e == encodeZstd {
		level := zstd.SpeedFastest
		if best {
			level = zstd.SpeedBestCompression
		}
		z, _ := zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow)) // options that there are
		return z
	}
	level := gzip.BestSpeed
	if best {
		level = gzip.BestCompression
	}
	z, _ := gzip.NewWriterLevel(w, level) // a level that there is
	return z
}

// pack compresses a whole body.
func (e encoding) pack(body []byte, best bool) []byte {
	var b bytes.Buffer
	z := e.writer(&b, best)
	_, _ = z.Write(body) // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// taken returns the best encoding that a client takes.
func taken(r *http.Request) encoding {
	takes := map[string]bool{}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.ReplaceAll(part, " ", ""), ";q=")
		v, err := strconv.ParseFloat(q, 64)
		takes[name] = q == "" || err == nil && v > 0 // RFC 9110, 12.5.3: q=0 is a no
	}
	gzip, named := takes["gzip"]
	switch {
	case takes["zstd"]:
		return encodeZstd
	case gzip || takes["*"] && !named:
		return encodeGzip
	}
	return encodePlain
}
