package clickhouse

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// spans runs batches through a sensorSpans whose window is a minute, ten seconds a tick.
func spans(batches ...batchPart) []store.Span {
	start := time.Unix(0, 0).UTC()
	s := sensorSpans{end: start}
	for i := range batches {
		batches[i].interval = 10 * time.Second
		s.add(&batches[i])
	}
	return s.finish(start.Add(time.Minute))
}

func span(from, to float64, state store.State, drops uint64) store.Span {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)).UTC() }
	return store.Span{Window: store.Window{From: at(from), To: at(to)}, State: state, Drops: drops}
}

func TestSpans(t *testing.T) {
	const ten = 10 * time.Second
	for name, c := range map[string]struct {
		batches []batchPart
		want    []store.Span
	}{
		"nothing":    {nil, []store.Span{span(0, 60, store.StateOff, 0)}},
		"one run":    {[]batchPart{{tick: 0, off: ten, data: true}, {tick: 10, off: ten, data: true}}, []store.Span{span(0, 20, store.StateData, 0), span(20, 60, store.StateOff, 0)}},
		"idle":       {[]batchPart{{tick: 10, off: ten}}, []store.Span{span(0, 10, store.StateOff, 0), span(10, 20, store.StateIdle, 0), span(20, 60, store.StateOff, 0)}},
		"no part":    {[]batchPart{{tick: 0, data: true}}, []store.Span{span(0, 10, store.StateData, 0), span(10, 60, store.StateOff, 0)}},
		"restart":    {[]batchPart{{tick: 0, on: 0, off: ten / 4, data: true}, {tick: 0, on: ten / 2, off: ten}}, []store.Span{span(0, 2.5, store.StateData, 0), span(2.5, 5, store.StateOff, 0), span(5, 10, store.StateData, 0), span(10, 60, store.StateOff, 0)}},
		"overlap":    {[]batchPart{{tick: 0, off: ten, data: true}, {tick: 0, on: ten / 2, off: ten, drops: 2}}, []store.Span{span(0, 10, store.StateData, 2), span(10, 60, store.StateOff, 0)}},
		"drops":      {[]batchPart{{tick: 0, off: ten, data: true}, {tick: 10, off: ten, data: true, drops: 3}, {tick: 20, off: ten, data: true}}, []store.Span{span(0, 10, store.StateData, 0), span(10, 20, store.StateData, 3), span(20, 30, store.StateData, 0), span(30, 60, store.StateOff, 0)}},
		"to the end": {[]batchPart{{tick: 50, off: ten}}, []store.Span{span(0, 50, store.StateOff, 0), span(50, 60, store.StateIdle, 0)}},
	} {
		if diff := gocmp.Diff(c.want, spans(c.batches...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
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
