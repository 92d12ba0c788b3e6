package sqlite

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// LogStatus is how long the write-ahead log is, and who keeps it so. SQLite begins it
// anew every few MiB, unless somebody reads: what a reader of another program needs
// stays, and the log grows for as long as it goes on.
type LogStatus struct {
	Bytes   int64
	Readers []LogReader // other processes that read now, where the log is long because of it
}

// LogReader is a process that reads the store. PID is 0 where it belongs to another
// container, Name is "" where that is not known.
type LogReader struct {
	PID  int
	Name string
}

// String returns for example `process 123 (sqlite3)`.
func (r LogReader) String() string {
	switch {
	case r.PID == 0:
		return "a process of another container"
	case r.Name == "":
		return fmt.Sprintf("process %d", r.PID)
	}
	return fmt.Sprintf("process %d (%s)", r.PID, r.Name)
}

const (
	longLog      = 8 << 20  // twice what it is written back at
	hugeLog      = 64 << 20 // journal_size_limit: never left so long when nobody reads
	logLookEvery = time.Minute
)

// LogStatus may be called at any time.
func (s *Store) LogStatus() LogStatus {
	st := LogStatus{Bytes: s.logBytes()}
	if st.Bytes > longLog {
		st.Readers = readersOf(s.path + "-shm")
	}
	return st
}

// logWatch warns of a log that somebody makes grow. The zero value is ready; the
// writer's lock guards it.
type logWatch struct {
	looked time.Time
	warned bool
}

func (l *logWatch) look(s *Store) {
	if time.Since(l.looked) < logLookEvery {
		return
	}
	l.looked = time.Now()
	info, err := os.Stat(s.path + "-wal")
	if err != nil || info.Size() <= hugeLog {
		l.warned = false
		return
	}
	if l.warned {
		return
	}
	var names []string
	for _, r := range readersOf(s.path + "-shm") {
		names = append(names, r.String())
	}
	s.log.Warn("the store's log grows because somebody has been reading for long: end that reading, or the disk fills",
		"log", s.path+"-wal", "bytes", info.Size(), "readers", strings.Join(names, ", "))
	l.warned = true
}
