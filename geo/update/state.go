package update

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stateName is the file in which a folder's state is kept.
const stateName = "update.json"

// state is what update.json holds.
type state struct {
	// Files are the names of the files that were put into city and asn.
	Files map[string][]string `json:"files"`
	// Stale are files that were replaced, and may still be there.
	Stale    []string            `json:"stale,omitempty"`
	Attempts map[string]*attempt `json:"attempts"`
}

// attempt is what is known of the attempts at one edition.
type attempt struct {
	Checked  time.Time `json:"checked,omitzero"` // when the publisher last said what it has
	Tried    time.Time `json:"tried,omitzero"`
	Next     time.Time `json:"next,omitzero"` // not before
	Failures int       `json:"failures,omitempty"`
	Asked    bool      `json:"asked,omitempty"` // the publisher said how long to wait
	Error    string    `json:"error,omitempty"`
	Settings string    `json:"settings"` // of the last attempt
}

// Status is what a folder's attempts at one edition came to.
type Status struct {
	Edition  string
	Checked  time.Time // when the publisher last said what it has; zero: never
	Next     time.Time // when it is asked again, if updates are enabled
	Failures int       // since then
	Error    string    // of the last of them
}

// ReadStatus tells what was tried in a folder, in no order; nothing where there has
// been no update.
func ReadStatus(dir string) (list []Status, err error) {
	s, err := (&Updater{Config: Config{Dir: dir}}).load()
	if err != nil {
		return nil, err
	}
	for name, a := range s.Attempts {
		list = append(list, Status{name, a.Checked, a.Next, a.Failures, a.Error})
	}
	return list, nil
}

// load reads the state. One that is damaged is forgotten: it only saves requests.
func (u *Updater) load() (*state, error) {
	s := &state{}
	text, err := os.ReadFile(filepath.Join(u.Dir, stateName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read state of updates: %w", err)
	}
	if err == nil && json.Unmarshal(text, s) != nil {
		s = &state{}
	}
	if s.Files == nil {
		s.Files = make(map[string][]string)
	}
	if s.Attempts == nil {
		s.Attempts = make(map[string]*attempt)
	}
	for name, a := range s.Attempts {
		if a == nil {
			delete(s.Attempts, name)
		}
	}
	return s, nil
}

// save replaces the state as a whole.
func (u *Updater) save(s *state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(u.Dir, stateName)
	if err = os.WriteFile(name+".new", append(text, '\n'), 0o644); err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("write state of updates: %w", err)
	}
	return nil
}

// attempt returns the attempts at an edition; those under other settings do not count.
func (s *state) attempt(name, settings string) *attempt {
	a := s.Attempts[name]
	if a == nil || a.Settings != settings {
		a = &attempt{Settings: settings}
		s.Attempts[name] = a
	}
	return a
}

// settings tells configurations apart without giving the key away.
func (u *Updater) settings() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{u.AccountID, u.LicenseKey, u.DBIP, u.MaxMind}, "\x00")))
	return hex.EncodeToString(sum[:6])
}

// maxWait is the longest that anybody can make us wait. A clock that was wrong once
// cannot hold updates back for longer.
const maxWait = 7 * 24 * time.Hour

// notBefore is when the next attempt may be made.
func (a *attempt) notBefore(now time.Time) time.Time {
	if a.Next.After(now.Add(maxWait + time.Hour)) {
		return now
	}
	return a.Next
}

// waiting says why nothing was tried.
func (a *attempt) waiting() string {
	when := a.Next.UTC().Format(time.RFC3339)
	switch {
	case a.Asked:
		return fmt.Sprintf("not asked before %s, as the publisher wishes: %s", when, a.Error)
	case a.Failures > 0:
		return fmt.Sprintf("not asked before %s, after %d failures: %s", when, a.Failures, a.Error)
	}
	return "asked a short while ago, again at " + when
}

// Limits of the waits after failures.
const (
	firstWait = 5 * time.Minute
	lastWait  = 24 * time.Hour
)

func (u *Updater) succeeded(a *attempt) {
	now := u.now().UTC()
	*a = attempt{Checked: now, Tried: now, Settings: a.Settings, Next: now.Add(u.Interval - u.Interval/10 + u.jitter(u.Interval/5))}
}

func (u *Updater) failed(a *attempt, err error) {
	now := u.now().UTC()
	a.Failures++
	a.Tried, a.Error, a.Asked = now, err.Error(), false
	wait := min(firstWait<<min(a.Failures-1, 16), lastWait)
	var answer *answerError
	if errors.As(err, &answer) {
		switch {
		case answer.wait > 0:
			a.Asked, wait = true, min(answer.wait, maxWait)
		case answer.final():
			wait = max(u.Interval, lastWait)
		}
	}
	a.Next = now.Add(wait + u.jitter(wait/5))
}

// jitter spreads what many would do at once.
func jitter(d time.Duration) time.Duration { return rand.N(max(cmp.Or(d, 1), 1)) }
