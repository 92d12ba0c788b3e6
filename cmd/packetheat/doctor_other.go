//go:build !linux

package main

import (
	"errors"
	"runtime"
)

var errLinux = errors.New("only Linux is looked into")

// kernel says that this system cannot capture; replay, export and serve work on it.
func (e *examination) kernel() {
	e.add("kernel", failure, "capture needs Linux, this is "+runtime.GOOS, "replay, export and serve work here")
}

func tryPacketSocket() error                            { return errLinux }
func diskFree(string) (free, total int64, err error)    { return 0, 0, errLinux }
func clockSynchronised() (synchronised bool, err error) { return false, errLinux }

func (e *examination) offloads(string) {}
func (e *examination) flowOffload()    {}
func (e *examination) confinement()    {}
