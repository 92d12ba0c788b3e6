package clickhouse

import (
	"time"

	"github.com/packetheat/packetheat/store"
)

// coarsened makes data of spans that are idle for less than least beside data, and joins
// neighbours that are alike then: both with drops or both without. Off stays as it was.
func coarsened(spans []store.Span, least time.Duration) []store.Span {
	spans = alike(spans)
	for i := 0; i < len(spans); {
		end, length := i, time.Duration(0) // of the idle spans from i on, with drops or not
		for ; end < len(spans) && spans[end].State == store.StateIdle; end++ {
			length += spans[end].To.Sub(spans[end].From)
		}
		beside := i > 0 && spans[i-1].State == store.StateData || end < len(spans) && spans[end].State == store.StateData
		for ; i < end; i++ {
			if length < least && beside {
				spans[i].State = store.StateData
			}
		}
		i++
	}
	return alike(spans)
}

func alike(spans []store.Span) (all []store.Span) {
	for _, s := range spans {
		if n := len(all); n > 0 && all[n-1].State == s.State && (all[n-1].Drops > 0) == (s.Drops > 0) {
			all[n-1].To = s.To
			all[n-1].Drops += s.Drops
			all[n-1].Folded += s.Folded
			continue
		}
		all = append(all, s)
	}
	return all
}
