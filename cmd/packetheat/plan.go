package main

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// assumptions are what a plan rests on, beside the load. Those that a store can tell are
// taken from it.
type assumptions struct {
	PacketBytes    float64 `json:"packet_bytes"`      // mean length of a frame
	PacketsAPoint  float64 `json:"packets_a_point"`   // how many packets one point stands for
	BytesAPoint    float64 `json:"bytes_a_point"`     // in the store, all included
	Measured       bool    `json:"measured"`          // the three above: in the store
	RingBytes      float64 `json:"ring_bytes"`        // a packet takes in a ring
	CPUSeconds     float64 `json:"cpu_s_per_million"` // a million packets take
	BusyCore       float64 `json:"busy_core"`         // share of a core that packets may take
	StallSeconds   float64 `json:"stall_seconds"`     // a ring must last, should the worker not run
	Tick           float64 `json:"tick_seconds"`
	PagesACommit   float64 `json:"pages_a_commit"` // of 4 KiB, beside the points
	FileBytes      int64   `json:"file_bytes"`     // a standing file has at most
	RefreshSeconds float64 `json:"refresh_seconds"`
	Files          int     `json:"files"`
}

// Measured on a machine of 2 cores with 64-byte packets on 100,000 flows: 0.14 s; the
// plan takes twice that. 64 MiB of ring hold 300,000 packets of which 128 bytes are kept.
const (
	recordBytes     = 96
	secondsAMillion = 0.28
)

func assume(c *config.Config) assumptions {
	return assumptions{
		PacketBytes: 700, PacketsAPoint: 400, BytesAPoint: 8, RingBytes: recordBytes + float64(c.Sensor.Snaplen),
		CPUSeconds: secondsAMillion, BusyCore: 0.5, StallSeconds: 2, Tick: c.Sensor.Tick.Seconds(),
		PagesACommit: 12, FileBytes: c.Export.BudgetSize, RefreshSeconds: c.Export.Refresh.Seconds(), Files: len(c.Export.Formats),
	}
}

// planned is the answer.
type planned struct {
	Bits    float64     `json:"bits_per_second"`
	Packets float64     `json:"packets_per_second"`
	Shards  int         `json:"shards"`
	Ring    float64     `json:"ring_bytes"` // of all shards together
	Points  float64     `json:"points_per_tick"`
	Day     float64     `json:"store_bytes_per_day"`
	Year    float64     `json:"store_bytes_per_year"`
	Writes  float64     `json:"store_writes_per_day"` // bytes
	Files   float64     `json:"file_writes_per_day"`  // bytes, at most
	Assumed assumptions `json:"assumptions"`
}

// rate is a load: one of the two is 0.
type rate struct{ bits, packets float64 }

// parseRate reads "500Mbit", "10Gbit/s", "1.5Gbps", "200kpps".
func parseRate(text string) (rate, error) {
	wrong := usagef("--plan %q is no load: write bits per second as 500Mbit or 10Gbit, or packets per second as 200kpps", text)
	lower := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	unit := strings.TrimLeft(lower, "0123456789.")
	n, err := strconv.ParseFloat(strings.TrimSuffix(lower, unit), 64)
	if err != nil || n <= 0 {
		return rate{}, wrong
	}
	scale := map[byte]float64{'k': 1e3, 'm': 1e6, 'g': 1e9, 't': 1e12}
	if unit != "" && scale[unit[0]] != 0 {
		n *= scale[unit[0]]
		unit = unit[1:]
	}
	if n > 1e15 {
		return rate{}, wrong
	}
	switch unit {
	case "bit", "bits", "bit/s", "bits/s", "bps", "b/s":
		return rate{bits: n}, nil
	case "pps", "packets", "packets/s", "p/s":
		return rate{packets: n}, nil
	}
	return rate{}, wrong
}

// planFor works out what a load asks for.
func planFor(r rate, a assumptions) planned {
	p := planned{Bits: r.bits, Packets: r.packets, Assumed: a}
	if p.Packets == 0 {
		p.Packets = p.Bits / 8 / a.PacketBytes
	} else {
		p.Bits = 8 * p.Packets * a.PacketBytes
	}
	const day = 24 * 3600
	p.Shards = max(1, int(math.Ceil(p.Packets/1e6*a.CPUSeconds/a.BusyCore)))
	p.Ring = p.Packets * a.RingBytes * a.StallSeconds
	p.Points = p.Packets * a.Tick / a.PacketsAPoint
	p.Day = p.Points * a.BytesAPoint * day / a.Tick
	p.Year = 365 * p.Day
	// Each page goes to the write-ahead log first, then to the database.
	p.Writes = 2 * (p.Day + 4096*a.PagesACommit*day/a.Tick)
	// A row is some 110 bytes of CSV; a file is rewritten whole.
	file := math.Min(float64(a.FileBytes), 110*p.Points*3600/a.Tick)
	p.Files = float64(a.Files) * file * day / a.RefreshSeconds
	return p
}

// plan answers doctor --plan.
func (p *program) plan(ctx context.Context, c *config.Loaded, load string, asJSON bool) error {
	r, err := parseRate(load)
	if err != nil {
		return err
	}
	a := assume(&c.Config)
	if err := measure(ctx, c.Store.Path, &a); err != nil {
		return err
	}
	planned := planFor(r, a)
	if asJSON {
		return p.printJSON(planned)
	}
	return p.printPlan(&planned, c)
}

// leastPoints is how many points a store must have to say what one takes.
const leastPoints = 100_000

// measure takes from the store what it can tell.
func measure(ctx context.Context, dir string, a *assumptions) (err error) {
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); err != nil {
		return nil // nothing has been stored yet
	}
	s, err := sqlite.OpenReadOnly(dir, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	stats, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	a.Tick = s.Tick().Seconds()
	if stats.Points < leastPoints {
		return nil
	}
	coverage, err := s.Coverage(ctx, store.Window{})
	if err != nil {
		return err
	}
	captured := coverage.Books.Captured
	a.Measured = true
	a.BytesAPoint = stats.PerPoint
	a.PacketBytes = float64(captured.Bytes) / float64(max(1, captured.Packets))
	a.PacketsAPoint = float64(captured.Packets) / float64(stats.Points)
	return nil
}

// addKept says how long points last.
func addKept(l *list, c *config.Loaded, perDay float64) {
	r := retentionOf(c)
	if perDay <= 0 {
		return
	}
	if r.Points > 0 {
		l.add("", "points of %s (store.retention.points) take %s", long(r.Points), term.Bytes(uint64(perDay*r.Points.Hours()/24)))
	}
	if days := min(float64(r.Size)/perDay, 36500); r.Size > 0 {
		l.add("", "%s (store.retention.size) hold %s", term.Bytes(uint64(r.Size)), long(time.Duration(days*24*float64(time.Hour))))
	}
}

func (p *program) printPlan(n *planned, c *config.Loaded) error {
	a := n.Assumed
	bytes := func(x float64) string { return term.Bytes(uint64(x)) }
	var l list
	l.add("load", "%sbit/s, %s packets/s", term.Count(uint64(n.Bits)), term.Count(uint64(n.Packets)))
	l.add("sensor.shards", "%d (this machine would take %d)", n.Shards, ringsOf(c, nil, nil).Ring.Shards)
	l.add("sensor.ring.total", "%s, to lose nothing while a worker does not run for %g s (configured here: %s)",
		bytes(n.Ring), a.StallSeconds, term.Bytes(uint64(c.Sensor.RingTotal.Of(memory()))))
	l.add("points", "%s a tick of %g s", term.Count(uint64(n.Points)), a.Tick)
	l.add("store", "%s a day, %s a year", bytes(n.Day), bytes(n.Year))
	addKept(&l, c, n.Day)
	l.add("disk writes", "%s a day by the store", bytes(n.Writes))
	l.add("", "and at most %s a day by the files in %s (export.refresh, export.budget.size; a tmpfs there spares a flash card)", bytes(n.Files), c.Export.Dir)
	from := "assumed; a store with 100,000 points tells better"
	if a.Measured {
		from = "measured in " + c.Store.Path
	}
	l.add("rests on", "%.0f bytes a packet, %.0f packets a point, %.1f bytes a point (%s)", a.PacketBytes, a.PacketsAPoint, a.BytesAPoint, from)
	l.add("", "%.0f bytes a packet in a ring, %.2f CPU seconds a million packets (twice what was measured), workers %.0f %% busy", a.RingBytes, a.CPUSeconds, 100*a.BusyCore)
	l.add("", "points grow with packets, which is too many where the same connections only get faster; %s a commit", bytes(4096*a.PagesACommit))
	if free, _, err := diskFree(existing(c.Store.Path)); err == nil && n.Day > 0 {
		enough := time.Duration(min(float64(free)/n.Day, 36500)*24) * time.Hour
		l.add("this disk", "has %s free: enough for %s", term.Bytes(uint64(free)), term.Duration(enough))
	}
	return l.print(p.out)
}
