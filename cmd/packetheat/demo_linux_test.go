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
	cmd := exec.Command("bash", "-c", `n=0; trap 'n=$((n+1))' INT; trap 'echo $n; exit' TERM; echo up; while :; do sleep 0.02; done`)
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
	signals := make(chan os.Signal)
	go passOn(signals, cmd.Process)
	signals <- os.Interrupt
	signals <- os.Interrupt // an echo
	time.Sleep(echo + 200*time.Millisecond)
	signals <- os.Interrupt // meant
	time.Sleep(200 * time.Millisecond)
	signals <- syscall.SIGTERM // another signal is never an echo
	if !lines.Scan() || strings.TrimSpace(lines.Text()) != "2" {
		t.Errorf("the child got %s interrupts, want 2", lines.Text())
	}
	close(signals)
	_ = cmd.Wait()
}
