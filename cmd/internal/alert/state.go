package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// FileName is the name of the file in the store's folder.
const FileName = "alerts.json"

// Bounds of what is kept.
const (
	mostAlerts = 1000
	mostKnown  = 1 << 17 // of each kind: beyond, nothing is new any more
)

// state is what survives a restart.
type state struct {
	Version  int       `json:"version"`
	Learning time.Time `json:"learning_until"`
	Through  time.Time `json:"through"` // the end of what has been looked at
	NextID   uint64    `json:"next_id"`
	Alerts   []Alert   `json:"alerts"` // the oldest first

	Systems   []uint32   `json:"systems"` // seen before
	Countries []string   `json:"countries"`
	Places    [][2]int32 `json:"places"`  // in ten-thousandths of a degree
	Labelled  []string   `json:"labels"`  // label and address
	Pending   []uint64   `json:"pending"` // alerts that the webhook has not taken yet
}

const stateVersion = 1

// load reads the state of a folder; none is the empty one.
func load(dir string) (s state, err error) {
	s.Version, s.NextID = stateVersion, 1
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read alerts: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("read alerts %q: %w (delete the file to begin to learn anew)", filepath.Join(dir, FileName), err)
	}
	if s.Version > stateVersion {
		return s, fmt.Errorf("read alerts %q: it was written by a newer packetheat", filepath.Join(dir, FileName))
	}
	return s, nil
}

// save writes the state as a whole: nobody ever reads half of it.
func (s *state) save(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, FileName)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	return nil
}

// List is what the dashboard shows.
type List struct {
	Alerts   []Alert   `json:"alerts"` // the newest first
	Learning time.Time `json:"learning_until,omitzero"`
	Pending  int       `json:"webhook_pending"`
	Failure  string    `json:"webhook_error,omitempty"` // of the latest attempt
}

func (s *state) list() List {
	l := List{Alerts: slices.Clone(s.Alerts), Learning: s.Learning, Pending: len(s.Pending)}
	slices.Reverse(l.Alerts)
	if l.Alerts == nil {
		l.Alerts = []Alert{}
	}
	return l
}

// Read returns the list that a sensor has left in the folder of its store.
func Read(dir string) (List, error) {
	s, err := load(dir)
	return s.list(), err
}

// Forget takes alerts about addresses in networks out of the file in a folder. No sensor
// may be at work there. It returns how many there were; with try nothing is changed.
func Forget(dir string, networks []netip.Prefix, try bool) (n int, err error) {
	s, err := load(dir)
	if err != nil {
		return 0, err
	}
	within := func(p netip.Prefix) bool {
		return p.IsValid() && slices.ContainsFunc(networks, func(n netip.Prefix) bool {
			return n.Bits() <= p.Bits() && n.Contains(p.Addr())
		})
	}
	kept := slices.DeleteFunc(slices.Clone(s.Alerts), func(a Alert) bool { return within(a.Addr) || within(a.Peer) })
	n = len(s.Alerts) - len(kept)
	s.Alerts = kept
	before := len(s.Labelled)
	s.Labelled = slices.DeleteFunc(s.Labelled, func(key string) bool {
		p, err := netip.ParsePrefix(key[lastSpace(key):])
		return err == nil && within(p)
	})
	if try || n == 0 && before == len(s.Labelled) {
		return n, nil
	}
	return n, s.save(dir)
}

func lastSpace(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return i + 1
		}
	}
	return 0
}
