package main

import (
	"context"
	"fmt"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/fleet"
	"github.com/packetheat/packetheat/cmd/internal/metrics"
	"github.com/packetheat/packetheat/cmd/internal/term"
)

// keysFleet are the keys of the server; of these, reloadableFleet change by SIGHUP.
const keysFleet = "fleet.clickhouse."

func reloadableFleet() []string {
	return []string{keysFleet + "user", keysFleet + "password", keysFleet + "ca"}
}

// newShipper returns what ships the store; nil where that is not asked for.
func (r *live) newShipper() *fleet.Shipper {
	if r.c.Fleet.ClickHouse.DSN == "" {
		return nil
	}
	return fleet.New(fleet.Config{Store: r.store, Open: fleetOpener(r.c, r.log.Logger), Where: r.c.Fleet.ClickHouse.DSN, Every: r.c.Fleet.Every, Logger: r.log.Logger})
}

// shippingJSON is how far a sensor's store has been shipped, in status and /api/v1/fleet.
type shippingJSON struct {
	Server   string `json:"server"`
	Database string `json:"database"`
	Origin   string `json:"origin"` // id of the store
	State    string `json:"state"`  // shipping, behind or away

	Shipped    time.Time `json:"shipped_to,omitzero"` // end of the newest tick that has arrived, since the start
	Last       time.Time `json:"last_shipment,omitzero"`
	Batches    uint64    `json:"batches"` // shipped since the start, as what follows
	Points     uint64    `json:"points"`
	Shipments  uint64    `json:"shipments"`
	Errors     uint64    `json:"errors"`
	Refused    uint64    `json:"refused_batches,omitempty"`
	Damaged    uint64    `json:"damaged_batches,omitempty"`
	PerSecond  float64   `json:"points_per_second"` // over the last minute
	Waiting    int64     `json:"waiting_batches"`
	WaitPoints int64     `json:"waiting_points"`
	Lag        float64   `json:"lag_seconds"` // how long ago the oldest tick that waits began
	Lost       int64     `json:"lost_batches,omitempty"`
	LostPoints int64     `json:"lost_points,omitempty"` // given up before they were shipped

	Error string    `json:"error,omitempty"`
	Since time.Time `json:"error_since,omitzero"`
	Retry time.Time `json:"retry,omitzero"`
}

// fleetTimeout bounds what status and metrics ask the store.
const fleetTimeout = 2 * time.Second

// shipping is how shipping goes; nil where nothing is shipped.
func (r *live) shipping() *shippingJSON {
	if r.shipper == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), fleetTimeout)
	defer cancel()
	st := r.shipper.Status(ctx)
	origin, _ := r.store.ID(ctx) // "": the store does not answer, which Known says
	j := &shippingJSON{
		Server: st.Where, Database: r.c.Fleet.ClickHouse.Database, Origin: origin, State: st.State(), Last: st.Last, Batches: st.Batches, Points: st.Points,
		Shipments: st.Shipments, Errors: st.Errors, Refused: st.Refused, Damaged: st.Damaged, PerSecond: st.Rate,
		Waiting: st.Outbox.Waiting, WaitPoints: st.Outbox.WaitingPoints, Lag: st.Lag.Seconds(), Lost: st.Outbox.Lost, LostPoints: st.Outbox.LostPoints,
		Since: st.Since, Retry: st.Retry,
	}
	if !st.Newest.IsZero() {
		j.Shipped = st.Newest.Add(r.store.Tick())
	}
	if st.Err != nil {
		j.Error = st.Err.Error()
	}
	return j
}

// print adds the lines of status.
func (j *shippingJSON) print(l *list) {
	line := fmt.Sprintf("%s to %s; %s points shipped since the start", j.State, j.Server, term.Count(j.Points))
	if !j.Shipped.IsZero() {
		line += ", up to " + moment(j.Shipped)
	}
	l.add("fleet", "%s", line)
	if j.Waiting > 2 { // fewer come and go
		l.add("", "%s with %s wait, the oldest for %s; %s points/s", counted64(j.Waiting, "batch", "batches"), counted(uint64(j.WaitPoints), "point"),
			term.Duration(time.Duration(j.Lag*float64(time.Second))), term.Count(uint64(j.PerSecond)))
	}
	if j.Error != "" {
		l.add("", "since %s: %s", moment(j.Since), j.Error)
	}
	if j.Refused > 0 {
		l.add("", "%s here alone: the server does not take what is in them (see the log)", counted64(int64(j.Refused), "batch stays", "batches stay"))
	}
	if j.Damaged > 0 {
		l.add("", "%s shipped without their points, which cannot be read (packetheat db check)", counted64(int64(j.Damaged), "batch was", "batches were"))
	}
	if j.Lost > 0 {
		l.add("", "%s given up before they were shipped: store.retention.size or .free is too small for how long the server was away", counted(uint64(j.LostPoints), "point"))
	}
}

// fleetMetrics are the same for Prometheus.
func (r *live) fleetMetrics() metrics.Fleet {
	j := r.shipping()
	if j == nil {
		return metrics.Fleet{}
	}
	return metrics.Fleet{Ships: true, Up: j.Error == "", Batches: j.Batches, Points: j.Points, Shipments: j.Shipments, Errors: j.Errors,
		Waiting: j.Waiting, WaitingPoints: j.WaitPoints, Lag: j.Lag, LostPoints: j.LostPoints, Refused: j.Refused, Damaged: j.Damaged, Newest: j.Shipped}
}
