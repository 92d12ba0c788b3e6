package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// RefreshStatus is what a Refresher says about itself. It goes into the sensor's
// status as JSON; times are in seconds.
type RefreshStatus struct {
	Name      string       `json:"name"` // of the files
	Dir       string       `json:"dir"`
	Every     float64      `json:"every"`    // asked for
	Interval  float64      `json:"interval"` // kept to: longer where rewriting would take too much of a core
	Seconds   float64      `json:"seconds"`  // of a core that the last rewrite took
	Used      float64      `json:"used"`     // the same, of all rewrites
	Rewrites  uint64       `json:"rewrites"`
	Skipped   uint64       `json:"skipped"` // ticks that changed nothing
	Failures  uint64       `json:"failures"`
	LastError string       `json:"last_error,omitempty"` // of the last rewrite; empty: it went well
	Files     []FileStatus `json:"files"`
}

// FileStatus is one of the files.
type FileStatus struct {
	Path      string    `json:"path"`
	Format    string    `json:"format"`
	Written   time.Time `json:"written,omitzero"` // zero: not yet
	Bytes     int64     `json:"bytes"`
	Rows      uint64    `json:"rows"`
	Step      float64   `json:"step"`                // seconds that a row sums up
	Coarsened string    `json:"coarsened,omitempty"` // one sentence, if rows are coarser than points
}

// Status returns what the Refresher has done so far.
func (r *Refresher) Status() RefreshStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Files = append([]FileStatus(nil), s.Files...)
	return s
}

// makeFolder makes dir, and its parents, where they are missing, and gives dir to
// the owner if it made it.
func makeFolder(dir string, owner *Owner) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("export.dir %q is a file, not a folder: choose another", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open export.dir %q: %w (choose a folder that you may write in)", dir, cause(err))
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make export.dir %q: %w (choose a folder that you may write in)", dir, cause(err))
	}
	if owner == nil {
		return nil
	}
	if err := os.Chown(dir, owner.UID, owner.GID); err != nil {
		return fmt.Errorf("give export.dir %q to user %d: %w", dir, owner.UID, cause(err))
	}
	return nil
}
