package sqlite

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/store"
)

// TestReadOnlyDisk opens a store where nothing can be written: for writing that is an
// error that says so, reading works, after an end in order and after a kill.
func TestReadOnlyDisk(t *testing.T) {
	withMounts(t, func(t *testing.T) {
		for _, killed := range []bool{false, true} {
			disk := t.TempDir()
			if err := unix.Mount("none", disk, "tmpfs", 0, "size=96m"); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(disk, "data")
			n := runAndKill(t, dir, 20, 0)
			if !killed {
				var err error
				if n, err = checkStory(dir, n); err != nil {
					t.Fatal(err)
				}
				n++
			}
			if err := unix.Mount("none", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			if s, err := Open(dir, Options{}); err == nil {
				s.Close()
				t.Error("opened for writing on a read-only disk")
			} else if !strings.Contains(err.Error(), "read-only file system") {
				t.Errorf("opened for writing: %v", err)
			}
			s, err := OpenReadOnly(dir, Options{})
			if err != nil {
				t.Fatalf("open for reading, killed %t: %v", killed, err)
			}
			last, err := lastID(context.Background(), s.readers)
			if err == nil && int(last) < n {
				t.Errorf("killed %t: %d batches of %d are seen", killed, last, n)
			}
			if err == nil {
				err = holdsStory(s, int(last))
			}
			if err != nil {
				t.Errorf("killed %t: %v", killed, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			unmount(t, disk)
		}
	})
}

// TestDiskTurnsReadOnly has ext4 do under a running store what it does when it finds
// an error: it takes no more writes. Appends fail and say why; what was acknowledged is
// there when the disk has been mounted anew.
func TestDiskTurnsReadOnly(t *testing.T) {
	withMounts(t, func(t *testing.T) {
		top := t.TempDir()
		file, disk := filepath.Join(top, "disk"), filepath.Join(top, "mnt")
		if err := os.Mkdir(disk, 0o755); err != nil {
			t.Fatal(err)
		}
		script := func(what string) ([]byte, error) {
			return exec.Command("sh", "-ec", what, "sh", file, disk).CombinedOutput()
		}
		if out, err := script(`truncate -s 96M "$1" && mkfs.ext4 -q "$1" && mount -o loop,errors=remount-ro "$1" "$2"`); err != nil {
			t.Skipf("no ext4 in a file here: %v: %s", err, out)
		}
		dir := filepath.Join(disk, "data")
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := appendStory(s, 30)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := script(`mount -o remount,abort "$2"`); err != nil {
			t.Skipf("this kernel cannot play a broken disk: %v: %s", err, out)
		}
		for range 3 {
			if n, err = appendStory(s, 30+n); err == nil || !strings.Contains(err.Error(), "read-only") {
				t.Fatalf("append to a disk that has turned read-only: %d batches, %v", n, err)
			}
		}
		if err := holdsStory(s, n); err != nil {
			t.Errorf("reading meanwhile: %v", err)
		}
		_ = s.Close() // may say that it could not write
		if out, err := script(`umount "$2"; e2fsck -fy "$1" >&2 || [ $? -le 2 ]; mount -o loop "$1" "$2"`); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		defer unmount(t, disk)
		if _, err := checkStory(dir, n); err != nil {
			t.Error(err)
		}
	})
}

// TestReadOnlyFiles is refused by the rights of the files, as an ordinary user is.
func TestReadOnlyFiles(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere: run this as an ordinary user")
	}
	dir := t.TempDir()
	oneTick(t, dir)
	if err := os.Chmod(filepath.Join(dir, FileName), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("opened for writing: %v", err)
	}
	s, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(pointsOf(t, s, store.Filter{})) == 0 {
		t.Error("nothing can be read")
	}
}
