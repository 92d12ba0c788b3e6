//go:build cgo

package sqlite

import (
	"errors"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// notDatabase reports whether err says that the file is no SQLite database or its
// structure is broken. Errors of reading, locking or permission are not that.
func notDatabase(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrCorrupt)
}

// cannotOpen reports whether err says that SQLite could not open or make one of the
// files that it needs.
func cannotOpen(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly)
}

// diskFull reports whether err says that the disk has no room, or the user's share of
// it is used up. SQLITE_IOERR_SHMSIZE is that of the memory that readers share.
func diskFull(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrFull || e.ExtendedCode == sqlite3.ErrIoErr.Extend(19) ||
		e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT)
}

// hint returns what the user can do about err, in brackets, or "".
func hint(err error) string {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return ""
	}
	if diskFull(e) {
		return " (free some space on that disk)"
	}
	switch e.SystemErrno {
	case syscall.EROFS:
		return " (the file system is read-only: it may have found an error on the disk; look at the kernel's log)"
	case syscall.EIO:
		return " (the disk fails: look at the kernel's log)"
	}
	switch e.Code {
	case sqlite3.ErrReadonly:
		return " (the file, its folder or the file system is read-only)"
	case sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return " (check that the folder and its files belong to this user)"
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return " (another program holds the file locked)"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return " (the file is damaged: packetheat sets it aside when it next opens it for writing)"
	}
	return ""
}
