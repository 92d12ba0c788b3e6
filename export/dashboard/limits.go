package dashboard

import (
	"net/http"
	"time"
)

// gate lets so many in at once; who finds it full waits a little, then is told to
// come back.
type gate struct {
	places chan struct{}
	wait   time.Duration
}

func newGate(n int, wait time.Duration) gate {
	return gate{places: make(chan struct{}, n), wait: wait}
}

// enter takes a place, which leave gives back.
func (g gate) enter(r *http.Request) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	case <-t.C:
	}
	return &problem{Status: http.StatusTooManyRequests, Title: "Too many questions at once",
		Detail: "others are being answered: ask again in a second, or close other tabs"}
}

func (g gate) leave() { <-g.places }
