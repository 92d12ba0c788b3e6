package sqlite

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace returns how many bytes an ordinary user may still write below dir, as
// statfs(2) says.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// allocate makes f so long and has the disk reserve all of it (fallocate(2)), which
// takes no time. Where the file system cannot do that, it is written.
func allocate(f *os.File, size int64) error {
	if err := unix.Fallocate(int(f.Fd()), 0, 0, size); err != unix.EOPNOTSUPP {
		return err
	}
	return fill(f, size)
}
