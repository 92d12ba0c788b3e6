// Package instance lets other commands find the sensor that writes to a store.
//
// The file "sensor.json" in the store's folder says where it is found. It is only to
// be believed while somebody holds the lock of the store (flock(2) on the file
// "lock", taken by store/sqlite), which the kernel ends with the process.
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
	lockName  = "lock" // of store/sqlite
	stateName = "sensor.json"
)

// State is what a running sensor says about itself.
type State struct {
	PID        int       `json:"pid"`
	Version    string    `json:"version"`
	Sensor     string    `json:"sensor"`
	Started    time.Time `json:"started"`
	Interfaces []string  `json:"interfaces"`
	Dashboard  string    `json:"dashboard"` // URL, or "off"
	Out        string    `json:"out"`       // folder of the standing files

	// Key is what commands of this machine show the dashboard: who may read the store's
	// folder may ask all that is in it. It is another one at each start.
	Key         string `json:"key,omitempty"`
	Certificate string `json:"certificate_sha256,omitempty"` // of the dashboard, in hex; empty: no TLS
}

// Announce tells other processes where the sensor of the store in dir is found, and
// returns the file that does. The store must be open for writing. The file is replaced
// as a whole: nobody reads half of it.
func Announce(dir string, state State) (string, error) {
	state.PID = os.Getpid()
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, stateName)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o640); err != nil {
		return "", fmt.Errorf("announce sensor: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return "", fmt.Errorf("announce sensor: %w", err)
	}
	return name, nil
}

// Withdraw takes the announcement away again.
func Withdraw(dir string) error {
	err := os.Remove(filepath.Join(dir, stateName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("withdraw announcement: %w", err)
	}
	return nil
}

// Find returns the sensor that writes to the store in dir; ok is false if none does.
// A process that writes but has not announced itself has only a zero State.
func Find(dir string) (state State, ok bool, err error) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, fmt.Errorf("look for the sensor: %w", err)
	}
	defer file.Close()
	held, err := isLocked(file)
	if err != nil {
		return State{}, false, fmt.Errorf("look for the sensor: %w", err)
	}
	if !held {
		return State{}, false, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, stateName))
	if errors.Is(err, os.ErrNotExist) {
		return State{}, true, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		return State{}, true, fmt.Errorf("read announcement of the sensor: %w", err)
	}
	return state, true, nil
}
