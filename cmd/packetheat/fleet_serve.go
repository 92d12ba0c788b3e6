package main

import (
	"context"
	"sync"
	"time"

	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/store/clickhouse"
)

// fleetKept is how long it is not asked again for what /api/v1/fleet answers.
const fleetKept = 5 * time.Second

// fleetView answers /api/v1/fleet from a server. Many pages may ask; the server is asked
// once for all of them.
type fleetView struct {
	store *clickhouse.Store

	mu    sync.Mutex
	known fleetJSON
	asked time.Time
}

func (v *fleetView) answer(ctx context.Context) any {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.asked) >= fleetKept {
		v.known = fleetJSON{}
		v.known.ask(ctx, v.store)
		v.asked = time.Now()
	}
	return v.known
}

// serveFleet serves what a server has of all sensors.
func (p *program) serveFleet(ctx context.Context, o runOptions) error {
	return p.serveWith(ctx, o, func(ctx context.Context, r *live, cfg *dashboard.Config) (func() error, error) {
		s, err := openFleet(ctx, fleetOptions(o.config, r.log.Logger))
		if err != nil {
			return nil, err
		}
		view := &fleetView{store: s}
		cfg.Reader, cfg.Source, cfg.Fleet = s, askFleet, view.answer
		cfg.Status = func() any { return servedFleet(r, s) }
		return s.Close, nil
	})
}

// servedFleet is what the status says of where answers come from.
func servedFleet(r *live, s *clickhouse.Store) any {
	return map[string]any{"state": "stored", "dashboard": r.door.served(),
		"server": map[string]string{"address": r.c.Fleet.ClickHouse.DSN, "what": s.Capabilities().String()}}
}

// fleetAnswer is what the dashboard of a sensor says: how its shipping goes.
func (r *live) fleetAnswer(context.Context) any {
	return fleetJSON{Shipping: r.shipping(), Sensors: []fleetSensorJSON{}, Time: time.Now().UTC().Truncate(time.Second)}
}
