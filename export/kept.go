package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/packetheat/packetheat/store"
)

// kept is the standing CSV as it was written last. Bins that have not changed since
// are copied out of it by the kernel (copy_file_range(2), which os.File.ReadFrom
// uses), which costs a fifth of writing their rows again. It is held open, so that
// it is our file whatever is at its path by now, and not used if somebody else wrote
// to it. The zero value is no file.
type kept struct {
	file    *os.File
	size    int64
	changed time.Time
	number  uint32 // counts files
}

// keptRange says where a bin's rows are.
type keptRange struct {
	number   uint32 // of the file; 0: in none
	from, to int64
	sum      store.Sum
}

// usable reports whether the file is still as it was written.
func (k *kept) usable() bool {
	if k.file == nil {
		return false
	}
	info, err := k.file.Stat()
	return err == nil && info.Size() == k.size && info.ModTime().Equal(k.changed)
}

func (k *kept) close() {
	if k.file != nil {
		_ = k.file.Close() // it was only read
		k.file = nil
	}
}

// replace makes the file that was just written the one that is kept. It must be
// whole: what is written to it after this is somebody else's doing.
func (k *kept) replace(f *os.File, number uint32) {
	k.close()
	if runtime.GOOS != "linux" {
		return // open files may not be replaced everywhere, and elsewhere it is no quicker
	}
	var err error
	if k.file, err = os.Open(f.Name()); err != nil {
		k.file = nil
		return
	}
	info, err := k.file.Stat()
	if err != nil {
		k.close()
		return
	}
	k.size, k.changed, k.number = info.Size(), info.ModTime(), number
}

// keptWriter writes a standing CSV: bins that are kept are copied, all others are
// written by rows.
type keptWriter struct {
	f        *os.File
	csv      *csvWriter
	old      *kept
	number   uint32 // of the file that is being written
	at       int64  // its length so far, with what is to be copied
	most     int64  // longest that it may get
	from, to int64  // range of old that is to be copied
}

// Write takes rows from csv.
func (w *keptWriter) Write(p []byte) (int, error) {
	if w.at += int64(len(p)); w.at > w.most {
		return 0, errBudget
	}
	return w.f.Write(p)
}

// copy copies the range that has been put together.
func (w *keptWriter) copy() error {
	n := w.to - w.from
	if n == 0 {
		return nil
	}
	if _, err := w.old.file.Seek(w.from, io.SeekStart); err != nil {
		return err
	}
	copied, err := io.Copy(w.f, &io.LimitedReader{R: w.old.file, N: n})
	if err == nil && copied != n {
		err = io.ErrUnexpectedEOF
	}
	w.from, w.to = 0, 0
	return err
}

// bin writes the rows of one bin and notes where they are.
func (w *keptWriter) bin(c *recent, b *recentBin) error {
	if had := b.kept; had.number != 0 && had.number == w.old.number && w.old.file != nil {
		if err := w.csv.end(); err != nil {
			return err
		}
		if w.to != had.from {
			if err := w.copy(); err != nil {
				return err
			}
			w.from = had.from
		}
		w.to = had.to
		b.kept.number, b.kept.from = w.number, w.at
		if w.at += had.to - had.from; w.at > w.most {
			return errBudget
		}
		b.kept.to = w.at
		return nil
	}
	if err := errors.Join(w.copy(), w.csv.end()); err != nil {
		return err
	}
	now := keptRange{number: w.number, from: w.at}
	for i := range b.rows {
		now.sum.Add(b.rows[i].Sum)
	}
	if err := errors.Join(w.csv.writeSlim(c, b.start, c.step(), b.rows), w.csv.end()); err != nil {
		return err
	}
	now.to = w.at
	b.kept = now
	return nil
}

// writeKept writes a recent's rows as Write does in format CSV, with what has not
// changed from old. At levels that have one row for all bins nothing can be kept.
func writeKept(ctx context.Context, f *os.File, c *recent, o Options, old *kept) (rep Report, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("export %s: %w", CSV, err)
		}
	}()
	if !old.usable() {
		old.close()
	}
	w := &keptWriter{f: f, old: old, number: old.number + 1, most: o.budget}
	w.csv = newCSVWriter(w)
	rep = Report{Format: CSV, Window: c.window, Step: c.cov.Tick, Coverage: c.cov}
	if c.level >= levelWindow {
		err = writeRows(ctx, w.csv, c, &o, &rep)
		rep.Bytes = w.at
		return rep, err
	}
	if o.coarse > levelTick {
		rep.Step, rep.Coarsened = o.coarse.step(rep.Window, o.long), o.coarse.sentence(o.long)
	}
	if err := w.csv.begin(); err != nil {
		return rep, err
	}
	for _, b := range c.bins {
		if err := cmp.Or(ctx.Err(), w.bin(c, b)); err != nil {
			return rep, err
		}
		rep.Rows += uint64(len(b.rows))
		rep.Sum.Add(b.kept.sum)
	}
	if len(c.bins) > 0 {
		rep.First = c.bins[0].start
	}
	if err := errors.Join(w.csv.end(), w.copy()); err != nil {
		return rep, err
	}
	rep.Bytes = w.at
	old.replace(f, w.number)
	return rep, nil
}
