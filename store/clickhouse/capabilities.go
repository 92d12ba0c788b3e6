package clickhouse

import "fmt"

// Capabilities say what a server can do, as its version tells. The zero value is those
// of a server that can do nothing but what all can.
type Capabilities struct {
	Version [3]uint64 // year, release, patch

	// Tokens: an insert may carry a deduplication token that holds for the rollups behind
	// the table as well. Without it there are no rollups, and points are kept by their
	// place in their batch so that reading can take repetitions out.
	Tokens bool

	// Columns: dictionaries of values and codecs for columns. TTL: rows have an age.
	Columns, TTL bool
}

// capabilitiesOf tells what a version can do.
//
// Tokens that hold for dependent views came with the rework of release 24.7, of which
// 24.8 is the one with long support; codecs and LowCardinality were settled in 19.4,
// TTL in 19.7.
func capabilitiesOf(major, minor, patch uint64) Capabilities {
	since := func(year, release uint64) bool { return major > year || major == year && minor >= release }
	return Capabilities{
		Version: [3]uint64{major, minor, patch},
		Tokens:  since(24, 8),
		Columns: since(19, 4),
		TTL:     since(19, 7),
	}
}

// Modern are the capabilities that Statements assumes of a server nobody has asked.
func Modern() Capabilities { return capabilitiesOf(24, 8, 0) }

// String names the version and what is missing in it.
func (c Capabilities) String() string {
	s := fmt.Sprintf("ClickHouse %d.%d.%d", c.Version[0], c.Version[1], c.Version[2])
	switch {
	case c.Tokens:
		return s
	case c.TTL:
		return s + ": too old for rollups (24.8 has them); long windows are slow"
	}
	return s + ": too old for rollups (24.8 has them) and for retention (19.7; until then fleet upgrade drops what is too old); long windows are slow"
}
