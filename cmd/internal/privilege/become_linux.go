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

// Names in handedVariable that are not the caller's.
const (
	openerFile = "opener"
	openerPID  = "pid"
)

// Inheritance is what a process without rights was given by what it was before.
type Inheritance struct {
	Opener *Opener
	Files  map[string]*os.File // as Become had them
}

// Become executes this program anew, with the same arguments and environment, as somebody
// (nil: who we are), with no capability at all, and with files that it finds by Inherit.
// More is added to the environment. It returns on failure only; then nothing has changed.
func Become(who *Identity, opener *Opener, files map[string]*os.File, more ...string) error {
	said := []string{fmt.Sprintf("%s=%d", openerPID, opener.PID())}
	all := maps.Clone(files)
	if all == nil {
		all = map[string]*os.File{}
	}
	all[openerFile] = opener.file
	for _, name := range slices.Sorted(maps.Keys(all)) {
		said = append(said, fmt.Sprintf("%s=%d", name, all[name].Fd()))
	}
	env := append(os.Environ(), more...)
	env = append(env, handedVariable+"="+strings.Join(said, ","))
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
func Inherit() (*Inheritance, error) {
	said, ok := os.LookupEnv(handedVariable)
	if !ok {
		return nil, nil
	}
	_ = os.WriteFile("/proc/self/comm", []byte("packetheat"), 0) // was executed by another name
	if err := errors.Join(unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0), os.Unsetenv(handedVariable)); err != nil {
		return nil, fmt.Errorf("take over from the process with rights: %w", err)
	}
	in, err := inherit(said)
	if err != nil {
		return nil, fmt.Errorf("take over from the process with rights: %w (%s is not for users)", err, handedVariable)
	}
	if have, err := capabilities(); err != nil || have.permitted != 0 {
		return nil, errors.Join(err, errors.New("take over from the process with rights: there are still some"))
	}
	return in, nil
}

// inherit takes over what handedVariable says.
func inherit(said string) (*Inheritance, error) {
	in := &Inheritance{Files: map[string]*os.File{}}
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
