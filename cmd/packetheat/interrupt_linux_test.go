package main

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterrupt: a question ends when it is interrupted, also one that waits for
// somebody who never comes.
func TestInterrupt(t *testing.T) {
	cmd := call{args: []string{"geo", "lookup", "-"}}.command(t)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	go func() {
		lines := []byte(strings.Repeat("9.9.9.9\n", 1000))
		for { // until the program ends
			if _, err := in.Write(lines); err != nil {
				return
			}
		}
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it is at work
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed || errs.String() != "packetheat: stopped by a signal\n" {
		t.Errorf("%v: %s", err, errs.String())
	}
}
