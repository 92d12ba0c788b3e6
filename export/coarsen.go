package export

import (
	"fmt"
	"time"

	"github.com/packetheat/packetheat/store"
)

// level says how much coarser than points the rows of a standing file are. Sums
// stay exact at every level. The zero value is full detail.
type level uint8

const (
	levelTick level = iota
	levelMinute
	levelTenMinutes // or longer, where the window is: see longBin
	levelWindow     // one row for all time, per address, peer, port, protocol, direction
	levelAddresses  // the same without peer and port
	levelPlaces     // the same without address: per place, network, protocol, direction
)

// longBin is the length of the bins that a window is kept in from levelTenMinutes on:
// one of those that stores keep sums of, so that a long window costs no more than a
// short one.
func longBin(window time.Duration) time.Duration {
	switch {
	case window <= 12*time.Hour:
		return 10 * time.Minute
	case window <= 14*24*time.Hour:
		return time.Hour
	}
	return day
}

const day = 24 * time.Hour

// step is the length of a time bin; long is that of levelTenMinutes.
func (l level) step(w store.Window, long time.Duration) time.Duration {
	switch l {
	case levelTick:
		return 0
	case levelMinute:
		return time.Minute
	case levelTenMinutes:
		return long
	}
	return w.To.Sub(w.From)
}

// sentence says for people what the level does to a file.
func (l level) sentence(long time.Duration) string {
	what := [...]string{"", "a minute", stepName(long, false), "the window",
		"the window, without peers and ports", "the window and place, without addresses"}[min(l, levelPlaces)]
	if what == "" {
		return ""
	}
	return fmt.Sprintf("rows are summed over %s to keep to export.budget; sums are exact", what)
}

// leastRow is the length of the shortest CSV row: by it, a byte budget bounds the
// number of rows that are worth keeping.
const leastRow = 60
