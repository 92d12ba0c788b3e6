//go:build !linux

package main

import (
	"os"

	xterm "golang.org/x/term"
)

// terminalSize returns the columns and lines of a terminal.
func terminalSize(f *os.File) (columns, lines int, err error) { return xterm.GetSize(int(f.Fd())) }

// watchTerminal listens to nothing here: a new size is seen at the next tick.
func watchTerminal(*os.File) *terminalEvents { return &terminalEvents{stop: func() {}} }

// rawKeys leaves the keyboard as it is.
func rawKeys() (restore func(), err error) { return func() {}, nil }

// suspend does nothing here: nobody asks for it.
func suspend() {}
