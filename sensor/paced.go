package sensor

import (
	"io"
	"math"
	"sync"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// paced is a Source that hands out the frames of another at the pace of their times.
// What is out of order comes at once; of a silence of more than maxIdle, in which
// nothing was captured, nothing is waited for.
type paced struct {
	Source
	speed float64

	block  *capture.Block // of Source; nil: to be read
	frame  capture.Frame  // the next one, where has is set
	has    bool
	began  bool
	first  int64     // ns: the frame time that begin stands for
	begin  time.Time // by the clock
	latest int64     // newest frame time so far
	frames []capture.Frame

	stopped chan struct{}
	once    sync.Once
}

func newPaced(source Source, speed float64) *paced {
	return &paced{Source: source, speed: speed, stopped: make(chan struct{})}
}

// ReadBlock implements Source.
func (p *paced) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	deadline := time.Now().Add(timeout)
	for !p.has {
		if p.block == nil {
			block, err := p.Source.ReadBlock(timeout)
			if block == nil || err != nil {
				return nil, err
			}
			p.block = block
		}
		p.next()
	}
	due := p.due(p.frame.Time)
	timer := time.NewTimer(min(time.Until(due), time.Until(deadline)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.stopped:
		return nil, io.EOF
	}
	now := time.Now()
	p.frames = p.frames[:0]
	for p.has && len(p.frames) < mergeFrames && !p.due(p.frame.Time).After(now) {
		p.latest = max(p.latest, p.frame.Time)
		p.frames = append(p.frames, p.frame)
		p.next()
	}
	if len(p.frames) == 0 {
		return nil, nil // not due yet
	}
	return capture.NewBlock(p.frames), nil
}

// next takes the next frame of the block at hand. Where there is none, the next
// ReadBlock reads another: this one's frames have been handed out.
func (p *paced) next() {
	if p.has = p.block.Next(&p.frame); !p.has {
		p.block = nil
	}
}

// due returns when a frame is to be handed out.
func (p *paced) due(at int64) time.Time {
	if !p.began || at-p.latest > int64(maxIdle) {
		p.began, p.first, p.latest, p.begin = true, at, at, time.Now()
	}
	wait := float64(at-p.first) / p.speed
	return p.begin.Add(time.Duration(min(max(wait, 0), math.MaxInt64/4)))
}

// Stop implements Source.
func (p *paced) Stop() {
	p.once.Do(func() { close(p.stopped) })
	p.Source.Stop()
}
