package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary is the program under test, built once: exit statuses, streams and signals
// are those of a process. It is built without the race detector, with which each of
// hundreds of processes would take a second more; see racing.
var binary string

// patience is how long anything may take that happens at once, on a machine with
// others' work to do.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "packetheat-cmd-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "packetheat")
	if err := errors.Join(os.Chmod(dir, 0o755), build(binary)); err != nil { // for those who become somebody else
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(name string, flags ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", name, ".")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// racing returns the program for the one test that has most goroutines: with the race
// detector, where the tests themselves run with it.
func racing(t *testing.T) string {
	t.Helper()
	if !underRace {
		return binary
	}
	name := filepath.Join(t.TempDir(), "packetheat")
	if err := build(name, "-race"); err != nil {
		t.Fatal(err)
	}
	return name
}

// result is what a command has said, and its exit status.
type result struct {
	out, err string
	status   int
}

// call is a command to run.
type call struct {
	dir   string   // to run in; "": a new one
	env   []string // beside a clean environment
	stdin string
	args  []string
	path  string // of the program; "": binary
}

// run runs a command and waits for its end.
func (c call) run(t testing.TB) result {
	t.Helper()
	cmd := c.command(t)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Stdin = &out, &errs, strings.NewReader(c.stdin)
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func (c call) command(t testing.TB) *exec.Cmd {
	t.Helper()
	if c.path == "" {
		c.path = binary
	}
	cmd := exec.Command(c.path, c.args...)
	if cmd.Dir = c.dir; cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	geo, err := databases()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(append(append(neutral(), "TZ=Europe/Berlin"), geo...), c.env...)
	return cmd
}

// neutral is the environment without what the program heeds: neither how the tests are run
// nor who runs them, and where, is its business.
func neutral() (env []string) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "PACKETHEAT_") && !strings.HasPrefix(name, "SUDO_") &&
			!strings.HasPrefix(name, "SSH_") && name != "DISPLAY" && name != "TZ" {
			env = append(env, v)
		}
	}
	return env
}

// packetheat runs a command in dir and wants exit status 0.
func packetheat(t testing.TB, dir string, args ...string) result {
	t.Helper()
	r := call{dir: dir, args: args}.run(t)
	if r.status != exitDone {
		t.Fatalf("packetheat %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.out, r.err)
	}
	return r
}

// databases are small GeoIP files with places for the tests' addresses: unpacking the
// built-in ones takes a second each time.
var databases = sync.OnceValues(func() ([]string, error) {
	dir := filepath.Join(filepath.Dir(binary), "geo")
	city, asn := filepath.Join(dir, "city.mmdb"), filepath.Join(dir, "asn.mmdb")
	if err := errors.Join(os.Mkdir(dir, 0o755), writeCity(city), writeASN(asn)); err != nil {
		return nil, err
	}
	return []string{"PACKETHEAT_GEO_CITY=" + city, "PACKETHEAT_GEO_ASN=" + asn,
		"PACKETHEAT_GEO_PLACE_ANYCAST=true"}, nil // the sample's addresses are those that everybody knows
})

// shared is a folder whose store data has the traffic of sample.pcap, made once for
// all tests that only read it.
var shared = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(filepath.Dir(binary), "shared-")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "sample.pcap"), sample(), 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command(binary, "replay", "sample.pcap", "--data", "data")
	geo, err := databases()
	if err != nil {
		return "", err
	}
	cmd.Dir, cmd.Env = dir, append(neutral(), geo...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("replay: %w\n%s", err, out)
	}
	return dir, nil
})

func sharedStore(t testing.TB) string {
	t.Helper()
	dir, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
