package geo

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Times of Watch. A file that is copied into its place grows for a while, which
// settleAfter tells from one that is whole; but nothing waits for longer than
// settleLimit, or a log file beside the databases could put it off for ever.
const (
	pollEvery   = 15 * time.Second
	settleAfter = time.Second
	settleLimit = 10 * time.Second
)

// Watch reloads the databases whenever one of their files, or a better one, has
// been put into its place, until ctx ends; then it returns nil.
//
// The system tells it of changes in the folders; where it does not (NFS, too
// many watches), Watch looks every 15 s. A change is in the answers 30 s later
// at the latest. What went wrong is told to the logger, once, and by Sources.
func (db *DB) Watch(ctx context.Context) error {
	return db.watch(ctx, pollEvery, settleAfter, settleLimit)
}

func (db *DB) watch(ctx context.Context, every, settle, limit time.Duration) error {
	folders := newFolderWatch(db)
	defer folders.close()
	poll := time.NewTicker(every)
	defer poll.Stop()
	for {
		folders.follow(db.folders()) // before looking, or a change in between would be missed
		seen := db.look()
		if !seen.equal(db.seen()) {
			for end := time.Now().Add(limit); time.Now().Before(end); {
				if !pause(ctx, settle) {
					return nil
				}
				again := db.look()
				if again.equal(seen) {
					break
				}
				seen = again
			}
			if err := db.Reload(); err == errClosed {
				return nil
			} else if err != nil {
				db.cfg.Logger.Error("geo databases changed", "error", err)
				db.saw(seen) // once is enough
			}
			continue // it may have changed again in the meantime
		}
		if !folders.wait(ctx, poll.C) {
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// snapshot is what the files that may hold databases look like.
type snapshot map[string]os.FileInfo

func (s snapshot) equal(other snapshot) bool { return maps.EqualFunc(s, other, sameFile) }

// look takes a snapshot. Files that do not exist are not in it.
func (db *DB) look() snapshot {
	s := make(snapshot)
	named := db.paths.Load()
	paths := []string{named.city, named.asn}
	paths = append(paths, discover(db.cfg.Search, cityPatterns[:])...)
	paths = append(paths, discover(db.cfg.Search, asnPatterns[:])...)
	paths = append(append(paths, db.fetched(kindCity)...), db.fetched(kindASN)...)
	for _, path := range paths {
		for _, name := range [...]string{path, companionOf(path)} {
			if name == "" {
				continue
			}
			if info, err := os.Stat(name); err == nil {
				s[name] = info
			}
		}
	}
	return s
}

// seen is the snapshot of the last Reload.
func (db *DB) seen() snapshot {
	if s := db.state.Load(); s != nil {
		return s.seen
	}
	return nil
}

// saw notes a snapshot of files that are no use.
func (db *DB) saw(seen snapshot) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if s := db.state.Load(); s != nil && !db.closed {
		next := *s
		next.seen = seen
		db.state.Store(&next)
	}
}

// folders are those in which the files lie or may lie some day.
func (db *DB) folders() []string {
	list := slices.Clone(db.cfg.Search)
	if dir := db.cfg.Fetched; dir != "" {
		list = append(list, dir, filepath.Join(dir, kindCity), filepath.Join(dir, kindASN))
	}
	named := db.paths.Load()
	for _, file := range [...]string{named.city, named.asn} {
		if file != "" {
			list = append(list, filepath.Dir(file))
		}
	}
	for i := range list {
		list[i] = filepath.Clean(list[i])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// folderWatch is the system's word on changes in folders. Where it cannot be
// had, the channels never deliver, and polling has to do.
type folderWatch struct {
	folders []string
	watcher *fsnotify.Watcher
}

func newFolderWatch(db *DB) *folderWatch {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		db.cfg.Logger.Info("folders of geo databases are looked at every 15 s only", "reason", err)
		return &folderWatch{}
	}
	return &folderWatch{watcher: watcher}
}

// follow adds the folders that exist; one that was made, replaced or named since is new.
func (w *folderWatch) follow(folders []string) {
	w.folders = folders
	if w.watcher == nil {
		return
	}
	for _, folder := range w.folders {
		if _, err := os.Stat(folder); err == nil {
			_ = w.watcher.Add(folder) // an error leaves it to polling
		}
	}
}

// wait returns when a file may have changed, or false when ctx ends. What happens to
// files that are no databases, as in a busy working directory, is passed over.
func (w *folderWatch) wait(ctx context.Context, poll <-chan time.Time) bool {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if w.watcher != nil {
		events, errs = w.watcher.Events, w.watcher.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-poll:
			return true
		case e := <-events:
			if name := filepath.Clean(e.Name); filepath.Ext(name) == ".mmdb" || slices.Contains(w.folders, name) {
				return true
			}
		case <-errs: // events were lost
			return true
		}
	}
}

func (w *folderWatch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}
