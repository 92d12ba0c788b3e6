package update

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/md5" // what MaxMind's protocol has; the way there is encrypted
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/packetheat/packetheat/geo"
)

// tempPattern is what files are called that are not whole yet.
const tempPattern = ".update-*.tmp"

// fetched is a database that has been unpacked but not put into its place, or, where
// temp is empty, that was there already.
type fetched struct {
	name   string // that it is to have or has
	temp   string
	md5    string
	source geo.Source
	note   string
}

// errTooBig ends what would fill the disk.
var errTooBig = errors.New("unpacked it is bigger than any database should be")

// unpack writes a database that comes as .mmdb, .mmdb.gz or .tar.gz, told by its first
// bytes, into a file in the folder of a kind. All of it is read, so that its checksums
// are. On an error nothing is left.
func (u *Updater) unpack(from io.Reader, name, kind string) (f fetched, err error) {
	out, err := os.CreateTemp(filepath.Join(u.Dir, kind), tempPattern)
	if err != nil {
		return f, fmt.Errorf("write database: %w", err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			_ = os.Remove(out.Name())
			f = fetched{}
		}
	}()
	in := bufio.NewReaderSize(&limited{from, u.MaxBytes}, 1<<16)
	rest := io.Reader(in)
	f = fetched{name: strings.TrimSuffix(filepath.Base(name), ".gz"), temp: out.Name()}
	if path.Ext(f.name) != ".mmdb" {
		f.name += ".mmdb"
	}
	if head, _ := in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) { // RFC 1952, section 2.3.1
		zipped, err := gzip.NewReader(in)
		if err != nil {
			return f, fmt.Errorf("unpack: %w", err)
		}
		plain := bufio.NewReaderSize(&limited{zipped, u.MaxBytes}, 1<<16)
		rest = plain
		if head, _ := plain.Peek(512); isTar(head) {
			archive := tar.NewReader(plain)
			if f.name, err = findMMDB(archive); err != nil {
				return f, err
			}
			defer func() { // the checksum of gzip comes at the end
				if err == nil {
					_, err = io.Copy(io.Discard, plain)
				}
			}()
			rest = archive
		}
	}
	sum := md5.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), rest); err != nil {
		return f, fmt.Errorf("unpack: %w", err)
	}
	f.md5 = hex.EncodeToString(sum.Sum(nil))
	if err := errors.Join(out.Chmod(0o644), out.Sync()); err != nil {
		return f, fmt.Errorf("write database: %w", err)
	}
	return f, nil
}

// isTar looks for the magic of POSIX's and GNU's archives, at byte 257 (tar(5)).
func isTar(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" }

// findMMDB goes to the first database of an archive and returns its name.
func findMMDB(archive *tar.Reader) (string, error) {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return "", errors.New("unpack: there is no .mmdb file in the archive")
		} else if err != nil {
			return "", fmt.Errorf("unpack: %w", err)
		}
		if header.Typeflag == tar.TypeReg && path.Ext(header.Name) == ".mmdb" {
			return path.Base(header.Name), nil
		}
	}
}

// limited fails where io.LimitReader would pretend that the file ends.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		// At the limit is allowed, beyond is not.
		if n, err := l.Reader.Read(p[:min(len(p), 1)]); n == 0 {
			return 0, err
		}
		return 0, errTooBig
	}
	n, err := l.Reader.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
