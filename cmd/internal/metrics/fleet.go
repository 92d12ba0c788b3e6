package metrics

import "time"

// Fleet are the figures of a store that is shipped.
type Fleet struct {
	Ships bool // false: it is not, and nothing below is shown
	Up    bool // the server takes what is sent

	Batches, Points, Shipments, Errors uint64

	Waiting, WaitingPoints int64
	Lag                    float64 // seconds since the oldest tick that waits began
	LostPoints             int64   // given up before they were shipped
	Refused, Damaged       uint64  // batches that the server does not take; that came without their points
	Newest                 time.Time
}

func (f *Fleet) collect(send sending) {
	if !f.Ships {
		return
	}
	send(fleetUp, truth(f.Up))
	send(fleetBatches, float64(f.Batches))
	send(fleetPoints, float64(f.Points))
	send(fleetShipments, float64(f.Shipments))
	send(fleetErrors, float64(f.Errors))
	send(fleetWaiting, float64(f.Waiting))
	send(fleetWaitingPoints, float64(f.WaitingPoints))
	send(fleetLag, f.Lag)
	send(fleetLost, float64(f.LostPoints))
	send(fleetRefused, float64(f.Refused))
	send(fleetDamaged, float64(f.Damaged))
	send(fleetNewest, seconds(f.Newest))
}
