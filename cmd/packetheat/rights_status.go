package main

import (
	"fmt"
	"os"

	"github.com/packetheat/packetheat/cmd/internal/privilege"
	"github.com/packetheat/packetheat/sensor"
)

// rightsJSON is what the sensor and its opener may do, as the kernel tells it.
type rightsJSON struct {
	privilege.State
	Landlock int         `json:"landlock"`       // its version, 0: files are not restricted
	Note     string      `json:"note,omitempty"` // whom root has become, and why
	Opener   *openerJSON `json:"opener,omitempty"`
}

// openerJSON is the process that opens packet sockets for the sensor.
type openerJSON struct {
	privilege.State
	Error string `json:"error,omitempty"` // why there will be no more sockets
}

// rights are those of this process, nil where the system does not tell.
func (r *live) rights() *rightsJSON {
	state, err := privilege.Look(os.Getpid())
	if err != nil {
		return nil
	}
	all := &rightsJSON{State: state, Landlock: r.landlock}
	if r.handed == nil {
		return all
	}
	all.Note, all.Opener = r.handed.Note, &openerJSON{}
	if err := r.handed.Opener.Err(); err != nil {
		all.Opener.Error = err.Error()
		return all
	}
	if all.Opener.State, err = privilege.Look(r.handed.Opener.PID()); err != nil {
		// A unit of systemd hides processes that one may not look into. What it began with:
		all.Opener.State = privilege.Began(r.handed.Opener.PID(), state)
	}
	return all
}

// openerWarning tells of an opener that is gone.
func openerWarning(r *rightsJSON) []sensor.Warning {
	if r == nil || r.Opener == nil || r.Opener.Error == "" {
		return nil
	}
	return []sensor.Warning{{Code: "opener", Text: "the process that opens packet sockets has ended: an interface that is opened anew is not captured on", Mend: "restart packetheat"}}
}

// print lists it in status.
func (r *rightsJSON) print(l *list) {
	files := "files NOT restricted (no Landlock)"
	if r.Landlock > 0 {
		files = fmt.Sprintf("files restricted (Landlock %d)", r.Landlock)
	}
	l.add("rights", "%s, %s", r.State, files)
	switch {
	case r.Opener == nil:
	case r.Opener.Error != "":
		l.add("opener", "%s", r.Opener.Error)
	default:
		l.add("opener", "process %d: %s", r.Opener.PID, r.Opener.State)
	}
}
