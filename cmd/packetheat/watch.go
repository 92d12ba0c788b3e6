package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
)

// heldLog keeps what is logged until the ready line, which must be the first, is out.
type heldLog struct {
	*slog.Logger
	hold  *term.Held
	limit *term.Limiter
	level *slog.LevelVar // may be changed at any time
}

func newHeldLog(w io.Writer, level, format string) *heldLog {
	hold, least := term.NewHeld(w), new(slog.LevelVar)
	least.Set(term.Level(level))
	limit := term.NewLimiter(term.NewLogger(hold, least, term.Format(w, format)).Handler())
	return &heldLog{slog.New(limit), hold, limit, least}
}

// release lets all through that was and will be logged.
func (h *heldLog) release() { h.hold.Release() }

// end tells what is held back, as the last thing.
func (h *heldLog) end() {
	h.limit.Flush()
	h.release()
}

// sayPlace tells people how to see the map: by a browser that is opened, or by the
// line that brings it through SSH.
func (r *live) sayPlace(where running) {
	if at := r.door.at(); at != nil {
		user := os.Getenv("USER")
		if line := desktop.SSHLine(r.getenv, user, at.String()); line != "" {
			r.say("to see it on your own machine: %s   then open %s", line, where.dashboard)
		}
	}
	if r.open == openNever {
		return
	}
	address := browserAddress(where, r.c.Export.Formats)
	if address == "" {
		return
	}
	err := r.openBrowser(address)
	if err != nil && r.open == openAlways {
		r.log.Warn("no browser was opened", "error", err, "address", address)
	}
}

// openBrowser opens one, or tells the process that is there for it.
func (r *live) openBrowser(address string) error {
	if r.handed != nil && r.handed.Files[handedBrowser] != nil {
		w := r.handed.Files[handedBrowser]
		_, err := fmt.Fprintln(w, address)
		return errors.Join(err, w.Close())
	}
	cmd, err := desktop.OpenCommand(r.getenv, exec.LookPath, r.owner, address)
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		go func() { _ = cmd.Wait() }() // only so that no zombie stays
	}
	return err
}

// silence is how long a sensor may see nothing for the map before it says so.
const silence = 30 * time.Second

// watchSilence tells once that there is no public traffic, and what to do.
func (r *live) watchSilence(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(silence):
	}
	b := r.sensor.Status().Books
	if public := b.Public(); public.Packets == 0 {
		r.log.Warn(silenceMessage(b, r.interfaceNames()))
	}
}

// silenceMessage says why the map is empty and what to do, for terminal and page.
func silenceMessage(b store.Books, names []string) string {
	seen := "no packet at all"
	if b.Captured.Packets > 0 {
		seen = fmt.Sprintf("%d packets, all of them local or not IP", b.Captured.Packets)
	}
	return fmt.Sprintf("No traffic with public addresses seen on %s (%s): \"packetheat interfaces\" shows where traffic is, \"packetheat demo\" what the map looks like.",
		strings.Join(names, ", "), seen)
}

// watchFirstCommit gives the files of the store away that the first commit makes.
func (r *live) watchFirstCommit(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-r.store.Watch(ctx):
		r.giveFiles()
	}
}

// printPoints prints points as they are committed.
func (r *live) printPoints(ctx context.Context) {
	t := &tailing{program: r.program, zone: time.Local, told: map[toldKey]store.Sum{}}
	for commit := range r.store.Watch(ctx) {
		if err := t.next(ctx, r.store, store.Filter{}, commit); err != nil && ctx.Err() == nil {
			r.log.Warn("points not printed", "error", err)
			return
		}
	}
}

// sayLines says each of some lines.
func (p *program) sayLines(lines []string) {
	for _, line := range lines {
		p.say("%s", line)
	}
}

// summary is what a run or replay says about itself at its end.
func summary(s sensor.Status, took time.Duration) []string {
	b := s.Books
	public := b.Public()
	lines := []string{fmt.Sprintf("captured %s packets, %s in %s; kernel drops %d; on the map %s packets, %s in %s points; %s located",
		term.Count(b.Captured.Packets), term.Bytes(b.Captured.Bytes), term.Duration(took), b.Drops,
		term.Count(public.Packets), term.Bytes(public.Bytes), term.Count(s.Points), located(s))}
	var rest []string
	for _, part := range []struct {
		name string
		n    uint64
	}{
		{"local only", b.LocalOnly.Packets}, {"not IP", b.NonIP.Packets}, {"undecodable", b.Undecodable.Packets}, {"filtered", b.Filtered.Packets},
		{"folded", b.Folded.Packets}, {"late", b.Late.Packets},
	} {
		if part.n > 0 {
			rest = append(rest, fmt.Sprintf("%s %s", part.name, term.Count(part.n)))
		}
	}
	if len(rest) > 0 {
		lines = append(lines, "of the packets: "+strings.Join(rest, ", "))
	}
	if l := s.Losses; l.BacklogDrops+l.RxDropped+l.RxMissed+l.RxFIFO > 0 {
		lines = append(lines, fmt.Sprintf("lost before capture: %d in full queues of the machine's cores, %d dropped, %d missed, %d overrun by interfaces",
			l.BacklogDrops, l.RxDropped, l.RxMissed, l.RxFIFO))
	}
	for _, w := range s.Warnings {
		lines = append(lines, fmt.Sprintf("warning: %s → %s", w.Text, w.Mend))
	}
	if s.CommitErrors > 0 {
		lines = append(lines, fmt.Sprintf("warning: %d commits failed and were tried again (%s)", s.CommitErrors, s.CommitError))
	}
	return lines
}

// located is the share of the endpoints' packets whose place is known.
func located(s sensor.Status) string {
	if s.Endpoints.Packets == 0 {
		return "nothing"
	}
	return term.Share(s.Endpoints.Packets-s.Unlocated.Packets, s.Endpoints.Packets)
}
