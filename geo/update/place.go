package update

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/packetheat/packetheat/geo"
)

// place opens and probes what was fetched, and puts it into its place. kind is what it
// has to be, empty for what it is. The lock is held; replace has to follow.
func (u *Updater) place(f *fetched, kind string, s *state, older bool) error {
	found, err := geo.Inspect(f.temp)
	if err != nil {
		return err
	}
	if kind != "" && found.Kind != kind {
		return fmt.Errorf("a database of type %q came, which is none of %s", found.Type, map[string]string{kindCity: "places", kindASN: "autonomous systems"}[kind])
	}
	for _, name := range s.Files[found.Kind] {
		have, err := geo.Inspect(filepath.Join(u.Dir, found.Kind, name))
		if err == nil && have.Type == found.Type && found.Built.Before(have.Built) && !older {
			return fmt.Errorf("what came was built on %s, what is there on %s: the newer one stays", found.Built.Format("2006-01-02"), have.Built.Format("2006-01-02"))
		}
	}
	path := filepath.Join(u.Dir, found.Kind, f.name)
	if err := os.Rename(f.temp, path); err != nil {
		return fmt.Errorf("put database into its place: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("put database into its place: %w", err)
	}
	found.Path, found.Name = path, f.name
	f.source = found
	return nil
}

// replace notes which files are there now, and removes those they replace. It is noted
// first, so that nothing is forgotten by who is killed in between.
func (u *Updater) replace(s *state, kind string, names []string) error {
	for _, old := range s.Files[kind] {
		if !slices.Contains(names, old) {
			s.Stale = append(s.Stale, filepath.Join(kind, old))
		}
	}
	s.Files[kind] = names
	if err := u.save(s); err != nil {
		return err
	}
	u.clean(s)
	return u.save(s)
}

// Install takes databases from files, as .mmdb, .mmdb.gz or MaxMind's .tar.gz, and puts
// them where downloads are put. Two files of one kind are the halves of one database,
// of IPv4 and IPv6. One that is older than what is there is refused, unless older is true.
func (u *Updater) Install(files []string, older bool) (results []Result, err error) {
	s, unlock, err := u.begin()
	if err != nil {
		return nil, err
	}
	defer unlock()
	placed := make(map[string][]string)
	for _, file := range files {
		var f fetched
		if f, err = u.take(file); err == nil {
			err = u.place(&f, "", s, older)
			_ = os.Remove(f.temp) // gone already where it was renamed
		}
		if err != nil {
			err = fmt.Errorf("install %q: %w", file, err)
			break
		}
		placed[f.source.Kind] = append(placed[f.source.Kind], f.name)
		results = append(results, Result{Edition: filepath.Base(file), Path: f.source.Path, Source: f.source, Changed: true})
	}
	for kind, names := range placed {
		err = errors.Join(err, u.replace(s, kind, names))
	}
	return results, err
}

// take unpacks a file into the folder, where it can be renamed from.
func (u *Updater) take(file string) (fetched, error) {
	in, err := os.Open(file)
	if err != nil {
		return fetched{}, err
	}
	defer in.Close()
	return u.unpack(in, file, kindCity)
}
