//go:build cgo

package privilege

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self is this program, also where its file was replaced or cannot be reached by the user
// that a thread has become.
const self = "/proc/self/exe"

// onThread runs f on a thread of its own that ends afterwards, and with it everything that
// f has done to the rights of the thread.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// Identity is who a process becomes.
type Identity struct {
	UID, GID int
	Groups   []int // beside GID
}

// assume makes the calling thread be somebody (nil: who it is) with the capabilities in
// keep at most, and for ever without new ones. An exec from this thread keeps just those:
// they are in the ambient set.
func (who *Identity) assume(keep uint64) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no-new-privileges: %w", err)
	}
	have, err := capabilities()
	if err != nil {
		return err
	}
	if have.effective&(1<<unix.CAP_SETPCAP) != 0 {
		dropBounding(keep | inFile())
	}
	if who != nil {
		if err := who.become(); err != nil {
			return err
		}
	}
	keep &= have.permitted
	// Refused (EPERM) by the list of system calls of a unit: then an exec is what takes
	// away the rest, and what is to be kept is in the ambient set already.
	_ = setCapabilities(keep)
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // not before Linux 4.3
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if keep&(1<<c) == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c, 0, 0); err != nil {
			return fmt.Errorf("keep capability %d: %w", c, err)
		}
	}
	return nil
}

// dropBounding takes away, for good, what a later exec could give. It needs CAP_SETPCAP.
func dropBounding(keep uint64) {
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) == 0 && unix.Prctl(unix.PR_CAPBSET_READ, c, 0, 0, 0) == nil {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		}
	}
}

// inFile is what setcap(8) has written to the file of this program. The kernel does not
// execute a file whose capabilities are not in the bounding set: EPERM, where the file
// wants them to be effective (bprm_caps_from_vfs_caps). With no-new-privileges they are
// not given, so it does not matter that they stay in that set.
func inFile() uint64 {
	if n, err := unix.Getxattr(self, "security.capability", nil); err == nil && n > 0 {
		return 1 << unix.CAP_NET_RAW // none of the others is of use to us
	}
	return 0
}

// become changes the user of this thread alone: package syscall's functions change it for
// all. Capabilities stay permitted until setCapabilities.
func (who *Identity) become() error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become user %d: %w", who.UID, err)
	}
	groups := make([]uint32, 0, len(who.Groups)+1)
	for _, g := range append([]int{who.GID}, who.Groups...) {
		groups = append(groups, uint32(g))
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0); errno != 0 {
		return fmt.Errorf("become user %d: set groups: %w", who.UID, errno)
	}
	gid, uid := uintptr(who.GID), uintptr(who.UID)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return fmt.Errorf("become user %d: set group %d: %w", who.UID, who.GID, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return fmt.Errorf("become user %d: %w", who.UID, errno)
	}
	return nil
}

// sets are the capabilities of a thread.
type sets struct{ effective, permitted uint64 }

func capabilities() (sets, error) {
	var data [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0]); err != nil {
		return sets{}, fmt.Errorf("read capabilities: %w", err)
	}
	join := func(low, high uint32) uint64 { return uint64(high)<<32 | uint64(low) }
	return sets{join(data[0].Effective, data[1].Effective), join(data[0].Permitted, data[1].Permitted)}, nil
}

// setCapabilities makes all three sets of this thread be one.
func setCapabilities(all uint64) error {
	low, high := uint32(all), uint32(all>>32)
	data := [2]unix.CapUserData{{Effective: low, Permitted: low, Inheritable: low}, {Effective: high, Permitted: high, Inheritable: high}}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &data[0])
}

// MayCapture reports whether this process has the one capability that it can do without
// only if an opener has it.
func MayCapture() bool {
	have, err := capabilities()
	return err == nil && have.effective&(1<<unix.CAP_NET_RAW) != 0
}

// May reports whether this process has rights that it could give up.
func May() bool {
	have, err := capabilities()
	return err == nil && have.permitted != 0
}

// keepOpen lets a descriptor survive an exec, or not.
func keepOpen(fd uintptr, keep bool) error {
	flags := unix.FD_CLOEXEC
	if keep {
		flags = 0
	}
	_, err := unix.FcntlInt(fd, unix.F_SETFD, flags)
	return err
}

// execute executes this program anew on the calling thread; it returns on failure only.
func execute(env []string) error {
	return fmt.Errorf("execute packetheat anew: %w", syscall.Exec(self, os.Args, env))
}
