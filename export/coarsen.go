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
	levelTenMinutes
	levelWindow    // one row for all time, per address, peer, port, protocol, direction
	levelAddresses // the same without peer and port
	levelPlaces    // the same without address: per place, network, protocol, direction
)

// step is the length of a time bin.
func (l level) step(w store.Window) time.Duration {
	switch l {
	case levelTick:
		return 0
	case levelMinute:
		return time.Minute
	case levelTenMinutes:
		return 10 * time.Minute
	}
	return w.To.Sub(w.From)
}

// sentence says for people what the level does to a file.
func (l level) sentence(budget int64) string {
	what := [...]string{"", "a minute", "10 minutes", "the window",
		"the window, without peers and ports", "the window and place, without addresses"}[min(l, levelPlaces)]
	if what == "" {
		return ""
	}
	return fmt.Sprintf("rows are summed over %s to keep the file under %d MiB; sums are exact", what, max(1, budget>>20))
}

// leastRow is the length of the shortest CSV row: by it, a byte budget bounds the
// number of rows that are worth keeping.
const leastRow = 60
