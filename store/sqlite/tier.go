package sqlite

// The levels of tiers: the length of their intervals in seconds. Every tick divides
// the shortest, and each level the next.
const (
	level10m int64 = 600
	level1h  int64 = 3600
	level1d  int64 = 86400
)

// levels are all of them, the coarsest first.
var levels = [...]int64{level1d, level1h, level10m}

// tierRow is a row of the table tiers: what one sensor saw in one interval.
type tierRow struct {
	id, level, start      int64
	sensor                uint32
	last                  int64 // id of the newest batch in it
	batches, points, keys int64
	chunks                int64 // of the full keys
	geo                   string
	books, spans          []byte
}

// source is where a query reads sums from: the full keys of a tier or one of its
// views. Its number is that of the source's part "sums" in the table parts.
type source int

// The sources. Groups of the full keys have address, place and AS; the one id that a
// group of a view has stands in columns.place.
const (
	sourceKeys  source = 1
	sourcePlace source = 5  // by id of the place
	sourceASN   source = 7  // by id of the AS
	sourcePort  source = 9  // by port + 1; 0: none
	sourceKind  source = 11 // one group, 0
)

// The other parts of the full keys.
const (
	partKeysEnds    = 2
	partKeysTimes   = 3
	partKeysSamples = 4 // of the 10m tier
)

// sums returns the number of the part with the source's sums.
func (s source) sums() int { return int(s) }

// times returns the number of the part with the first and last ticks.
func (s source) times() int {
	if s == sourceKeys {
		return partKeysTimes
	}
	return int(s) + 1
}

// maxPart is one more than the highest number of a part, chunkRoom how many numbers
// each chunk has in the table parts, and partRoom how many each tier has.
const (
	maxPart   = 13
	chunkRoom = 16
	partRoom  = 1 << 16
)

// partID returns the row of a part in the table parts. Chunks are the pieces of the
// full keys, so that nobody must hold all of them at once: each is complete in
// itself, and one behind the other they are in order. Views are in chunk 0.
func partID(tier, chunk int64, part int) int64 {
	return tier*partRoom + chunk*chunkRoom + int64(part)
}

// tierBlobs are the parts of a tier's chunk by their number; nil: not there, or not
// read.
type tierBlobs [maxPart][]byte
