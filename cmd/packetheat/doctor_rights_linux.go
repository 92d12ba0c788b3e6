package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// confinement says what a sensor that runs may do, and what one would be left with that is
// started as this command was.
func (e *examination) confinement() {
	if state, ok, err := instance.Find(e.c.Store.Path); err == nil && ok {
		if s, err := privilege.Look(state.PID); err == nil {
			e.findings = append(e.findings, judgeRights(state.PID, s))
		}
	}
	if tryPacketSocket() == nil {
		who, why, err := accountFor(e.c, os.Getenv)
		e.findings = append(e.findings, judgeAccount(&who, why, err, os.Geteuid() == 0))
	}
	if v := privilege.Landlock(); v > 0 {
		e.add("confinement", good, fmt.Sprintf("Landlock %d: a sensor reaches only its own folders and executes nothing", v), "")
	} else {
		e.add("confinement", note, "this kernel has no Landlock: a sensor may read what its user may", "Linux 5.13 or newer, with landlock among the security modules of the boot parameter lsm=")
	}
	if !privilege.CanLimitCalls() {
		e.add("confinement", note, "system calls cannot be limited", "a kernel with CONFIG_SECCOMP_FILTER")
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	if info, err := os.Stat(self); err == nil {
		_, err := unix.Getxattr(self, "security.capability", nil)
		e.findings = append(e.findings, judgeFile(self, info.Mode(), err == nil)...)
	}
}

// judgeRights judges what a running sensor may do.
func judgeRights(pid int, s privilege.State) finding {
	found := fmt.Sprintf("the sensor that runs (process %d): %s", pid, s)
	if len(s.Capabilities) > 0 || !s.NoNewPrivs {
		return finding{"confinement", warning, found, "restart it: it gives up all rights when it starts"}
	}
	return finding{"confinement", good, found, ""}
}

// judgeAccount judges whom a sensor would become.
func judgeAccount(who *account, why string, err error, root bool) finding {
	const gives = "run gives up all rights; a process of its own keeps the one to open packet sockets"
	switch {
	case err != nil:
		return finding{"confinement", failure, err.Error(), ""}
	case root && who.Identity == nil:
		return finding{"confinement", note, gives + "; " + why, "name another user in sensor.user, who is given the store then"}
	case why != "":
		return finding{"confinement", good, gives + "; " + why, ""}
	}
	return finding{"confinement", good, gives, ""}
}

// judgeFile judges who may use the capability on the program's file.
func judgeFile(path string, mode os.FileMode, capable bool) []finding {
	if !capable || mode.Perm()&0o001 == 0 {
		return nil
	}
	return []finding{{"confinement", note, "the capability is on the program's file, which everybody on this machine may start: they may all capture",
		fmt.Sprintf("sudo chgrp GROUP %s && sudo chmod 750 %s && sudo setcap cap_net_raw+ep %s, with a group of those who shall", path, path, path)}}
}
