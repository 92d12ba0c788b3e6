package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// required says whether a test that lacks a tool or a right fails instead of being skipped.
func required() bool { return os.Getenv("PACKETHEAT_REQUIRE_CAPTURE") == "1" }

// need skips a test where one of the tools is missing, or fails it where all must be there.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if required() {
			t.Fatalf("%s is missing: .ci/tools install", tool)
		}
		t.Skipf("%s is missing", tool)
	}
}

// run runs a command with more in its environment and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PACKETHEAT_") { // the program refuses what it does not know
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// program is a packetheat for this machine: the one that make built, or a new one. It
// is not the static one that is handed out: to compile that takes minutes.
func program(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../../bin/packetheat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(t.TempDir(), "packetheat")
		run(t, nil, "go", "build", "-o", path, "..")
	}
	return path
}

// pack builds the packages of a program as a version and returns the .deb and the tarball,
// which is packed at the quickest level: of that much it is a matter of many seconds.
func pack(t *testing.T, program, version string) (deb, tarball string) {
	t.Helper()
	out := t.TempDir()
	run(t, []string{"PROGRAM=" + program, "VERSION=" + version, "SOURCE_DATE_EPOCH=1800000000", "LEVEL=1"}, "./build", runtime.GOARCH, out)
	return filepath.Join(out, "packetheat_"+version+"_"+runtime.GOARCH+".deb"),
		filepath.Join(out, "packetheat_"+version+"_linux_"+runtime.GOARCH+".tar.gz")
}

// TestPackage takes the package through its life on this machine, on an overlay, and
// wants two packages of one program to be the same file.
func TestPackage(t *testing.T) {
	need(t, "dpkg", "unshare", "setpriv", "git")
	binary := program(t)
	deb, tarball := pack(t, binary, "1.0.0")
	same(t, deb, tarball, func() (string, string) { return pack(t, binary, "1.0.0") })
	newer, _ := pack(t, binary, "1.0.1")
	if os.Geteuid() != 0 {
		t.Skip("installing it needs root")
	}
	probe := t.TempDir()
	if out, err := exec.Command("unshare", "-mn", "--propagation", "private", "sh", "-c",
		"mount -t tmpfs none "+probe+" && cd "+probe+" && mkdir u w r && mount -t overlay overlay -o lowerdir=/,upperdir=u,workdir=w r").CombinedOutput(); err != nil {
		if required() {
			t.Fatalf("an overlay over / is not possible: %v\n%s", err, out)
		}
		t.Skipf("an overlay over / is not possible: %s", out)
	}
	t.Log(run(t, nil, "unshare", "-mn", "--propagation", "private", "./testinstall", deb, newer, "1.0.1", t.TempDir()))
}

// same fails where a second run makes other files than the first.
func same(t *testing.T, deb, tarball string, again func() (string, string)) {
	t.Helper()
	deb2, tarball2 := again()
	for first, second := range map[string]string{deb: deb2, tarball: tarball2} {
		a, err := os.ReadFile(first)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(second)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s is not the same when it is built again: %d and %d bytes", filepath.Base(first), len(a), len(b))
		}
	}
}

// TestUnit holds the unit to what systemd thinks of it.
func TestUnit(t *testing.T) {
	need(t, "systemd-analyze")
	dir := t.TempDir()
	unit := filepath.Join(dir, "packetheat.service")
	link := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link("packetheat.service", unit)
	// Tenths: the exposure may be 1.6, and 1.5 with the drop-in.
	run(t, nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=16", unit)
	link("localhost.conf", unit+".d/localhost.conf")
	run(t, nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", unit)
}

// TestRefuses32Bit wants one clear sentence for a machine that is too small.
func TestRefuses32Bit(t *testing.T) {
	out, err := exec.Command("./build", "armhf", t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "32-bit machines are not supported") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("build armhf: %v, %q", err, out)
	}
}
