//go:build cgo

package privilege

import (
	"fmt"
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls are the system calls that a sensor may make: those of a Go program with SQLite
// that serves and asks over the network and starts no other. It leans on @system-service of
// systemd.exec(5), less what changes users, mounts, traces, loads, limits or executes.
const calls = `
	read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile splice tee copy_file_range
	open openat openat2 creat close close_range dup dup2 dup3 fcntl flock fsync fdatasync sync syncfs sync_file_range
	truncate ftruncate fallocate fadvise64 readahead stat fstat lstat newfstatat fstatat statx statfs fstatfs access faccessat faccessat2
	getdents getdents64 getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir unlink unlinkat readlink readlinkat
	chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask utime utimes utimensat futimesat
	getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr ioctl
	inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
	poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
	eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime pipe pipe2
	mmap munmap mremap mprotect madvise mincore msync mlock mlock2 munlock brk memfd_create membarrier mbind get_mempolicy mseal map_shadow_stack
	futex futex_waitv futex_wait futex_wake futex_requeue set_robust_list get_robust_list rseq set_tid_address
	gettid getpid getppid getpgrp getpgid getsid setsid exit exit_group wait4 waitid pidfd_open pidfd_send_signal
	kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
	rt_tgsigqueueinfo sigaltstack restart_syscall sched_yield sched_getaffinity sched_setaffinity sched_getscheduler sched_getparam
	sched_get_priority_max sched_get_priority_min getpriority getrusage times getrlimit setrlimit prlimit64 getcpu
	getrandom uname sysinfo getuid geteuid getgid getegid getresuid getresgid getgroups capget prctl arch_prctl
	time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep adjtimex clock_adjtime
	alarm setitimer getitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
	socketpair connect bind listen accept accept4 getsockname getpeername setsockopt getsockopt
	sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown
	seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self`

// families are those of sockets that a sensor may open itself: no packet sockets.
var families = [...]uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// namespaces are the flags of clone(2) that make one; threads need none.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// probed is the first of the system calls whose absence libraries cope with (ENOSYS): they
// came with Linux 5.1 or later. Those before it are refused (EPERM).
const probed = 424

// LimitCalls leaves all threads of this process, for good, the system calls of a sensor.
// It needs no-new-privileges, which Become sets.
func LimitCalls() error {
	policy, err := policyFor("")
	if err == nil {
		err = seccomp.LoadFilter(seccomp.Filter{Flag: seccomp.FilterFlagTSync, Policy: policy})
	}
	if err != nil {
		return fmt.Errorf("limit system calls: %w", err)
	}
	return nil
}

// CanLimitCalls reports whether LimitCalls will work, as far as the kernel says.
func CanLimitCalls() bool { return seccomp.Supported() }

// policyFor is the list for a machine ("": this one). What it has no name for it does not
// have. Calls by another machine's numbers (int 0x80) are refused.
func policyFor(machine string) (seccomp.Policy, error) {
	info, err := arch.GetInfo(machine)
	if err != nil {
		return seccomp.Policy{}, err
	}
	allowed := slices.DeleteFunc(strings.Fields(calls), func(name string) bool { _, ok := info.SyscallNames[name]; return !ok })
	var conditions []seccomp.NameWithConditions
	for _, family := range families {
		conditions = append(conditions, seccomp.NameWithConditions{Name: "socket",
			Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.Equal, Value: family}}})
	}
	conditions = append(conditions, seccomp.NameWithConditions{Name: "clone",
		Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsNotSet, Value: namespaces}}})
	var unknown []string // clone3 among them: its flags cannot be looked at
	for name, number := range info.SyscallNames {
		if number >= probed && !slices.Contains(allowed, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: allowed},
			{Action: seccomp.ActionAllow, NamesWithCondtions: conditions},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: unknown},
		},
	}, nil
}
