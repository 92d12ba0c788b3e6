package sqlite

import (
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// runsOf returns the coverage of an interval by its batches, which are in order of
// tick.
func runsOf(iv interval, tick time.Duration, batches []batchRow) []run {
	start, end := time.Unix(iv.start, 0).UTC(), time.Unix(iv.end(), 0).UTC()
	spans := store.NewTimeline(start)
	for i := range batches {
		var t totals
		_ = t.decode(batches[i].books) // a damaged one is counted by who reads its totals
		spans.Batch(capturedIn(&batches[i], tick, &t.books))
	}
	var runs []run
	for _, s := range spans.Finish(end) {
		runs = append(runs, run{s.State, s.To.Sub(s.From), s.Drops, s.Folded})
	}
	return runs
}

// capturedIn is what a timeline wants to know of a batch.
func capturedIn(r *batchRow, tick time.Duration, b *store.Books) store.Captured {
	return store.Captured{Tick: time.Unix(r.tick, 0).UTC(), Interval: tick, On: time.Duration(r.on), Off: time.Duration(r.off),
		Data: r.points > 0, Drops: b.Drops, Folded: b.Folded.Packets}
}

// addRuns adds the coverage of the next tier to a timeline.
func addRuns(l *store.Timeline, start int64, runs []run) {
	at := time.Unix(start, 0).UTC()
	for _, r := range runs {
		from := at
		at = at.Add(r.length)
		l.Span(store.Span{Window: store.Window{From: from, To: at}, State: r.state, Drops: r.drops, Folded: r.folded})
	}
}

// overlayRuns returns what two sensors' runs of the same interval are together: in
// every moment the state of the busier one.
func overlayRuns(a, b []run) []run {
	a, b = slices.Clone(a), slices.Clone(b)
	var all []run
	for len(a) > 0 && len(b) > 0 {
		n := min(a[0].length, b[0].length)
		all = append(all, run{max(a[0].state, b[0].state), n, a[0].drops + b[0].drops, a[0].folded + b[0].folded})
		for _, list := range []*[]run{&a, &b} {
			first := &(*list)[0]
			first.length -= n
			first.drops, first.folded = 0, 0 // said
			if first.length == 0 {
				*list = (*list)[1:]
			}
		}
	}
	return joinRuns(all)
}

// joinRuns makes one of neighbours that are alike: of the same state, both with
// drops or both without.
func joinRuns(runs []run) []run {
	var joined []run
	for _, r := range runs {
		if n := len(joined); n > 0 && joined[n-1].state == r.state && (joined[n-1].drops > 0) == (r.drops > 0) {
			joined[n-1].length += r.length
			joined[n-1].drops += r.drops
			joined[n-1].folded += r.folded
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// coarsen makes data of idle runs beside data that a tier of the level is too coarse
// for. Off stays as it was, and so do drops and what was folded.
func coarsen(runs []run, level int64) []run {
	if level == level10m { // exact: which of two ticks lost more is told
		return runs
	}
	least := time.Minute
	if level == level1d {
		least = 24 * time.Minute
	}
	runs = joinRuns(runs)
	for i := 0; i < len(runs); {
		end, length := i, time.Duration(0) // of the idle runs from i on, with drops or not
		for ; end < len(runs) && runs[end].state == store.StateIdle; end++ {
			length += runs[end].length
		}
		beside := i > 0 && runs[i-1].state == store.StateData || end < len(runs) && runs[end].state == store.StateData
		for ; i < end; i++ {
			if length < least && beside {
				runs[i].state = store.StateData
			}
		}
		i++
	}
	return joinRuns(runs)
}
