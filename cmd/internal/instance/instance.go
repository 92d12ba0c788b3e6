// Package instance keeps two processes from writing to one store, and lets other
// commands find the sensor that does.
//
// The lock is flock(2) on the file "lock" in the store's folder: the kernel lets go
// of it when the process ends, however it ends. "sensor.json" beside it says where
// the running sensor is found; it is only to be believed while the lock is held.
package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	lockName  = "lock"
	stateName = "sensor.json"
)

// ErrBusy says that another process writes to the store.
var ErrBusy = errors.New("another packetheat writes to this store")

// State is what a running sensor says about itself.
type State struct {
	PID        int       `json:"pid"`
	Version    string    `json:"version"`
	Sensor     string    `json:"sensor"`
	Started    time.Time `json:"started"`
	Interfaces []string  `json:"interfaces"`
	Dashboard  string    `json:"dashboard"` // URL, or "off"
	Out        string    `json:"out"`       // folder of the standing files
}

// Lock is the right to write to a store. Acquire makes one; the zero value holds none.
type Lock struct {
	dir  string
	file *os.File
}

// Acquire makes the folder of a store if needed and takes the right to write to it.
// The error is ErrBusy, with the process that has it, where it is taken. Release it.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make folder of the store: %w (choose another with --data or store.path)", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock store: %w (choose another with --data or store.path)", err)
	}
	if err := lock(file); err != nil {
		_ = file.Close()
		if !errors.Is(err, ErrBusy) {
			return nil, fmt.Errorf("lock store %q: %w", dir, err)
		}
		return nil, fmt.Errorf("open store %q: %w%s; stop it, or choose another store with --data", dir, ErrBusy, who(dir))
	}
	return &Lock{dir, file}, nil
}

// who returns " (process 123)" if the holder of the lock has said so.
func who(dir string) string {
	if state, err := readState(dir); err == nil {
		return fmt.Sprintf(" (process %d)", state.PID)
	}
	return ""
}

// Announce tells other processes where the sensor is found. The file is replaced as a
// whole: nobody reads half of it.
func (l *Lock) Announce(state State) error {
	state.PID = os.Getpid()
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(l.dir, stateName)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o640); err != nil {
		return fmt.Errorf("announce sensor: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("announce sensor: %w", err)
	}
	return nil
}

// Release gives the right back and takes the announcement away. The file of the lock
// stays: removing it would let two processes lock two files of that name.
func (l *Lock) Release() error {
	err := os.Remove(filepath.Join(l.dir, stateName))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}

// Find returns the sensor that writes to the store in dir; ok is false if none does.
// A process that writes but has not announced itself (yet) has only a zero State.
func Find(dir string) (state State, ok bool, err error) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, fmt.Errorf("look for the sensor: %w", err)
	}
	defer file.Close()
	if err := lock(file); err == nil {
		return State{}, false, nil // closing the file gives the lock back
	} else if !errors.Is(err, ErrBusy) {
		return State{}, false, fmt.Errorf("look for the sensor: %w", err)
	}
	state, err = readState(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return state, true, err
}

func readState(dir string) (state State, err error) {
	text, err := os.ReadFile(filepath.Join(dir, stateName))
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		return State{}, fmt.Errorf("read announcement of the sensor: %w", err)
	}
	return state, nil
}
