package chtest

import (
	"os"

	"golang.org/x/sys/unix"
)

// alive is false once a process of ours has ended, whether or not it was waited for.
func alive(p *os.Process) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}
