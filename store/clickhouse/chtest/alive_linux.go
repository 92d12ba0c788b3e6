package chtest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// alive is false once a process of ours has ended, whether or not it was waited for.
func alive(p *os.Process) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, p.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == 0
}

// perSecond is how many of its ticks the kernel tells processors' time in: USER_HZ, which is
// 100 wherever Go runs on Linux.
const perSecond = 100

// used is how long processors have worked for a process, in its code and in the kernel: the
// fields 14 and 15 of proc(5)'s stat. The second may have blanks and brackets in it.
func used(p *os.Process) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is %q", p.Pid, stat)
	}
	sum := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(string(f))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / perSecond, nil
}
