//go:build cgo

package privilege

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// useful are the capabilities that a command that captures nothing may have been given
// for a purpose: to read somebody's store, to serve on port 443.
const useful = 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_CHOWN | 1<<unix.CAP_FOWNER

// Shed gives up, for good and in all threads, the capabilities that an ordinary user's
// process has from its file (setcap) or from who started it and that only capturing has a
// use for. Root keeps its own, which any exec would give back.
func Shed() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // what is not permitted is not ambient either
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if os.Geteuid() == 0 || sets[0].Permitted&^useful|sets[1].Permitted == 0 {
		return nil
	}
	low := &sets[0]
	low.Permitted, low.Effective, low.Inheritable = low.Permitted&useful, low.Effective&useful, low.Inheritable&useful
	sets[1] = unix.CapUserData{}
	// capset(2) is about one thread: psx calls it in every one, and later ones come from these.
	if _, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets[0])), 0); errno != 0 {
		return fmt.Errorf("give up capabilities: %w", errno)
	}
	return nil
}
