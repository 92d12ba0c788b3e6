package clickhouse

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

func span(from, to float64, state store.State, drops uint64) store.Span {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)).UTC() }
	return store.Span{Window: store.Window{From: at(from), To: at(to)}, State: state, Drops: drops}
}

// TestCoarsened: idle times beside data that are too short to tell become data, those off
// stay, and so do drops.
func TestCoarsened(t *testing.T) {
	in := []store.Span{span(0, 10, store.StateData, 0), span(10, 30, store.StateIdle, 0), span(30, 40, store.StateData, 2), span(40, 41, store.StateOff, 0),
		span(41, 141, store.StateIdle, 0), span(141, 151, store.StateOff, 0), span(151, 160, store.StateIdle, 0)}
	want := []store.Span{span(0, 30, store.StateData, 0), span(30, 40, store.StateData, 2), span(40, 41, store.StateOff, 0),
		span(41, 141, store.StateIdle, 0), span(141, 151, store.StateOff, 0), span(151, 160, store.StateIdle, 0)}
	if diff := gocmp.Diff(want, coarsened(in, time.Minute)); diff != "" {
		t.Error(diff)
	}
}
