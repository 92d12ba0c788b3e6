package dashboard

import (
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

func sortWindows(w []store.Window) {
	slices.SortFunc(w, func(a, b store.Window) int { return a.From.Compare(b.From) })
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
