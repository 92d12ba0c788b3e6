package chtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Modern starts the current engine: one that runs a query at a time, without replication.
// Its DSN is one of HTTP.
func Modern(t testing.TB) *Server {
	t.Helper()
	library := chdbLibrary(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "chdb")
	build := command("", "go", "build", "-ldflags=-s -w", "-o", program, "github.com/packetheat/packetheat/store/clickhouse/chtest/chdb")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the server of chdb: %v\n%s", err, out)
	}
	host := someHost()
	address := fmt.Sprintf("%s:%d", host, freePorts(t, host, 1)[0])
	s := &Server{Name: "chdb", DSN: "http://" + address + "?compress=none", Dir: dir, t: t}
	s.command = func() *exec.Cmd {
		cmd := command(dir, program, "-library", library, "-dir", filepath.Join(dir, "data"), "-listen", address)
		cmd.Env = append(os.Environ(), "TMPDIR="+dir) // a killed one leaves there what it was given
		return cmd
	}
	s.ready = func(cmd *exec.Cmd) error {
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		_, err = firstLine(out)
		return err
	}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// chdbLibrary finds libchdb.so: where PACKETHEAT_CHDB says, or where .ci/tools puts it.
func chdbLibrary(t testing.TB) string {
	t.Helper()
	name := os.Getenv("PACKETHEAT_CHDB")
	if name == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		name = filepath.Join(cache, "packetheat", "chdb", "node_modules", "@chdb", "lib-linux-x64-gnu", "libchdb.so")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the library chdb is used on 64-bit x86 Linux only")
	}
	if _, err := os.Stat(name); err != nil {
		missing(t, name)
	}
	return name
}
