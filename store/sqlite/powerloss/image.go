package powerloss

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// sector is what a disk writes at once.
const sector = 512

// Image writes into dir, which exists, the files as they may be after the power failed.
func (l *Log) Image(dir string, c Cut) error {
	if c.At > len(l.records) {
		return fmt.Errorf("make image: the log has %d records, not %d", len(l.records), c.At)
	}
	d := disk{names: map[string]*file{}, open: map[uint64]*file{}, lies: c.Lies}
	for _, r := range l.records[:c.At] {
		if err := d.apply(r); err != nil {
			return fmt.Errorf("make image: %w", err)
		}
	}
	f := newFate(c.Seed)
	var errs []error
	names := d.survivors(f)
	for _, name := range sorted(names) {
		errs = append(errs, os.WriteFile(filepath.Join(dir, filepath.Base(name)), names[name].content(f), 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("make image: %w", err)
	}
	return nil
}

func sorted(names map[string]*file) (list []string) {
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list) // so that a seed makes one image
	return list
}

// disk is what a program sees of one folder, and what of it is safe.
type disk struct {
	names   map[string]*file // as the program sees them
	open    map[uint64]*file
	entries []entry // everything that was done to names, in order
	safe    int     // of these, done for sure
	lies    bool
}

// entry is a change of the folder: a name gets a file, or loses it where that is nil.
// Both halves of a rename are one change.
type entry struct {
	name string
	file *file
	from string // the name that goes in the same step; "": none
}

// file has all that was written to it; the first safe changes are there for sure.
type file struct {
	changes []change
	safe    int
	tickets map[uint64]int // of syncs that have begun: how many changes they take in
	folder  bool
}

// change is a write, or a new length where data is nil.
type change struct {
	at   uint64
	data []byte
}

func (d *disk) apply(r record) error {
	f := d.open[r.file]
	if f == nil && strings.IndexByte("wtsS", r.op) >= 0 {
		return fmt.Errorf("record %q of a file that was not opened", r.op)
	}
	switch r.op {
	case opFolder:
		d.open[r.file] = &file{folder: true, tickets: map[uint64]int{}}
	case opOpen:
		d.opened(r)
	case opWrite:
		f.changes = append(f.changes, change{r.at, r.data})
	case opCut:
		f.changes = append(f.changes, change{at: r.at})
	case opSync:
		if f.folder {
			f.tickets[r.at] = len(d.entries)
		} else {
			f.tickets[r.at] = len(f.changes)
		}
	case opSynced:
		d.synced(f, f.tickets[r.at])
	case opRemove:
		d.entries = append(d.entries, entry{name: r.path})
		delete(d.names, r.path)
	case opRename:
		to := string(r.data)
		d.entries = append(d.entries, entry{to, d.names[r.path], r.path})
		d.names[to] = d.names[r.path]
		delete(d.names, r.path)
	case opMark:
	default:
		return fmt.Errorf("record %q is not known", r.op)
	}
	return nil
}

// opened follows an open(2). A file that is not known is new: the folder was empty,
// whoever made it.
func (d *disk) opened(r record) {
	f := d.names[r.path]
	if f == nil {
		f = &file{tickets: map[uint64]int{}}
		d.names[r.path] = f
		d.entries = append(d.entries, entry{name: r.path, file: f})
	}
	if r.at&syscall.O_TRUNC != 0 {
		f.changes = append(f.changes, change{})
	}
	d.open[r.file] = f
}

func (d *disk) synced(f *file, upTo int) {
	switch {
	case d.lies:
	case f.folder:
		d.safe = max(d.safe, upTo)
	default:
		f.safe = max(f.safe, upTo)
	}
}

// survivors returns the names that are there after the power failed.
func (d *disk) survivors(f *fate) map[string]*file {
	names := map[string]*file{}
	for i, e := range d.entries {
		if i >= d.safe && !f.kept() {
			continue
		}
		if e.from != "" {
			delete(names, e.from)
		}
		if names[e.name] = e.file; e.file == nil {
			delete(names, e.name)
		}
	}
	for name := range names {
		if strings.HasSuffix(name, "-shm") {
			delete(names, name)
		}
	}
	return names
}

// content returns what is in the file after the power failed.
func (f *file) content(fate *fate) (b []byte) {
	for i, c := range f.changes {
		switch {
		case i < f.safe:
			b = c.apply(b)
		case c.data != nil && fate.torn():
			for at := 0; at < len(c.data); { // sectors lie at multiples of their size in the file
				end := min(at+sector-int((c.at+uint64(at))%sector), len(c.data))
				if fate.half() {
					b = change{c.at + uint64(at), c.data[at:end]}.apply(b)
				}
				at = end
			}
		case fate.kept():
			b = c.apply(b)
		}
	}
	return b
}

func (c change) apply(b []byte) []byte {
	end := int(c.at) + len(c.data)
	if c.data == nil && end < len(b) {
		return b[:end:end] // and what is added later begins with zeros
	}
	if end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[c.at:], c.data)
	return b
}

// fate decides about what the disk was not made to keep.
type fate struct {
	rng        *rand.Rand // nil: nothing is kept
	keep, tear float64
}

// newFate draws how much of it is kept, from nothing to all, so that the likely and
// the extreme both come up.
func newFate(seed uint64) *fate {
	if seed == 0 {
		return &fate{}
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	shares := [...]float64{0, 0.1, 0.5, 0.9, 1}
	return &fate{rng, shares[rng.IntN(len(shares))], shares[rng.IntN(3)]}
}

func (f *fate) kept() bool { return f.rng != nil && f.rng.Float64() < f.keep }
func (f *fate) torn() bool { return f.rng != nil && f.rng.Float64() < f.tear }
func (f *fate) half() bool { return f.rng != nil && f.rng.IntN(2) == 0 }
