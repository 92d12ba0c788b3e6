package sqlite

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The bytes of the -shm file that readers lock, from SQLite's file format ("WAL-Index
// locks"): WAL_READ_LOCK(0) to WAL_READ_LOCK(4).
const (
	firstReadLock = 123
	lastReadLock  = 127
)

// readersOf returns the other processes that hold a read lock on an -shm file, as
// /proc/locks tells (proc_locks(5)); nil where it cannot be read.
func readersOf(shm string) []LogReader {
	var st syscall.Stat_t
	if err := syscall.Stat(shm, &st); err != nil {
		return nil
	}
	f, err := os.Open("/proc/locks")
	if err != nil {
		return nil
	}
	defer f.Close()
	var list []LogReader
	for _, pid := range lockers(f, uint64(st.Dev), st.Ino) {
		if pid == os.Getpid() {
			continue
		}
		r := LogReader{PID: max(pid, 0)}
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && pid > 0 {
			r.Name = strings.TrimSpace(string(name))
		}
		list = append(list, r)
	}
	return list
}

// lockers returns the processes that have read locks of a WAL on a file, in order. A
// lock that somebody waits for has an arrow and one field more, and is left out.
func lockers(locks io.Reader, dev, ino uint64) (pids []int) {
	lines := bufio.NewScanner(locks)
	for lines.Scan() {
		var n, kind, mode, access string
		var pid int
		var major, minor uint32
		var inode, from, to uint64
		_, err := fmt.Sscanf(lines.Text(), "%s %s %s %s %d %x:%x:%d %d %d", &n, &kind, &mode, &access, &pid, &major, &minor, &inode, &from, &to)
		switch {
		case err != nil, inode != ino, from < firstReadLock, to > lastReadLock:
		case major != 0 && (major != unix.Major(dev) || minor != unix.Minor(dev)): // 0: a file system may give each of its parts a number of its own
		case !slices.Contains(pids, pid):
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}
