package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// geoFolders are where databases are looked for, beside the working folder; see geo.Config.
var geoFolders = [...]string{"/var/lib/GeoIP", "/usr/share/GeoIP", "/usr/local/share/GeoIP"}

// confine leaves a sensor without rights the files that its configuration names and those
// of the system that it needs, and the system calls that it makes. It comes before anything of the network is read.
func (r *live) confine() (err error) {
	if r.handed == nil {
		return nil
	}
	if err := temporary(r.c.Store.Path); err != nil {
		return err
	}
	r.landlock, err = privilege.Restrict(pathsOf(r.c, os.Environ()))
	if err == nil && r.landlock == 0 {
		r.log.Info("this kernel has no Landlock: the sensor may touch what its user may")
	}
	if err != nil {
		return err
	}
	if err := privilege.LimitCalls(); err != nil {
		r.log.Info("the sensor's system calls are not limited", "error", err) // status tells, too
	}
	return nil
}

// temporary lets SQLite and exports keep what they need for a while in the store's folder,
// which may be written to; TMPDIR is another that somebody has chosen.
func temporary(store string) error {
	if os.Getenv("TMPDIR") != "" {
		return nil
	}
	dir := filepath.Join(absolute(store), "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder for temporary files: %w", err)
	}
	return os.Setenv("TMPDIR", dir)
}

// tidy removes what a sensor that was killed has left in its temporary folder. The store is
// ours now, so nobody else works there.
func (r *live) tidy() {
	if r.handed == nil {
		return
	}
	left, _ := filepath.Glob(filepath.Join(r.c.Store.Path, "tmp", "packetheat-*")) // fails for bad patterns only
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			r.log.Warn("an old temporary file stays", "error", err)
		}
	}
}

// pathsOf are what a sensor needs. Files are often replaced by others of the same name, so
// the folder of each is readable, but for the top of the tree.
func pathsOf(c *config.Loaded, environment []string) privilege.Paths {
	p := privilege.Paths{Write: []string{c.Store.Path, c.Export.Dir, os.TempDir()}, Read: privilege.System(), List: []string{"."}}
	files := filesRead(c)
	for _, v := range environment { // secrets
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, "PACKETHEAT_") && strings.HasSuffix(name, "_FILE") && value != "" {
			files = append(files, value)
		}
	}
	for _, file := range files {
		names := []string{file}
		if real, err := filepath.EvalSymlinks(file); err == nil {
			names = append(names, real)
		}
		for _, name := range names {
			if dir := filepath.Dir(absolute(name)); dir != "/" {
				name = dir
			}
			p.Read = append(p.Read, name)
		}
	}
	p.Read = append(append(p.Read, geoFolders[:]...), "/etc/packetheat")
	found, _ := filepath.Glob("*.mmdb") // fails for bad patterns only
	p.Read = append(p.Read, found...)
	if dir := geoFolder(c); c.Geo.Update {
		_ = os.MkdirAll(dir, 0o755) // what does not work is said by the update
		p.Write = append(p.Write, dir)
	} else {
		p.Read = append(p.Read, dir)
	}
	return p
}

// outOfReach adds what to do to an error of a reload that asks for files of other folders.
func (r *live) outOfReach(err error) error {
	if r.landlock == 0 || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w (a running sensor reads only the folders that it was started with: restart it)", err)
}
