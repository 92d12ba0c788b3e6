package sqlite

import (
	"encoding/binary"
	"time"

	"github.com/packetheat/packetheat/store"
)

// run is a part of a tier's interval in which its sensor was in one state. Runs
// follow each other without gaps from the start of the interval to its end.
type run struct {
	state         store.State
	length        time.Duration
	drops, folded uint64
}

// encodeRuns seals the coverage of a tier: state, length in nanoseconds, drops and
// folded of each run.
func encodeRuns(runs []run) []byte {
	b := beginSeal(nil, partSpans)
	for _, r := range runs {
		b = append(b, byte(r.state))
		b = binary.AppendUvarint(b, uint64(r.length))
		b = binary.AppendUvarint(b, r.drops)
		b = binary.AppendUvarint(b, r.folded)
	}
	return endSeal(b)
}

// decodeRuns is the inverse of encodeRuns for an interval of level seconds.
func decodeRuns(sealed []byte, level int64) ([]run, error) {
	b, err := unseal(sealed, partSpans)
	if err != nil {
		return nil, err
	}
	left := time.Duration(level) * time.Second
	var runs []run
	for r := (reader{b: b}); len(r.b) > 0; {
		state := r.bytes(1)[0]
		n := r.uvarint()
		next := run{store.State(state), time.Duration(n), r.uvarint(), r.uvarint()}
		if r.bad || next.state > store.StateData || n == 0 || n > uint64(left) {
			return nil, errDamaged
		}
		left -= next.length
		runs = append(runs, next)
	}
	if left != 0 {
		return nil, errDamaged
	}
	return runs, nil
}
