package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The ends of the veth pair: the sensor captures on Home, the generator writes to
// the other.
const (
	Home  = "home0"
	world = "world0"
)

// Command returns the command that runs this program again, with these arguments
// and files (the first is descriptor 3), in a network namespace of its own; for
// anybody but root also in a user namespace, in which that is allowed. The child is
// asked to stop (SIGTERM) when this process dies in whatever way, and lives in a
// process group of its own, so that a Ctrl+C reaches it once, from here: pass
// signals on.
//
// Use Run to run it.
func Command(args []string, files ...*os.File) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET,
		Setpgid:    true,
		Pdeathsig:  syscall.SIGTERM,
	}
	if uid := os.Geteuid(); uid != 0 {
		// It will look like root: nobody shall think that sudo made it so.
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SUDO_") })
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		// Root of the new user namespace is the user outside: files stay theirs.
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return cmd, nil
}

// Run starts the command, calls started (if not nil), and waits for the end. It keeps
// its thread to itself meanwhile: the kernel sends Pdeathsig when the *thread* that
// started the child ends, see prctl(2), PR_SET_PDEATHSIG.
func Run(cmd *exec.Cmd, started func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cmd.SysProcAttr.UidMappings != nil {
		// A binary that setcap has given a capability runs with /proc/self belonging to
		// root, see PR_SET_DUMPABLE in prctl(2): then Start could not write uid_map.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("start in a network namespace: %w", err)
		}
	}
	if err := cmd.Start(); err != nil {
		return explain("start in a network namespace", err)
	}
	if started != nil {
		started()
	}
	return cmd.Wait()
}

// EndWithParent asks again for what Command has asked for, after an exec from another
// thread than the first, or a change of user: either makes the kernel forget it. It keeps a
// thread for that.
func EndWithParent() error {
	parent := os.Getppid()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0, 0, 0)
		select {}
	}()
	if err := <-failed; err != nil {
		return fmt.Errorf("end with the process outside: %w", err)
	}
	if os.Getppid() != parent {
		return errors.New("the process outside has ended")
	}
	return nil
}

// Wire makes the veth pair in the namespace this process is in and sets its ends and
// the loopback interface up. Both ends are silent: no ARP and no IPv6 address, hence
// no router or neighbour discovery. The pair ends with the namespace.
func Wire() error {
	const doing = "make a veth pair"
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return explain(doing, err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return explain(doing, err)
	}
	pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: Home}, PeerName: world}
	if err := netlink.LinkAdd(pair); err != nil {
		return explain(doing, err)
	}
	for _, name := range []string{Home, world} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return explain(doing, err)
		}
		// addrconf_addr_gen in net/ipv6/addrconf.c makes no link-local address in
		// this mode; a kernel without IPv6 refuses it and needs it not.
		_ = netlink.LinkSetIP6AddrGenMode(link, 1) // IN6_ADDR_GEN_MODE_NONE
		if err := netlink.LinkSetARPOff(link); err != nil {
			return explain(doing, err)
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return explain(doing, err)
		}
	}
	return nil
}

// switches are what distributions use to keep users from making namespaces, with the
// value that does. See user_namespaces(7), and the kernel notes of Debian and Ubuntu.
var switches = []struct{ name, closed, open string }{
	{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"},
	{"kernel.unprivileged_userns_clone", "0", "1"},
	{"user.max_user_namespaces", "0", "15000"},
	{"user.max_net_namespaces", "0", "15000"},
}

// explain says, of an error that means "not allowed here", why and what to do.
func explain(doing string, err error) error {
	if !errors.Is(err, os.ErrPermission) && !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	hint := "run: sudo " + filepath.Base(os.Args[0]) + " demo"
	if os.Getuid() == 0 && !inUserNamespace() {
		hint = "needs CAP_SYS_ADMIN and CAP_NET_ADMIN: in a container, start it with --privileged"
	}
	for _, s := range switches {
		value, readErr := os.ReadFile("/proc/sys/" + strings.ReplaceAll(s.name, ".", "/"))
		if readErr == nil && strings.TrimSpace(string(value)) == s.closed {
			hint += fmt.Sprintf(", or allow user namespaces: sudo sysctl -w %s=%s", s.name, s.open)
		}
	}
	return fmt.Errorf("%s: %w (%s)", doing, err, hint)
}

// inUserNamespace reports whether this process is in a user namespace other than the
// first one, in which all user numbers are mapped to themselves.
func inUserNamespace() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(b)), " ") != "0 0 4294967295"
}
