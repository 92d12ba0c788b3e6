package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPassOn counts in a child what arrives of signals, echoes among them.
func TestPassOn(t *testing.T) {
	cmd := exec.Command("bash", "-c", `n=0; trap 'n=$((n+1)); echo got $n' INT; trap 'echo $n; exit' TERM; echo up; while :; do sleep 0.02; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "up" {
		t.Fatalf("child said %q", lines.Text())
	}
	expect := func(want string) {
		t.Helper()
		if !lines.Scan() || strings.TrimSpace(lines.Text()) != want {
			t.Fatalf("child said %q, want %q", lines.Text(), want)
		}
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	signals := make(chan os.Signal)
	go passOn(signals, cmd.Process)
	signals <- os.Interrupt
	signals <- os.Interrupt // an echo, unless this machine stood still for so long
	expect("got 1")
	time.Sleep(echo + 10*time.Millisecond) // what is to pass, not what is waited for
	signals <- os.Interrupt                // meant
	expect("got 2")
	signals <- syscall.SIGTERM // another signal is never an echo
	expect("2")
	close(signals)
	_ = cmd.Wait()
}
