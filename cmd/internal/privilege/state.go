package privilege

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// State is what a process may do.
type State struct {
	PID          int      `json:"pid"`
	Threads      int      `json:"threads"`
	User         string   `json:"user"` // effective, of any thread
	UID          int      `json:"uid"`
	Capabilities []string `json:"capabilities"` // permitted, effective or ambient in any thread
	NoNewPrivs   bool     `json:"no_new_privileges"`
	Seccomp      bool     `json:"seccomp"` // in all threads: a list of system calls, ours or another's
}

// String says it in a few words.
func (s State) String() string {
	words := []string{"user " + s.User, "no capability"}
	if len(s.Capabilities) > 0 {
		words[1] = strings.Join(s.Capabilities, ", ")
		if len(s.Capabilities) > 5 {
			words[1] = fmt.Sprintf("%d capabilities", len(s.Capabilities))
		}
	}
	for _, w := range []struct {
		has  bool
		name string
	}{{s.NoNewPrivs, "no new privileges"}, {s.Seccomp, "system calls filtered"}} {
		if w.has {
			words = append(words, w.name)
		} else {
			words = append(words, "NOT "+w.name)
		}
	}
	return strings.Join(words, ", ")
}

// Began is the state that an opener begins with and does not change, for where it cannot be
// looked at. like is the state of the sensor.
func Began(pid int, like State) State {
	like.PID, like.Threads, like.Capabilities, like.NoNewPrivs, like.Seccomp = pid, 1, []string{"CAP_NET_RAW"}, true, true
	return like
}

// named are the capabilities by their numbers (linux/capability.h).
var named = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
	"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
	"SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
	"AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
	"PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

// names are those of the capabilities in a set.
func names(set uint64) (list []string) {
	for c := range 64 {
		if set&(1<<c) == 0 {
			continue
		}
		if c < len(named) {
			list = append(list, "CAP_"+named[c])
		} else {
			list = append(list, fmt.Sprintf("capability %d", c))
		}
	}
	return list
}

// UserName is the name of a user, or the number where it has none.
func UserName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
