package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/sqlite"
)

// fleetJSON is what is known of a fleet: "fleet status --json" and /api/v1/fleet.
type fleetJSON struct {
	Server   string            `json:"server,omitempty"`  // and what it can do
	Shipping *shippingJSON     `json:"shipping"`          // of the sensor that answers; null: it is none, or ships nothing
	Sensors  []fleetSensorJSON `json:"sensors"`           // by name; of the server only
	Error    string            `json:"error,omitempty"`   // why they are not known
	Time     time.Time         `json:"time"`              // when they were asked for
	Waiting  *waitingJSON      `json:"waiting,omitempty"` // in the store here, as far as is written down
}

// fleetSensorJSON is a sensor as the server knows it.
type fleetSensorJSON struct {
	Sensor  string    `json:"sensor"`
	Origin  string    `json:"origin"` // id of its store
	State   string    `json:"state"`  // live, late or silent
	First   time.Time `json:"first"`  // start of the oldest tick
	Newest  time.Time `json:"newest"` // end of the newest
	Arrived time.Time `json:"arrived"`
	Lag     float64   `json:"lag_seconds"`
	Clock   float64   `json:"clock_seconds"` // ahead of the server's; below 0: behind
	Version string    `json:"version"`

	Batches uint64 `json:"batches_24h"`
	Points  uint64 `json:"points_24h"`
	Packets uint64 `json:"packets_24h"`
	Bytes   uint64 `json:"bytes_24h"`
	Drops   uint64 `json:"drops_24h"`
}

// waitingJSON is what waits in a store that is shipped.
type waitingJSON struct {
	Batches int64     `json:"batches"`
	Points  int64     `json:"points"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Lost    int64     `json:"lost_points"`
}

// A sensor is live while its newest tick is younger than sensorLate, and silent once
// nothing has come for sensorSilent.
const (
	sensorLate   = 2 * time.Minute
	sensorSilent = time.Hour
)

// clockOff is from when on a clock is said to be wrong: what a shipment is under way, and
// whole seconds, are no error.
const clockOff = 5 * time.Second

func newFleetSensor(s *clickhouse.SensorStatus) fleetSensorJSON {
	j := fleetSensorJSON{Sensor: s.Sensor, Origin: s.Origin, State: "live", First: s.First, Newest: s.Newest, Arrived: s.Arrived, Lag: s.Lag.Seconds(),
		Clock: s.Clock.Seconds(), Version: s.Version, Batches: s.Batches, Points: s.Points, Packets: s.Packets, Bytes: s.Bytes, Drops: s.Drops}
	switch {
	case s.Lag > sensorSilent:
		j.State = "silent"
	case s.Lag > sensorLate:
		j.State = "late"
	}
	return j
}

// askFleet fills in what the server knows.
func (j *fleetJSON) ask(ctx context.Context, s *clickhouse.Store) {
	j.Server, j.Sensors, j.Time = s.Capabilities().String(), []fleetSensorJSON{}, time.Now().UTC().Truncate(time.Second)
	list, err := s.Status(ctx)
	if err != nil {
		j.Error = err.Error()
		return
	}
	for i := range list {
		j.Sensors = append(j.Sensors, newFleetSensor(&list[i]))
	}
}

func (p *program) fleetStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print what the server has of each sensor: last seen, lag, drops, versions, clocks",
		Long: `Print what has arrived at the configured server, sensor by sensor: the end of the newest tick,
how late that is, points, packets and dropped frames of the last 24 hours, how far the sensor's
clock is off, its version, and which store it ships. How shipping goes on a sensor itself:
packetheat status.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			w, err := p.connectFleet(cmd, true)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			var j fleetJSON
			if j.ask(w.ctx, w.Store); j.Error != "" {
				return errors.New(j.Error)
			}
			if j.Waiting, err = waitingIn(w.ctx, w.config.Store.Path); err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(&j)
			}
			return p.printFleet(&j, w.config.Store.Path)
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// waitingIn is what waits in a store; nil where there is none, or it is not shipped.
func waitingIn(ctx context.Context, dir string) (j *waitingJSON, err error) {
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); err != nil {
		return nil, nil
	}
	s, err := sqlite.OpenReadOnly(dir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o, err := s.OutboxStatus(ctx)
	if err != nil || o == (sqlite.OutboxStatus{}) {
		return nil, err
	}
	return &waitingJSON{o.Waiting, o.WaitingPoints, o.Oldest, o.LostPoints}, nil
}

func (p *program) printFleet(j *fleetJSON, dir string) error {
	p.say("%s", j.Server)
	if w := j.Waiting; w != nil && w.Batches > 0 {
		p.say("the store %s has %s that the server was not known to have when that was last written down, %s", dir, counted64(w.Batches, "batch", "batches"), "the oldest of "+moment(w.Oldest))
	}
	if len(j.Sensors) == 0 {
		p.say("nothing has arrived yet")
		return nil
	}
	var t term.Table
	t.Head("sensor", "state", "newest", ">lag", ">points 24h", ">packets", ">drops", ">clock", "version", "store")
	for i := range j.Sensors {
		s := &j.Sensors[i]
		clock := ""
		if d := time.Duration(s.Clock * float64(time.Second)); d.Abs() > clockOff {
			clock = d.String()
			if d > 0 {
				clock = "+" + clock
			}
		}
		lag := time.Duration(max(0, s.Lag) * float64(time.Second))
		t.Row(s.Sensor, s.State, s.Newest.Local().Format("2006-01-02 15:04:05"), term.Duration(lag), term.Count(s.Points), term.Count(s.Packets),
			term.Count(s.Drops), clock, s.Version, short(s.Origin))
	}
	_, err := t.WriteTo(p.out)
	return err
}

// short is enough of a store's id to tell it from others.
func short(origin string) string { return origin[:min(len(origin), 8)] }
