package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSudoOwner starts the sensor as sudo does: all it makes belongs to the user.
func TestSudoOwner(t *testing.T) {
	mayCapture(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	s := startRun(t, public(t), []string{"SUDO_USER=nobody", "SUDO_UID=65534", "SUDO_GID=65533"},
		"--listen", "127.0.0.1:0", "--duration", "2s", "--data", "a/data", "--out", "b/out")
	if said, code := s.end(t); code != exitDone {
		t.Fatalf("status %d\n%s", code, said)
	}
	if seen := ownedByNobody(t, s.dir); seen < 8 { // four folders, database, lock, two files
		t.Errorf("found %d files and folders", seen)
	}
}

// public is a folder that every user comes to.
func public(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSudoOwnerOfReplay does the same with a replay: store, page and CSV.
func TestSudoOwnerOfReplay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	content := t.TempDir() + "/x.pcap"
	if err := os.WriteFile(content, sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := call{dir: dir, env: []string{"SUDO_USER=nobody", "SUDO_UID=65534", "SUDO_GID=65533"},
		args: []string{"replay", content, "--data", "a/data", "--out", "b/out"}}.run(t)
	if r.status != exitDone {
		t.Fatalf("status %d\n%s", r.status, r.err)
	}
	if seen := ownedByNobody(t, dir); seen < 8 { // four folders, database, lock or list, two files
		t.Errorf("found %d files and folders", seen)
	}
}

// ownedByNobody counts what is in a folder; all of it must belong to nobody.
func ownedByNobody(t *testing.T, dir string) (seen int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		seen++
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 65534 || owner.Gid != 65533 {
			t.Errorf("%s belongs to %d:%d", name, owner.Uid, owner.Gid)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
