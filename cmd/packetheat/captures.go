package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/replayed"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/sensor/capture"
)

// captureFile is a capture file that is replayed, hashed on the way where the store is
// to remember it.
type captureFile struct {
	*capture.File
	known replayed.File // Sum and Packets once it is closed

	file *os.File // nil: File has it
	hash *replayed.Reader
	quit atomic.Bool // a signal ends the replay: what is left need not be read
}

// openCapture opens a file. Only of regular ones can be told whether they are the same.
func openCapture(name string, remember bool) (*captureFile, error) {
	info, err := os.Stat(name)
	if !remember || name == "-" || err == nil && !info.Mode().IsRegular() {
		f, err := capture.OpenFile(name)
		return &captureFile{File: f}, err
	}
	c := &captureFile{}
	if c.file, err = os.Open(name); err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	if info, err = c.file.Stat(); err == nil {
		c.known, err = replayed.Describe(name, c.file, info.Size())
	}
	if err == nil {
		c.hash = replayed.NewReader(c.file)
		c.File, err = capture.OpenReader(c.hash, name)
	}
	if err != nil {
		return nil, errors.Join(err, c.file.Close())
	}
	return c, nil
}

// Progress is how much of the file has been read.
func (c *captureFile) Progress() (read, size int64) {
	read, size = c.File.Progress()
	if c.file != nil {
		size = c.known.Size
	}
	return read, size
}

// Stop ends reading; what was read so far counts.
func (c *captureFile) Stop() {
	c.quit.Store(true)
	c.File.Stop()
}

// Close closes the file. If it was read to its end it has a sum, too, with all that
// stands behind the last packet.
func (c *captureFile) Close() error {
	stats, err := c.Stats()
	c.known.Packets = stats.Packets
	err = errors.Join(err, c.File.Close())
	if c.file == nil {
		return err
	}
	if !c.quit.Load() {
		// Without a sum it is known by its size and its first MiB.
		c.known.Sum, _ = c.hash.Sum(c.known.Size)
	}
	return errors.Join(err, c.file.Close())
}

func openCaptures(names []string, remember bool) (files []*captureFile, err error) {
	for _, name := range names {
		f, err := openCapture(name, remember)
		if err != nil {
			return nil, errors.Join(err, closeCaptures(files))
		}
		files = append(files, f)
	}
	return files, nil
}

func closeCaptures(files []*captureFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// refuseAgain finds a file whose packets the store has already, or that is named twice.
func refuseAgain(list *replayed.List, files []*captureFile, dir string) error {
	for i, f := range files {
		if f.file == nil {
			continue
		}
		found, ok, err := list.Find(f.known, f.file)
		switch {
		case err != nil:
			return err
		case ok && found.Sum == "":
			return fmt.Errorf("replay %q: a part of it is in the store %q since %s, when a replay of %q did not come to its end: --again adds all of it",
				f.Name(), dir, moment(found.Replayed), found.Name)
		case ok && found.Size < f.known.Size:
			return fmt.Errorf("replay %q: its beginning is in the store %q since %s, as %q, and would count twice: --again adds all of it",
				f.Name(), dir, moment(found.Replayed), found.Name)
		case ok:
			return fmt.Errorf("replay %q: it is in the store %q since %s, as %q, and would count twice: --again adds it once more",
				f.Name(), dir, moment(found.Replayed), found.Name)
		}
		for _, before := range files[:i] {
			if before.file != nil && before.known.Size == f.known.Size && before.known.Head == f.known.Head {
				return fmt.Errorf("replay %q: it is the same as %q and would count twice: --again adds it all the same", f.Name(), before.Name())
			}
		}
	}
	return nil
}

// remembered are the files that a list can know; whole: they were read to their ends.
func remembered(files []*captureFile, whole bool) (known []replayed.File) {
	for _, f := range files {
		if f.file == nil {
			continue
		}
		if !whole {
			f.known.Sum = ""
		}
		known = append(known, f.known)
	}
	return known
}

// showProgress moves a bar on until the function it returns is called.
func (p *program) showProgress(files []*captureFile) (done func()) {
	at := func() (read, size int64) {
		for _, f := range files {
			n, all := f.Progress()
			read += n
			size += all
		}
		return read, size
	}
	_, size := at()
	bar := term.NewBar(p.err, "reading", size)
	if bar == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				bar.Done()
				return
			case <-ticker.C:
				read, _ := at()
				bar.Set(read)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}
