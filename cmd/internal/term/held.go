package term

import (
	"bytes"
	"io"
	"sync"
)

// Held is a writer that keeps what is written until Release. NewHeld makes one; it is
// safe for concurrent use.
type Held struct {
	mu   sync.Mutex
	w    io.Writer
	kept *bytes.Buffer // nil once released
}

// NewHeld returns a writer in front of w.
func NewHeld(w io.Writer) *Held { return &Held{w: w, kept: new(bytes.Buffer)} }

// Write keeps p, or writes it where Release has been called.
func (h *Held) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		return h.kept.Write(p)
	}
	return h.w.Write(p)
}

// Release writes what was kept and lets everything later through. A second call does
// nothing.
func (h *Held) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept != nil {
		_, _ = h.kept.WriteTo(h.w) // as with every log, nobody to tell
		h.kept = nil
	}
}
