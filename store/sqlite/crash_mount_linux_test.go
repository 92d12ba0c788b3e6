package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideVariable names the test that this process runs with mounts of its own.
const insideVariable = "PACKETHEAT_TEST_INSIDE"

// withMounts runs the test in another process, whose mounts nobody else sees and which
// go with it. There it calls f; root, or the right to make user namespaces, is needed.
func withMounts(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if os.Getenv(insideVariable) == t.Name() {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		f(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), insideVariable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) && os.Getenv("PACKETHEAT_REQUIRE_CAPTURE") != "1" {
		t.Skip("needs root, or the right to make namespaces")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("inside:\n%s", out)
}

// eachDisk calls f with a folder on a small disk of its own: one in memory, and where
// that is possible an ext4 in a file.
func eachDisk(t *testing.T, mib int, f func(t *testing.T, dir string)) {
	t.Run("tmpfs", func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("none", dir, "tmpfs", 0, "size="+strconv.Itoa(mib)+"m"); err != nil {
			t.Fatal(err)
		}
		defer unmount(t, dir)
		f(t, dir)
	})
	t.Run("ext4", func(t *testing.T) {
		top := t.TempDir()
		file, dir := filepath.Join(top, "disk"), filepath.Join(top, "mnt")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		script := `truncate -s "$1M" "$2" && mkfs.ext4 -q -m 0 "$2" && mount -o loop "$2" "$3"`
		if out, err := exec.Command("sh", "-ec", script, "sh", strconv.Itoa(mib), file, dir).CombinedOutput(); err != nil {
			t.Skipf("no ext4 in a file here: %v: %s", err, out)
		}
		defer unmount(t, dir)
		f(t, dir)
	})
}

func unmount(t *testing.T, dir string) {
	if err := unix.Unmount(dir, 0); err != nil {
		t.Error(err)
	}
}

// fillDisk takes all that is left of a disk and returns what gives it back.
func fillDisk(t *testing.T, dir string) (empty func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

func hasBallast(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, BallastName))
	return err == nil && info.Size() == ballastSize
}

func isDiskFull(err error) bool {
	return diskFull(err) && strings.Contains(err.Error(), "free some space on that disk")
}
