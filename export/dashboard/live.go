package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/store"
)

// tickEvent is one commit, as the live stream tells it.
type tickEvent struct {
	Sensor   string    `json:"sensor"`
	Tick     time.Time `json:"tick"`
	Interval float64   `json:"interval"` // seconds
	Seq      uint32    `json:"seq"`
	Packets  uint64    `json:"packets"` // with a public endpoint
	Bytes    uint64    `json:"bytes"`
	Points   int       `json:"points"`
	Drops    uint64    `json:"drops"`
}

// beatEvent says that the stream is whole while nothing is committed. It is an event,
// not a comment, because a page cannot see comments: a connection that a proxy has
// forgotten looks open to it for ever.
type beatEvent struct {
	Time time.Time `json:"time"`
}

// slow is how long a client of the live stream may take to read an event; who
// takes longer is disconnected, and his browser comes back.
const slow = 10 * time.Second

// serveLive sends server-sent events: the status at once, one event after each commit,
// and a beat now and then, until the client goes, reads too slowly, may not be told any
// more, or the server stops. (HTML standard, 9.2: an event is lines "name: value" and an
// empty line; a line that begins with a colon is a comment.)
func (s *Server) serveLive(w http.ResponseWriter, r *http.Request) {
	leave, err := s.streams.enter(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		return
	}
	stopping, _ := r.Context().Value(stoppingKey{}).(chan struct{}) // nil, which is never closed, in tests
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	commits := s.cfg.Reader.Watch(ctx)
	out := events{w: w, rc: http.NewResponseController(w)}
	if out.send("retry: 2000\n") != nil || out.event("status", s.status(ctx)) != nil {
		return
	}
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	v := visitor(r)
	for {
		var err error
		select {
		case <-v.Over:
			if v = s.guard.Visitor(r); !s.welcome(w, r, &v) {
				return
			}
		case <-r.Context().Done():
			return
		case <-stopping:
			return
		case c, ok := <-commits:
			if !ok {
				return
			}
			err = out.event("tick", newTick(&c))
		case <-beat.C:
			err = out.event("beat", beatEvent{s.cfg.Now().UTC().Truncate(time.Second)})
		}
		if err != nil {
			return
		}
	}
}

// welcome holds a visitor against the rules that are in force now: a token that was taken
// away ends what it has begun. He comes again to learn what he may see.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, v *access.Visitor) bool {
	if s.guard.Barred(r, *v) != "" {
		return false
	}
	again, err := s.guard.Admit(w, r, *v)
	*v = again
	return err == nil && s.masks(again) == (s.mask != nil)
}

func newTick(c *store.Commit) tickEvent {
	return tickEvent{Sensor: c.Sensor, Tick: c.Tick.UTC(), Interval: c.Interval.Seconds(), Seq: c.Seq,
		Packets: c.Public.Packets, Bytes: c.Public.Bytes, Points: c.Points, Drops: c.Drops}
}

// events writes to one client.
type events struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (e *events) event(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data)) // JSON has no line ends
}

// send writes text at once. The deadline is this write's only: the stream has none.
func (e *events) send(text string) error {
	_ = e.rc.SetWriteDeadline(time.Now().Add(slow))
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.rc.Flush()
}
