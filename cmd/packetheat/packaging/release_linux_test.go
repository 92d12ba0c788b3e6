package packaging

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRelease builds what is handed out twice, from two clones in different folders and
// with compiler caches of their own, and wants the same files; then it cross-builds the
// other architecture and asks that program something under emulation. SQLite is compiled
// three times: ten minutes on two cores.
func TestRelease(t *testing.T) {
	if os.Getenv("PACKETHEAT_TORTURE") != "1" {
		t.Skip("compiles SQLite three times: PACKETHEAT_TORTURE=1")
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	emulator := map[string]string{"amd64": "qemu-aarch64-static", "arm64": "qemu-x86_64-static"}[runtime.GOARCH]
	need(t, "git", "dpkg-deb")
	deb, tarball := release(t, "first", runtime.GOARCH)
	same(t, deb, tarball, func() (string, string) { return release(t, "second/and/deeper", runtime.GOARCH) })
	need(t, emulator)
	deb, _ = release(t, "other", other)
	root := t.TempDir()
	run(t, nil, "dpkg-deb", "-x", deb, root)
	if got := run(t, nil, emulator, root+"/usr/bin/packetheat", "version"); !strings.Contains(got, "linux/"+other) {
		t.Errorf("the program for %s says %q", other, got)
	}
	got := run(t, nil, emulator, root+"/usr/bin/packetheat", "geo", "lookup", "8.8.8.8")
	if want := run(t, nil, program(t), "geo", "lookup", "8.8.8.8"); got != want {
		t.Errorf("geo lookup on %s: %q, want %q", other, got, want)
	}
}

// release clones this repository into a folder of that name and builds its packages with
// an empty compiler cache.
func release(t *testing.T, name, arch string) (deb, tarball string) {
	t.Helper()
	dir := t.TempDir()
	clone := filepath.Join(dir, name)
	top, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	run(t, nil, "git", "clone", "-q", "--shared", top, clone)
	page, err := os.ReadFile(filepath.Join(top, "export/page/dist/index.html"))
	if err != nil {
		t.Fatalf("the page is not built: make page: %v", err)
	}
	if err := os.WriteFile(filepath.Join(clone, "export/page/dist/index.html"), page, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(top, "export/page/node_modules"), filepath.Join(clone, "export/page/node_modules")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	run(t, []string{"GOCACHE=" + filepath.Join(dir, "cache"), "WRITER=" + program(t), "VERSION=1.0.0"},
		filepath.Join(clone, "cmd/packetheat/packaging/build"), arch, out)
	return filepath.Join(out, "packetheat_1.0.0_"+arch+".deb"), filepath.Join(out, "packetheat_1.0.0_linux_"+arch+".tar.gz")
}
