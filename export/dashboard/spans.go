package dashboard

import (
	"slices"
	"time"

	"github.com/packetheat/packetheat/export/page"
)

// mostSpans is how many spans are sent as they are: more are not told apart on any
// screen.
const mostSpans = 1000

// coarser takes spans together that are shorter than a step of the series, where there
// are many. Stretches of a step or more without a sensor stay as they are, and drops add
// up: so at most some three spans a step are left.
func coarser(in []page.Span, step time.Duration) []page.Span {
	if len(in) <= mostSpans {
		return slices.Clip(in)
	}
	const off = "off"
	length := func(s *page.Span) time.Duration { return s.To.Sub(s.From) }
	var out []page.Span
	for _, s := range in {
		n := len(out)
		if n == 0 || s.State == off && length(&s) >= step || out[n-1].State == off {
			out = append(out, s)
			continue
		}
		last := &out[n-1]
		if length(last) >= step && (s.Drops > 0 || last.Drops > 0) && s.State != off {
			out = append(out, s)
			continue
		}
		last.To = s.To
		last.Drops += s.Drops
		if s.State == "data" {
			last.State = s.State
		}
	}
	return out
}
