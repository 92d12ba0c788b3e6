package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	xterm "golang.org/x/term"
)

// terminalSize returns the columns and lines of a terminal.
func terminalSize(f *os.File) (columns, lines int, err error) { return xterm.GetSize(int(f.Fd())) }

// watchTerminal begins to listen to a terminal. Keys come from standard input, if that
// is a terminal as well.
func watchTerminal(*os.File) *terminalEvents {
	e := &terminalEvents{keys: make(chan byte), resized: make(chan os.Signal, 1), suspended: make(chan os.Signal, 1)}
	signal.Notify(e.resized, syscall.SIGWINCH)
	signal.Notify(e.suspended, syscall.SIGTSTP)
	done := make(chan struct{})
	e.stop = func() {
		signal.Stop(e.resized)
		signal.Stop(e.suspended)
		close(done)
	}
	if xterm.IsTerminal(int(os.Stdin.Fd())) {
		go func() { // ends with the process: a read of a terminal cannot be broken off
			for buffer := make([]byte, 1); ; {
				if n, err := os.Stdin.Read(buffer); n == 0 || err != nil {
					return
				}
				select {
				case e.keys <- buffer[0]:
				case <-done:
					return
				}
			}
		}()
	}
	return e
}

// rawKeys lets keys arrive one by one and unseen; Ctrl+C and Ctrl+Z stay signals.
func rawKeys() (restore func(), err error) {
	fd := int(os.Stdin.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}, nil // no terminal: no keys
	}
	raw := *before
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("set up the keyboard: %w", err)
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil
}

// suspend stops this process until somebody continues it.
func suspend() { _ = unix.Kill(os.Getpid(), unix.SIGSTOP) }
