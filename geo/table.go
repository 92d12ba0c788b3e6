package geo

import (
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"
)

// table is one open database with the records decoded so far. It is safe for
// concurrent use. It is never closed: the reader unmaps its file when the
// garbage collector finds that nobody can look anything up in it any more.
type table struct {
	reader *maxminddb.Reader
	schema schema
	has4   bool // at least one IPv4 network has a record
	has6   bool // at least one native IPv6 network has a record
	fields fields
	source Source
	file   os.FileInfo // of the source's path, from before it was opened
	counts *counts
	cache  records
}

// current reports whether the file is still the one that was opened.
func (t *table) current() bool {
	info, err := os.Stat(t.source.Path)
	return err == nil && sameFile(t.file, info)
}

// sameFile compares by inode, size and time. An inode is not used for another
// file while a table has it mapped.
func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// find returns the record of addr, nil where there is none. The record is
// shared and must not be changed.
//
// A panic of the library on a damaged file, and a page fault on a file that was
// cut short while it was mapped, end here as a fault and an unlocated address.
func (t *table) find(addr netip.Addr) (rec *Location) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			t.counts.faults.Add(1)
			rec = nil
		}
	}()
	if addr.Is6() && t.reader.Metadata.IPVersion == 4 {
		return nil
	}
	res := t.reader.Lookup(addr)
	if !res.Found() {
		if res.Err() != nil {
			t.counts.faults.Add(1)
		}
		return nil
	}
	if rec = t.cache.get(res.Offset()); rec != nil {
		return rec
	}
	loc, err := decode(t.schema, res)
	if err != nil {
		t.counts.faults.Add(1)
		return nil
	}
	t.counts.decoded.Add(1)
	return t.cache.put(res.Offset(), loc)
}

// guard runs f and returns an error where the library panics or the file under
// its memory map is gone.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read database: damaged file: %v", r)
		}
	}()
	return f()
}

// The decoded records of a table are kept in shards, each with its own lock,
// so that shards of the sensor seldom meet. A full shard starts afresh: the
// bound is 16 x 8192 records, some 20 MB.
const (
	recordShards   = 16
	recordsPerPart = 8192
)

// records holds decoded records by their offset in the database, so that each
// is decoded once, however many networks share it. The zero value is ready.
type records struct {
	shards [recordShards]recordShard
}

type recordShard struct {
	mu sync.RWMutex
	m  map[uintptr]*Location
}

// shard spreads offsets with Fibonacci hashing, since neighbouring records
// have nearly the same offset.
func (r *records) shard(offset uintptr) *recordShard {
	return &r.shards[uint32(offset)*2654435769>>28]
}

func (r *records) get(offset uintptr) *Location {
	s := r.shard(offset)
	s.mu.RLock()
	rec := s.m[offset]
	s.mu.RUnlock()
	return rec
}

// put stores a record and returns the one that is kept, which is another
// goroutine's where that was faster.
func (r *records) put(offset uintptr, loc Location) *Location {
	s := r.shard(offset)
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec := s.m[offset]; rec != nil {
		return rec
	}
	if s.m == nil || len(s.m) >= recordsPerPart {
		s.m = make(map[uintptr]*Location)
	}
	rec := &loc
	s.m[offset] = rec
	return rec
}
