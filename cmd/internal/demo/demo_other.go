//go:build !linux

package demo

import (
	"context"
	"errors"
	"os"
	"os/exec"
)

// Home is the interface that the sensor captures on.
const Home = "home0"

var errLinux = errors.New("packetheat demo needs Linux: it makes a network namespace and a veth pair")

// Command needs Linux; elsewhere it is an error.
func Command([]string, ...*os.File) (*exec.Cmd, error) { return nil, errLinux }

// Run needs Linux; elsewhere it is an error.
func Run(*exec.Cmd, func()) error { return errLinux }

// Wire needs Linux; elsewhere it is an error.
func Wire() error { return errLinux }

// Play needs Linux; elsewhere it is an error.
func Play(context.Context, *Traffic, func(int) (int, error)) (uint64, error) { return 0, errLinux }

// EndWithParent needs Linux; elsewhere it is an error.
func EndWithParent() error { return errLinux }
