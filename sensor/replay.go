package sensor

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Named is a source with the name that errors and Status know it by.
type Named struct {
	Name   string
	Source Source
}

// ReplayOption changes how Replay runs.
type ReplayOption func(*replayOptions)

type replayOptions struct{ speed float64 }

// Speed makes a replay take as long as the capture did, divided by factor: 1 is real
// time, 60 a minute a second. 0, the default, is as fast as the files can be read.
// Silences of more than an hour are skipped.
func Speed(factor float64) ReplayOption {
	return func(o *replayOptions) { o.speed = factor }
}

// Replay runs files through the pipeline, their packets in order of time, and returns
// when the last tick is committed. Several files are one source, which Status names by
// the first of them: each must be in order itself, and all are open at once. Ticks are
// those of packet times; up to four are open, so packets may be out of order by two
// ticks. What comes later still counts, in a batch of its own. The sources are closed.
//
// When ctx ends, reading stops and what was read is committed. Errors of a file do
// not keep the others from being read.
func (s *Sensor) Replay(ctx context.Context, files []Named, options ...ReplayOption) error {
	var o replayOptions
	for _, option := range options {
		option(&o)
	}
	source := sourceOf(files)
	if o.speed < 0 || math.IsNaN(o.speed) || math.IsInf(o.speed, 0) {
		return errors.Join(fmt.Errorf("replay at speed %v: give a factor such as 1 or 60, or 0 for full speed", o.speed), source.Close())
	}
	if o.speed > 0 {
		source = newPaced(source, o.speed)
	}
	p := s.start(false)
	s.setReady()
	if ctx.Err() != nil || len(files) == 0 {
		p.fail(source.Close())
		return errors.Join(p.drain(), ctx.Err())
	}
	ended := make(chan error, 1)
	p.add(nameOf(files), source, func(err error) { ended <- err })
	select {
	case err := <-ended:
		p.fail(err)
	case <-ctx.Done():
		source.Stop()
		p.fail(<-ended)
	}
	return errors.Join(p.drain(), ctx.Err())
}

// sourceOf makes one source of all files. A single file is itself.
func sourceOf(files []Named) Source {
	if len(files) == 1 {
		return files[0].Source
	}
	return newMerged(files)
}
