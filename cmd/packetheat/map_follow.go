package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/cmd/internal/termmap"
	"github.com/packetheat/packetheat/store"
)

// What a terminal understands since xterm. Synchronized output (2026) shows a frame when
// all of it has come; who does not know it ignores it, and lines are overwritten in place,
// so that nothing flickers there either.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h\x1b[H"
	endOfLine   = "\x1b[K"
	endFrame    = "\x1b[J\x1b[?2026l"
)

// followLeast is the least time between two frames: several sensors' ticks come at once.
const followLeast = 250 * time.Millisecond

// follow draws the map at every commit, at least once a tick, until a signal or q.
func (m *mapping) follow(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	f := &following{mapping: m, commits: m.reader.Watch(ctx)}
	if m.screen == nil || m.flags.asJSON {
		return f.stream(ctx)
	}
	f.events = watchTerminal(m.screen)
	defer f.events.stop()
	restore, err := f.enter()
	if err != nil {
		return err
	}
	defer func() { restore() }()
	for {
		f.read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := f.draw(); err != nil {
			return err
		}
		for again := true; again; {
			switch f.wait(ctx) {
			case eventEnd:
				return nil
			case eventTick:
				again = false
			case eventSuspend:
				restore()
				suspend()
				if restore, err = f.enter(); err != nil {
					return err
				}
				fallthrough
			case eventDraw:
				if err := f.draw(); err != nil {
					return err
				}
			}
		}
	}
}

// following is a map that is drawn again and again.
type following struct {
	*mapping
	commits <-chan store.Commit
	events  *terminalEvents
	last    *mapView // what is on the screen; nil: nothing yet
	problem error    // why it is old
}

// What ends a wait.
type event uint8

const (
	eventTick    event = iota // ask anew
	eventDraw                 // draw what is known anew
	eventSuspend              // Ctrl+Z
	eventEnd
)

// enter takes the screen and the keyboard, and returns what gives them back.
func (f *following) enter() (restore func(), err error) {
	keys, err := rawKeys()
	if err != nil {
		return nil, err
	}
	if _, err := f.screen.WriteString(enterScreen); err != nil {
		keys()
		return nil, err
	}
	return func() {
		_, _ = f.screen.WriteString(leaveScreen)
		keys()
	}, nil
}

// read asks the stores. One that cannot be read now is said on the screen and tried again.
func (f *following) read(ctx context.Context) {
	v, err := f.view(ctx, time.Now())
	if f.problem = err; err == nil {
		f.last = v
	}
}

// draw shows the last answer.
func (f *following) draw() error {
	columns, lines := f.size()
	screen := termmap.Screen{Columns: columns, Lines: lines, Style: f.style, Fit: f.flags.fit}
	frame := &termmap.Frame{Answer: []string{"packetheat"}, Amount: term.Count}
	if f.last != nil {
		frame = f.last.frame(f.flags.unit)
	}
	frame.Foot = "q quit · u packets or bytes · f fit · " + time.Now().In(f.zone()).Format("15:04:05")
	if f.problem != nil {
		frame.Foot = term.Clean(strings.ReplaceAll(f.problem.Error(), "\n", "; "))
	}
	var b strings.Builder
	b.WriteString(beginFrame)
	drawn := screen.Draw(frame)
	for i, line := range drawn[:min(lines, len(drawn))] {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(line + endOfLine)
	}
	b.WriteString(endFrame)
	_, err := f.screen.WriteString(b.String())
	return err
}

func (f *following) zone() *time.Location {
	if f.last == nil {
		return time.Local
	}
	return f.last.zone
}

// wait returns when there is something to do.
func (f *following) wait(ctx context.Context) event {
	pause := time.NewTimer(f.pause())
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return eventEnd
		case <-pause.C:
			return eventTick // the window moves on where nothing is stored, too
		case _, open := <-f.commits:
			if !open {
				return eventEnd
			}
			return f.settle(ctx)
		case <-f.events.resized:
			return eventDraw
		case <-f.events.suspended:
			return eventSuspend
		case key := <-f.events.keys:
			switch key {
			case 'q', 'Q', 3: // 3 is Ctrl+C where it comes as a key
				return eventEnd
			case 'u':
				f.flags.unit = map[string]string{unitPackets: unitBytes, unitBytes: unitPackets}[f.flags.unit]
				return eventTick
			case 'f':
				f.flags.fit = !f.flags.fit
				return eventDraw
			}
		}
	}
}

// settle waits for the commits that come together with one.
func (f *following) settle(ctx context.Context) event {
	rest := time.NewTimer(followLeast)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return eventEnd
		case <-rest.C:
			return eventTick
		case _, open := <-f.commits:
			if !open {
				return eventEnd
			}
		}
	}
}

// pause is how long a frame may stay without a commit.
func (f *following) pause() time.Duration {
	if f.last != nil && f.last.coverage.Tick > 0 {
		return max(time.Second, f.last.coverage.Tick)
	}
	return 10 * time.Second
}

// stream writes a frame, or with --json a line, at every tick, for who reads a pipe.
func (f *following) stream(ctx context.Context) error {
	f.events = &terminalEvents{}
	for first := true; ; first = false {
		v, err := f.view(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case f.flags.asJSON:
			if err := json.NewEncoder(f.out).Encode(v.json(f.flags.unit)); err != nil {
				return err
			}
		default:
			if !first {
				fmt.Fprintln(f.out)
			}
			columns, lines := f.size()
			if err := f.print(v, columns, lines); err != nil {
				return err
			}
		}
		f.last = v
		if f.wait(ctx) == eventEnd {
			return nil
		}
	}
}

// terminalEvents are what a terminal tells: keys, a new size, Ctrl+Z. The zero value
// never tells anything.
type terminalEvents struct {
	keys      chan byte
	resized   chan os.Signal
	suspended chan os.Signal
	stop      func()
}
