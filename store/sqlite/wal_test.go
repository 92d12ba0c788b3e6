package sqlite

import (
	"context"
	"testing"
)

// TestLogIsEmptied: a log that a reader has made grow is emptied once the reader has
// gone, and no sooner, and one that has not grown is left alone.
func TestLogIsEmptied(t *testing.T) {
	s := openNew(t, Options{NoMaintenance: true})
	quick(t, s)
	ctx := context.Background()
	reader, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Rollback()
	if _, err := number(ctx, reader, "SELECT count(*) FROM batches"); err != nil { // from now on it sees this state
		t.Fatal(err)
	}
	if err := s.checkpoint(ctx); err != nil || s.logBytes() == 0 {
		t.Errorf("a log of %d bytes, %v", s.logBytes(), err)
	}
	b := newRandom(9).batch("gw1", benchStart, s.Tick(), 0, 5000)
	for ; s.logBytes() < walLarge; b.Seq++ {
		appendAll(t, s, b)
	}
	if err := s.checkpoint(ctx); err != nil || s.logBytes() < walLarge {
		t.Errorf("beside a reader: %d bytes, %v", s.logBytes(), err)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.checkpoint(ctx); err != nil || s.logBytes() != 0 {
		t.Errorf("without the reader: %d bytes, %v", s.logBytes(), err)
	}
}
