//go:build cgo

package privilege

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// What a path may be used for. Nothing may be executed, no device, socket or link made.
const (
	readFile = landlock.AccessFSSet(ll.AccessFSReadFile)
	listDir  = landlock.AccessFSSet(ll.AccessFSReadDir)
	read     = readFile | listDir
	write    = read | landlock.AccessFSSet(ll.AccessFSWriteFile|ll.AccessFSTruncate|ll.AccessFSMakeReg|ll.AccessFSMakeDir|ll.AccessFSRemoveFile|ll.AccessFSRemoveDir)
)

// signals keeps this process from sending signals to others: also to its opener.
const signals = landlock.ScopedSet(ll.ScopeSignal)

// newest is the version of Landlock whose rights on files are taken away. Later ones would
// also take away the sockets of the log and of the service manager.
const newest = 7

// Restrict leaves all threads of this process, for good, the paths only, as far as the
// kernel can: it returns the version of Landlock that is in force, 0 where there is none.
// What does not exist now is not reachable later unless the folder around it is. TCP is not
// restricted. A process that Become has made no-new-privileges for may call it; others get
// that, too.
func Restrict(p Paths) (version int, err error) {
	config, err := landlock.NewConfig(landlock.V7.HandledAccessFS, signals)
	if err != nil {
		return 0, fmt.Errorf("restrict files: %w", err)
	}
	var rules []landlock.Rule
	for _, set := range []struct {
		paths  []string
		rights landlock.AccessFSSet
	}{{p.Write, write}, {p.Read, read}, {p.List, listDir}} {
		for _, path := range set.paths {
			info, err := os.Stat(path)
			if err != nil {
				continue
			}
			rights := set.rights
			if !info.IsDir() {
				rights &^= landlock.AccessFSSet(ll.AccessFSReadDir | ll.AccessFSMakeReg | ll.AccessFSMakeDir | ll.AccessFSRemoveFile | ll.AccessFSRemoveDir)
			}
			if rights != 0 {
				rules = append(rules, landlock.PathAccess(rights, path).IgnoreIfMissing())
			}
		}
	}
	if err := config.BestEffort().Restrict(rules...); err != nil {
		return 0, fmt.Errorf("restrict files: %w", err)
	}
	return Landlock(), nil
}

// Landlock is the version that Restrict uses here; 0: the kernel has none, or it is
// switched off.
func Landlock() int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return min(version, newest)
}
