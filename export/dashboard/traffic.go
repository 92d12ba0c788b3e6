package dashboard

import (
	"net/http"
	"sync/atomic"
)

// Traffic is what a server has answered since it was made, and what it is busy with.
type Traffic struct {
	Classes   [6]uint64 // requests by the first digit of the status, at its index
	Questions int       // to the store that are being answered
	Downloads int
	Streams   int    // live ones
	Turned    uint64 // connections that were closed at once, there were too many
	Wrong     uint64 // tokens, and such as had to wait
}

// Traffic may be called by any goroutine.
func (s *Server) Traffic() Traffic {
	t := Traffic{Questions: len(s.queries.places), Downloads: len(s.downloads.places), Streams: len(s.streams.places), Turned: s.turned.Load(), Wrong: s.guard.Wrong()}
	for i := range t.Classes {
		t.Classes[i] = s.answered[i].Load()
	}
	return t
}

// answered counts requests by the class of their status.
type answered [6]atomic.Uint64

// counted is a handler whose answers are counted as they begin: a live stream lasts for days.
func (s *Server) counted(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &countingWriter{ResponseWriter: w, to: &s.answered}
		defer c.count(http.StatusOK) // what net/http says where nothing was written
		next(c, r)
	})
}

// countingWriter notes the status of one answer.
type countingWriter struct {
	http.ResponseWriter
	to      *answered
	counted bool
}

func (c *countingWriter) count(status int) {
	if class := status / 100; !c.counted && class != 1 { // 1xx: the answer is yet to come
		c.counted = true
		c.to[min(max(class, 0), len(c.to)-1)].Add(1)
	}
}

// WriteHeader counts the status.
func (c *countingWriter) WriteHeader(status int) {
	c.count(status)
	c.ResponseWriter.WriteHeader(status)
}

// Write counts an answer without a status as 200, as net/http does.
func (c *countingWriter) Write(p []byte) (int, error) {
	c.count(http.StatusOK)
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what is underneath.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
