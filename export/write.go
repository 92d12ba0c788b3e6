package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// Write writes the points of o.Filter to w in one format. Rows stream: memory does
// not grow with their number, except for a page, which is bounded by its row cap,
// and SQLite, which goes through a temporary file. On error, w may have got a part.
func Write(ctx context.Context, w io.Writer, r Reader, format Format, o Options) (Report, error) {
	if err := o.check(format); err != nil {
		return Report{}, fmt.Errorf("export %s: %w", format, err)
	}
	from, o, err := masked(ctx, r, o)
	if err != nil {
		return Report{}, fmt.Errorf("export %s: %w", format, err)
	}
	if format == SQLite {
		return writeSQLiteTo(ctx, w, from, o)
	}
	m := &meter{w: w, most: o.budget}
	if format == HTML {
		m.hash = sha256.New()
	}
	rep, err := write(ctx, m, from, format, o)
	rep.Bytes = m.bytes
	if m.hash != nil {
		rep.SHA256 = hex.EncodeToString(m.hash.Sum(nil))
	}
	if err != nil {
		return rep, fmt.Errorf("export %s: %w", format, err)
	}
	return rep, nil
}

func write(ctx context.Context, w io.Writer, r source, format Format, o Options) (Report, error) {
	if format == HTML {
		data, rep, err := buildFrom(ctx, r, o)
		if err != nil {
			return rep, err
		}
		return rep, page.WriteSaved(w, data)
	}
	cov, window, err := coverage(ctx, r, o.Filter.Window)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Format: format, Window: window, Step: cov.Tick, Coverage: cov}
	var rows rowWriter
	switch format {
	case CSV:
		rows = newCSVWriter(w)
	default:
		j := newJSONWriter(w, format == GeoJSON)
		j.head = geoHead{Version: o.Version, Sensor: sensorName(&o, &cov), From: window.From, To: window.To,
			Filter: o.Filter.String(), Command: o.command(format, window), Geo: Attributions(&cov)}
		rows = j
	}
	return rep, writeRows(ctx, rows, r, &o, &rep)
}

// writeRows sends the points to rows, or the rows of a recent as they are.
func writeRows(ctx context.Context, rows rowWriter, r source, o *Options, rep *Report) error {
	if err := rows.begin(); err != nil {
		return err
	}
	count := func(at time.Time, n int) {
		if rep.Rows == 0 && n > 0 {
			rep.First = at
		}
		rep.Rows += uint64(n)
	}
	var err error
	csv, isCSV := rows.(*csvWriter)
	if c, ok := r.(*recent); ok && isCSV {
		err = c.each(ctx, func(at time.Time, interval time.Duration, part []slim) error {
			count(at, len(part))
			for i := range part {
				rep.Sum.Add(part[i].Sum)
			}
			return csv.writeSlim(c, at, interval, part)
		})
	} else {
		err = r.Points(ctx, o.Filter, func(points []store.Point) error {
			if len(points) > 0 {
				count(points[0].Time, len(points))
			}
			for i := range points {
				rep.Sum.Add(points[i].Sum())
			}
			return rows.write(points)
		})
	}
	if err != nil {
		return err
	}
	if o.coarse > levelTick {
		rep.Step, rep.Coarsened = o.coarse.step(rep.Window, o.long), o.coarse.sentence(o.long)
	}
	return rows.end()
}

// errBudget says that a standing file would grow beyond its budget.
var errBudget = errors.New("file is longer than its budget")

// meter counts what passes through, up to most bytes (0: any number), and hashes it
// where there is a hash.
type meter struct {
	w     io.Writer
	hash  hash.Hash
	bytes int64
	most  int64
}

func (m *meter) Write(p []byte) (int, error) {
	if m.most > 0 && m.bytes+int64(len(p)) > m.most {
		return 0, errBudget
	}
	n, err := m.w.Write(p)
	m.bytes += int64(n)
	if m.hash != nil {
		m.hash.Write(p[:n])
	}
	return n, err
}

// WriteFile writes as Write does, to the file at path: into a temporary file in the
// same folder, which takes path's place by rename once it is whole and on the disk.
// A reader of path sees the old file or the new one; a failed run leaves the old one,
// or none. The mode is 0640. A device or pipe at path is written to directly.
func WriteFile(ctx context.Context, path string, r Reader, format Format, o Options) (Report, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return Report{}, fmt.Errorf("export %s: %q is a folder: name a file in it", format, path)
		}
		return writeDevice(ctx, path, r, format, o)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link stays one
	}
	return replaceFile(path, nil, func(f *os.File) (Report, error) {
		if format == SQLite {
			from, o, err := masked(ctx, r, o)
			if err != nil {
				return Report{}, fmt.Errorf("export %s: %w", format, err)
			}
			return writeSQLite(ctx, f.Name(), from, o)
		}
		return Write(ctx, f, r, format, o)
	})
}

func writeDevice(ctx context.Context, path string, r Reader, format Format, o Options) (rep Report, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return rep, fmt.Errorf("export %s: %w", format, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return Write(ctx, f, r, format, o)
}
