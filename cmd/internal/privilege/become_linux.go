//go:build cgo

package privilege

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// handedVariable tells the program that is executed anew what it has got: names with the
// numbers of descriptors, and the opener's process.
const handedVariable = "_PACKETHEAT_HANDED"

// noteVariable is Handover.Note.
const noteVariable = "_PACKETHEAT_NOTE"

// Names in handedVariable that are not the caller's.
const (
	openerFile = "opener"
	openerPID  = "pid"
)

// Handover is what a process with rights gives to the one that it becomes.
type Handover struct {
	Opener *Opener             // needed
	Files  map[string]*os.File // by names of the caller's; may be nil
	Note   string              // anything
}

// Become executes this program anew, with the same arguments and environment, as somebody
// (nil: who we are) and with no capability at all. What it hands over is found by Inherit.
// It returns on failure only; then nothing has changed.
func Become(who *Identity, h Handover) error {
	said := []string{fmt.Sprintf("%s=%d", openerPID, h.Opener.PID())}
	all := maps.Clone(h.Files)
	if all == nil {
		all = map[string]*os.File{}
	}
	all[openerFile] = h.Opener.file
	for _, name := range slices.Sorted(maps.Keys(all)) {
		said = append(said, fmt.Sprintf("%s=%d", name, all[name].Fd()))
	}
	env := append(os.Environ(), handedVariable+"="+strings.Join(said, ","), noteVariable+"="+h.Note)
	err := onThread(func() error {
		if err := who.assume(0); err != nil {
			return err
		}
		for _, f := range all {
			if err := keepOpen(f.Fd(), true); err != nil {
				return fmt.Errorf("hand on %s: %w", f.Name(), err)
			}
		}
		return execute(env)
	})
	for _, f := range all {
		err = errors.Join(err, keepOpen(f.Fd(), false))
	}
	return fmt.Errorf("give up rights: %w", err)
}

// Inherit returns what Become has handed over; nil where this process was started in the
// ordinary way. It is called once, early: from then on nobody of the same user may look
// into this process's memory or take its sockets (ptrace(2)).
func Inherit() (*Handover, error) {
	said, ok := os.LookupEnv(handedVariable)
	if !ok {
		return nil, nil
	}
	_ = os.WriteFile("/proc/self/comm", []byte("packetheat"), 0) // was executed by another name
	note := os.Getenv(noteVariable)
	if err := errors.Join(unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), os.Unsetenv(handedVariable), os.Unsetenv(noteVariable)); err != nil {
		return nil, fmt.Errorf("take over from the process with rights: %w", err)
	}
	in, err := inherit(said)
	if err != nil {
		return nil, fmt.Errorf("take over from the process with rights: %w (%s is not for users)", err, handedVariable)
	}
	if have, err := capabilities(); err != nil || have.permitted != 0 {
		return nil, errors.Join(err, errors.New("take over from the process with rights: there are still some"))
	}
	in.Note = note
	return in, nil
}

// Try does something on a thread with just the rights that Become would leave: to find out
// what would be possible.
func Try(who *Identity, f func() error) error {
	return onThread(func() error {
		if err := who.assume(0); err != nil {
			return err
		}
		return f()
	})
}

// inherit takes over what handedVariable says.
func inherit(said string) (*Handover, error) {
	in := &Handover{Files: map[string]*os.File{}}
	pid := 0
	for _, pair := range strings.Split(said, ",") {
		name, value, _ := strings.Cut(pair, "=")
		number, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return nil, err
		}
		if name == openerPID {
			pid = int(number)
			continue
		}
		if err := keepOpen(uintptr(number), false); err != nil {
			return nil, fmt.Errorf("descriptor %d: %w", number, err)
		}
		in.Files[name] = os.NewFile(uintptr(number), name)
	}
	channel := in.Files[openerFile]
	if channel == nil || pid == 0 {
		return nil, errors.New("there is no opener")
	}
	delete(in.Files, openerFile)
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	in.Opener, err = newOpener(channel, process)
	return in, err
}
