package main

import (
	"runtime/debug"
	"testing"
)

// The limit follows the shards, and gives way to the environment's.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "")
	limitMemory(2)
	if got, want := debug.SetMemoryLimit(-1), int64(416<<20); got != want {
		t.Errorf("the limit of two shards is %d, want %d", got, want)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	limitMemory(4)
	if got, want := debug.SetMemoryLimit(-1), int64(416<<20); got != want {
		t.Errorf("GOMEMLIMIT is set, and the limit becomes %d", got)
	}
}
