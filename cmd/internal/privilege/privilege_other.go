//go:build !linux || !cgo

package privilege

import (
	"errors"
	"os"
)

// Identity is who a process becomes.
type Identity struct {
	UID, GID int
	Groups   []int
}

// Opener opens packet sockets, which only Linux has.
type Opener struct{}

// Handover is what Become hands over.
type Handover struct {
	Opener *Opener
	Files  map[string]*os.File
	Note   string
}

// ErrOpenerGone is not returned here.
var ErrOpenerGone = errors.New("the process that opens packet sockets has ended")

// StartOpener fails.
func StartOpener(*Identity) (*Opener, error) { return nil, errors.ErrUnsupported }

// PID returns 0.
func (o *Opener) PID() int { return 0 }

// Ended is never closed.
func (o *Opener) Ended() <-chan struct{} { return nil }

// Err returns errors.ErrUnsupported.
func (o *Opener) Err() error { return errors.ErrUnsupported }

// Socket fails.
func (o *Opener) Socket(int) (int, error) { return -1, errors.ErrUnsupported }

// Close does nothing.
func (o *Opener) Close() error { return nil }

// Become fails.
func Become(*Identity, Handover) error { return errors.ErrUnsupported }

// Inherit returns nil: nothing is handed over here.
func Inherit() (*Handover, error) { return nil, nil }

// Try fails.
func Try(*Identity, func() error) error { return errors.ErrUnsupported }

// MayCapture returns false.
func MayCapture() bool { return false }

// May returns false: rights are another thing here.
func May() bool { return false }

// Look fails.
func Look(int) (State, error) { return State{}, errors.ErrUnsupported }

// Restrict does nothing.
func Restrict(Paths) (int, error) { return 0, nil }

// LimitCalls does nothing.
func LimitCalls() error { return nil }

// Shed does nothing: there is no right to give up.
func Shed() error { return nil }
