//go:build cgo

package privilege

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Look reads what all threads of a process may do.
func Look(pid int) (State, error) {
	s := State{PID: pid, NoNewPrivs: true, Seccomp: true, Capabilities: []string{}}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) == 0 {
		return State{}, fmt.Errorf("read rights of process %d: it has no threads in /proc", pid)
	}
	var all uint64
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		t, err := parseStatus(text)
		if err != nil {
			return State{}, fmt.Errorf("read rights of process %d: %w", pid, err)
		}
		s.UID, s.Threads = t.uid, s.Threads+1
		all |= t.capabilities
		s.NoNewPrivs, s.Seccomp = s.NoNewPrivs && t.noNewPrivs, s.Seccomp && t.seccomp
	}
	if s.Threads == 0 {
		return State{}, fmt.Errorf("read rights of process %d: it has ended", pid)
	}
	s.Capabilities = append(s.Capabilities, names(all)...)
	s.User = UserName(s.UID)
	return s, nil
}

// thread is what one /proc/PID/task/TID/status says.
type thread struct {
	uid          int
	capabilities uint64 // permitted, effective or ambient
	noNewPrivs   bool
	seccomp      bool
}

// parseStatus reads the lines that proc_pid_status(5) describes.
func parseStatus(text []byte) (t thread, err error) {
	seen := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		var set uint64
		var err error
		switch key {
		case "Uid":
			t.uid, err = strconv.Atoi(fields[min(1, len(fields)-1)]) // real, effective, …
			seen++
		case "CapPrm", "CapEff", "CapAmb":
			set, err = strconv.ParseUint(fields[0], 16, 64)
			t.capabilities |= set
			seen++
		case "NoNewPrivs":
			t.noNewPrivs = fields[0] == "1"
		case "Seccomp":
			t.seccomp = fields[0] != "0"
		}
		if err != nil {
			return t, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
	}
	if seen < 3 { // no CapAmb before Linux 4.3
		return t, fmt.Errorf("status has no capabilities")
	}
	return t, nil
}
