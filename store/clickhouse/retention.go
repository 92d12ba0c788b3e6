package clickhouse

import (
	"fmt"
	"time"
)

// Retention says how long things are kept; 0 is for ever. Batches, by which it is known
// what has been counted, are never given up.
type Retention struct {
	Points   time.Duration // points with their addresses
	Views10m time.Duration // rollups of 10 minutes
	Views1h  time.Duration // of an hour
	Views1d  time.Duration // of a day
}

// age returns the TTL of a table, in whole days, a part of one being a day.
func age(column string, d time.Duration) string {
	if d <= 0 {
		return ""
	}
	const day = 24 * time.Hour
	return fmt.Sprintf("%s + INTERVAL %d DAY", column, (d+day-1)/day)
}
