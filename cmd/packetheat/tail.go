package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

func (p *program) tailCommand() *cobra.Command {
	var q question
	var n int
	var follow, asJSON bool
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print points as they are stored: time, direction, address, coordinates, city",
		Long: `Print the latest points of the store, then those that a running sensor adds, until
Ctrl+C. Without a running sensor it ends after the latest points, unless --follow is given.`,
		Example: `  packetheat tail
  packetheat tail --filter 'opened:them -country:DE'
  packetheat tail --last 10m -n 0 --follow=false --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 0 {
				return usagef("-n %d is not possible: write 0 for all points of the window, or more", n)
			}
			return p.tail(cmd, &q, &tailing{program: p, latest: n, asJSON: asJSON}, cmd.Flags().Changed("follow"), follow)
		},
	}
	q.flags(cmd)
	cmd.Flags().IntVarP(&n, "points", "n", 10, "`POINTS` to begin with, 0 for all of the window")
	cmd.Flags().BoolVarP(&follow, "follow", "f", true, "go on with points as they are stored (default: if a sensor runs)")
	addJSON(cmd, &asJSON)
	return cmd
}

func (p *program) tail(cmd *cobra.Command, q *question, t *tailing, chosen, follow bool) (err error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	a, err := p.ask(cmd, q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	p.sayCoverage(&a.coverage, a.zone)
	t.zone = a.zone
	if !chosen {
		_, running, err := instance.Find(a.config.Store.Path)
		if follow = running; err != nil {
			return err
		}
	}
	if w := a.filter.Window; !w.To.IsZero() && q.spec.Last == "" {
		follow = false // a window that has ended
	}
	var commits <-chan store.Commit
	if follow {
		commits = a.Watch(ctx) // before the reading, so that none is missed
	}
	if err := t.begin(ctx, a, follow); err != nil || !follow {
		return err
	}
	a.filter.Window.To = time.Time{}
	for commit := range commits {
		if err := t.next(ctx, a, a.filter, commit); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// tailing is a tail under way.
type tailing struct {
	*program
	latest int
	asJSON bool
	zone   *time.Location
	told   map[toldKey]store.Sum // what of the latest ticks has been printed
	ticks  []time.Time           // in told, oldest first
}

// toldKey is what makes a point one, without what it carries.
type toldKey struct {
	point store.Point // its amounts and flags zero, its time in UTC
}

// begin prints the last points of the window. follow: commits that come later may add to
// them, so that it must be known what has been printed of them.
func (t *tailing) begin(ctx context.Context, a *asked, follow bool) error {
	t.told = map[toldKey]store.Sum{}
	var recent time.Time
	if follow {
		coverage, err := a.Coverage(ctx, store.Window{})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("read coverage: %w", err)
		}
		recent = coverage.Last.Add(-keptTicks * coverage.Tick)
	}
	var last []store.Point
	err := a.Points(ctx, a.filter, func(points []store.Point) error {
		for i := range points {
			if follow && !points[i].Time.Before(recent) {
				t.remember(points[i].Time)
				key := keyOf(&points[i])
				sum := t.told[key]
				sum.Add(points[i].Sum())
				t.told[key] = sum
			}
		}
		if t.latest == 0 {
			return t.print(points)
		}
		last = append(last, points...)
		if len(last) > 2*t.latest {
			last = append(last[:0], last[len(last)-t.latest:]...)
		}
		return nil
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("read points: %w", err)
	}
	return t.print(last[max(0, len(last)-t.latest):])
}

// next prints what a commit has added.
func (t *tailing) next(ctx context.Context, r export.Reader, f store.Filter, c store.Commit) error {
	f.Window = f.Window.Clip(store.Window{From: c.Tick, To: c.Tick.Add(c.Interval)})
	var keys []toldKey
	sums := map[toldKey]store.Sum{}
	err := r.Points(ctx, f, func(points []store.Point) error {
		for i := range points {
			if points[i].Sensor != c.Sensor {
				continue
			}
			key := keyOf(&points[i])
			sum, again := sums[key]
			if !again {
				keys = append(keys, key)
			}
			sum.Add(points[i].Sum())
			sums[key] = sum
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read points: %w", err)
	}
	t.remember(c.Tick)
	for _, key := range keys {
		old, sum := t.told[key], sums[key]
		t.told[key] = sum
		point := key.point
		point.Packets, point.Bytes, point.Opens = sum.Packets-old.Packets, sum.Bytes-old.Bytes, sum.Opens-old.Opens
		if point.Packets == 0 {
			continue
		}
		if err := t.printPoint(&point); err != nil {
			return err
		}
	}
	return nil
}

func keyOf(point *store.Point) toldKey {
	key := toldKey{*point}
	key.point.Time = point.Time.UTC()
	key.point.Packets, key.point.Bytes, key.point.Opens, key.point.Flags = 0, 0, 0, 0
	return key
}

// keptTicks is how many ticks are remembered of each that was printed.
const keptTicks = 16

// remember makes room for a tick in told. Late packets add to ticks that have been
// printed; those that come after the last 16 ticks are printed with their tick in full.
func (t *tailing) remember(tick time.Time) {
	for _, old := range t.ticks {
		if old.Equal(tick) {
			return
		}
	}
	t.ticks = append(t.ticks, tick)
	if len(t.ticks) <= keptTicks {
		return
	}
	oldest := t.ticks[0]
	t.ticks = t.ticks[1:]
	for key := range t.told {
		if key.point.Time.Equal(oldest) {
			delete(t.told, key)
		}
	}
}

func (t *tailing) print(points []store.Point) error {
	for i := range points {
		if err := t.printPoint(&points[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tailing) printPoint(point *store.Point) error {
	if t.asJSON {
		return json.NewEncoder(t.out).Encode(pointToJSON(point))
	}
	_, err := fmt.Fprintln(t.out, pointLine(point, t.zone))
	return err
}

// pointLine is a point as tail and run --print show it.
func pointLine(point *store.Point, zone *time.Location) string {
	service := store.ProtoName(point.Proto)
	if point.HasPort {
		service += fmt.Sprintf("/%d", point.Port)
	}
	where := "unlocated"
	if point.Place.HasCoordinates() {
		where = fmt.Sprintf("%.4f,%.4f", point.Place.Latitude, point.Place.Longitude)
	} else if point.Place.Country != "" {
		where = "country"
	}
	as := ""
	if point.ASN != 0 {
		as = fmt.Sprintf("  AS%d %s", point.ASN, point.ASOrg)
	}
	place := placeName(point.Place)
	if place == "" {
		place = "–"
	}
	return term.Clean(fmt.Sprintf("%s  %-3s  %-15s  %-9s  %8s  %8s  %20s  %s%s", point.Time.In(zone).Format("15:04:05"),
		point.Direction, store.PrefixString(point.Addr), service, term.Count(point.Packets), term.Bytes(point.Bytes), where, place, as))
}

// pointJSON is a point as NDJSON has it, by the names of the CSV.
type pointJSON struct {
	Time      time.Time `json:"time"`
	Latitude  *float64  `json:"latitude"`
	Longitude *float64  `json:"longitude"`
	Direction string    `json:"direction"`
	Protocol  string    `json:"protocol"`
	IP        string    `json:"ip"`
	Peer      string    `json:"peer"`
	Port      *uint16   `json:"port"`
	Packets   uint64    `json:"packets"`
	Bytes     uint64    `json:"bytes"`
	Opens     uint64    `json:"opens"`
	Country   string    `json:"country"`
	City      string    `json:"city"`
	ASN       uint32    `json:"asn"`
	ASOrg     string    `json:"as_org"`
	Sensor    string    `json:"sensor"`
	Interval  float64   `json:"interval"`
	Precision string    `json:"precision"`
	Flags     string    `json:"flags"`
}

func pointToJSON(point *store.Point) pointJSON {
	out := pointJSON{
		Time: point.Time.UTC(), Direction: point.Direction.String(), Protocol: store.ProtoName(point.Proto),
		IP: store.PrefixString(point.Addr), Peer: store.PrefixString(point.Peer),
		Packets: point.Packets, Bytes: point.Bytes, Opens: point.Opens,
		Country: point.Place.Country, City: point.Place.City, ASN: point.ASN, ASOrg: point.ASOrg,
		Sensor: point.Sensor, Interval: point.Interval.Seconds(), Precision: point.Place.Precision.String(), Flags: point.Flags.String(),
	}
	if point.Place.HasCoordinates() {
		out.Latitude, out.Longitude = &point.Place.Latitude, &point.Place.Longitude
	}
	if point.HasPort {
		out.Port = &point.Port
	}
	return out
}
