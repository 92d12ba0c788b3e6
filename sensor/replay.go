package sensor

import (
	"context"
	"errors"
)

// Named is a source with the name that errors and Status know it by.
type Named struct {
	Name   string
	Source Source
}

// Replay runs files through the pipeline as fast as they can be read, one after the
// other, and returns when the last tick is committed. Ticks are those of packet
// times; up to four are open at once, so packets may be out of order by two ticks.
// What comes later still counts, in a batch of its own. The sources are closed.
//
// When ctx ends, reading stops and what was read is committed. Errors of a file do
// not keep the following ones from being read.
func (s *Sensor) Replay(ctx context.Context, files []Named) error {
	p := s.start(false)
	s.setReady()
	for _, file := range files {
		if ctx.Err() != nil {
			p.fail(file.Source.Close())
			continue
		}
		ended := make(chan error, 1)
		p.add(file.Name, file.Source, func(err error) { ended <- err })
		select {
		case err := <-ended:
			p.fail(err)
		case <-ctx.Done():
			file.Source.Stop()
			p.fail(<-ended)
		}
	}
	return errors.Join(p.drain(), ctx.Err())
}
