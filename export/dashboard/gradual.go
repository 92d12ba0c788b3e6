package dashboard

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
)

// gradualType is the content type of an answer that comes in frames: first what it has
// come to so far, each time from the beginning, last the whole. A frame is
//
//	byte 0     'p' part, 'w' whole, 'e' error
//	bytes 1-2  share of the work that is done, per mille, big-endian
//	bytes 3-6  length of what follows, big-endian
//	bytes 7-   columns (page.MediaType), or of an error one sentence
//
// A stream that ends without 'w' or 'e' has been cut.
const gradualType = page.MediaType + "-gradual"

// The kinds of frames.
const (
	framePart  = 'p'
	frameWhole = 'w'
	frameError = 'e'
)

// sendGradually answers as sendColumns, and shows a client that would have to wait
// what there is meanwhile. An error before the first frame is a problem document.
func (s *Server) sendGradually(ctx context.Context, w http.ResponseWriter, r *http.Request, o export.Options) error {
	// A client that is slow to read keeps its place among the questions no longer than
	// one that is quick: ctx ends for both.
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hold(w)
	rc := http.NewResponseController(w)
	begun := false
	send := func(kind byte, done float64, body []byte) {
		if !begun {
			h := w.Header()
			h.Set("Content-Type", gradualType)
			h.Set("X-Accel-Buffering", "no") // nginx would collect the frames
			begun = true
		}
		head := binary.BigEndian.AppendUint16([]byte{kind}, uint16(min(max(done, 0), 1)*1000))
		head = binary.BigEndian.AppendUint32(head, uint32(len(body)))
		_ = rc.SetWriteDeadline(minTime(until.Add(time.Second), time.Now().Add(slow)))
		_, err := w.Write(append(head, body...))
		if err = errors.Join(err, rc.Flush()); err != nil && !errors.Is(err, http.ErrNotSupported) {
			cancel(fmt.Errorf("%w: %w", errGone, err))
		}
	}
	sendData := func(kind byte, done float64, data *page.Data) error {
		var b bytes.Buffer
		if err := page.Encode(&b, data); err != nil {
			return err
		}
		send(kind, done, b.Bytes())
		return nil
	}
	if r.Method != http.MethodHead {
		o.Partial = func(data *page.Data, done float64) {
			if err := sendData(framePart, done, data); err != nil {
				cancel(err)
			}
		}
	}
	data, _, err := export.Build(ctx, s.cfg.Reader, o)
	if err == nil {
		err = sendData(frameWhole, 1, data)
	}
	if err == nil || !begun {
		return err
	}
	if r.Context().Err() == nil && !errors.Is(context.Cause(ctx), errGone) {
		p := s.problemOf(r, err)
		send(frameError, 0, []byte(p.Detail))
	}
	return nil
}
