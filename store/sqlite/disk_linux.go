package sqlite

import "golang.org/x/sys/unix"

// diskFree returns how many bytes of the disk of dir an ordinary user may still write.
func diskFree(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
