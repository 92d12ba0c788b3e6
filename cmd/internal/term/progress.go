package term

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// NewBar returns a progress bar over bytes on w, or nil where w is no terminal: a
// log file wants none, and all methods of a nil *Bar do nothing.
func NewBar(w io.Writer, title string, total int64) *Bar {
	if !Is(w) {
		return nil
	}
	if total <= 0 {
		total = -1 // a spinner
	}
	return &Bar{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(Clean(title)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(total > 0),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(),
	)}
}

// Bar is a progress bar. Set may be called by any goroutine.
type Bar struct{ bar *progressbar.ProgressBar }

// Set moves the bar to n of its total.
func (b *Bar) Set(n int64) {
	if b != nil {
		_ = b.bar.Set64(n) // a terminal that is gone does not stop the work
	}
}

// Write lets the bar count what is written through an io.MultiWriter.
func (b *Bar) Write(p []byte) (int, error) {
	if b != nil {
		_ = b.bar.Add(len(p))
	}
	return len(p), nil
}

// Done removes the bar.
func (b *Bar) Done() {
	if b != nil {
		_ = b.bar.Finish()
	}
}

// NewCounter is NewBar for things that are not bytes.
func NewCounter(w io.Writer, title string, total int64) *Bar {
	if !Is(w) {
		return nil
	}
	if total <= 0 {
		total = -1
	}
	return &Bar{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(Clean(title)),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(),
	)}
}

// Add moves the bar on by n.
func (b *Bar) Add(n int) {
	if b != nil {
		_ = b.bar.Add(n)
	}
}
