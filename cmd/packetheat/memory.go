package main

import (
	"os"
	"runtime/debug"
)

// Memory that a running sensor may take beside its rings, which are not the garbage
// collector's: for databases, queries and the page, and for each shard's tables and
// the points of a tick in which every one of its keys is used.
const (
	memoryBase  = 192 << 20
	memoryShard = 112 << 20
)

// limitMemory tells the garbage collector to work harder rather than let the heap grow
// to twice what is in use while addresses flood in: with a million distinct sources a
// tick two shards held 606 MB without it and 418 MB with it, at the same CPU. It is a
// soft limit; whoever sets GOMEMLIMIT has the last word.
func limitMemory(shards int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + int64(shards)*memoryShard)
	}
}
