package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// account is the user that a sensor becomes.
type account struct {
	*privilege.Identity        // nil: it stays who it is
	name                string // of the user
	why                 string // it is that one; "" where there was no choice
}

// owner is the account as the one whom files are given to; nil where it stays who it is.
func (a *account) owner() *desktop.User {
	if a.Identity == nil {
		return nil
	}
	return &desktop.User{Name: a.name, UID: a.UID, GID: a.GID}
}

// chooseUser says whom a sensor becomes: who is in sensor.user, else the owner of the
// store, else who has called sudo, else the owner of the folder that the store will be in.
// Where all of that is root it stays root.
func chooseUser(c *config.Loaded, getenv func(string) string) (account, error) {
	named := c.Sensor.User
	if os.Geteuid() != 0 || usersFixed() {
		if named != "" {
			if a, err := accountOf(named); err != nil || a.UID != os.Geteuid() {
				return account{}, errors.Join(err, fmt.Errorf("sensor.user: only root can become user %q: start packetheat with sudo, or remove the key", named))
			}
		}
		return account{}, nil
	}
	if named != "" {
		a, err := accountOf(named)
		a.why = "sensor.user"
		return a.unlessRoot(), err
	}
	if uid, gid, err := ownerOf(c.Store.Path); err == nil && uid != 0 {
		return accountOr(uid, gid, "owner of "+c.Store.Path), nil
	} else if u := desktop.SudoUser(getenv, 0); u != nil {
		a := accountOr(u.UID, u.GID, "who has called sudo")
		a.GID = u.GID
		return a, nil
	} else if err == nil {
		return account{why: c.Store.Path + " belongs to root"}, nil
	}
	parent := existing(filepath.Dir(absolute(c.Store.Path)))
	if uid, gid, err := ownerOf(parent); err == nil && uid != 0 {
		return accountOr(uid, gid, "owner of "+parent), nil
	}
	return account{why: parent + " belongs to root"}, nil
}

// unlessRoot stays root where that is who was asked for.
func (a account) unlessRoot() account {
	if a.Identity != nil && a.UID == 0 {
		a.Identity = nil
	}
	return a
}

// usersFixed reports whether this process is in a user namespace that knows one user only.
func usersFixed() bool {
	text, err := os.ReadFile("/proc/self/setgroups")
	return err == nil && strings.TrimSpace(string(text)) == "deny"
}

func ownerOf(path string) (uid, gid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("owner of %q is not known", path)
	}
	return int(s.Uid), int(s.Gid), nil
}

// accountOf finds a user by name or number.
func accountOf(name string) (account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return account{}, fmt.Errorf("sensor.user: there is no user %q on this machine", name)
		}
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return account{}, fmt.Errorf("sensor.user: user %q has the number %q", name, u.Uid)
	}
	a := account{Identity: &privilege.Identity{UID: uid, GID: gid}, name: u.Username}
	ids, _ := u.GroupIds() // without them some files cannot be read, which is said then
	for _, id := range ids {
		if g, err := strconv.Atoi(id); err == nil && g != gid {
			a.Groups = append(a.Groups, g)
		}
	}
	return a, nil
}

// accountOr finds a user by number, who may have no name.
func accountOr(uid, gid int, why string) account {
	a, err := accountOf(strconv.Itoa(uid))
	if err != nil || a.UID != uid {
		a = account{Identity: &privilege.Identity{UID: uid, GID: gid}, name: strconv.Itoa(uid)}
	}
	a.why = why
	return a
}

// reachable tries, with the rights that the account will have, whether it comes to where
// the sensor writes and to what it reads. Whom these belong to is another question.
func (a *account) reachable(c *config.Loaded) error {
	var enter, read []string
	for _, dir := range []string{c.Store.Path, c.Export.Dir} {
		enter = append(enter, existing(filepath.Dir(absolute(dir))))
	}
	for _, file := range filesRead(c) {
		if _, err := os.Stat(file); err == nil {
			read = append(read, file)
		}
	}
	return privilege.Try(a.Identity, func() error {
		for mode, paths := range map[uint32][]string{unix.X_OK: enter, unix.R_OK: read} {
			for _, path := range paths {
				if err := unix.Access(path, mode); err != nil {
					return &fs.PathError{Op: map[uint32]string{unix.X_OK: "enter", unix.R_OK: "read"}[mode], Path: path, Err: err}
				}
			}
		}
		return nil
	})
}

// folders makes the folders that the sensor writes to, and gives them and a store that
// root has made to the account.
func (a *account) folders(c *config.Loaded) error {
	owner := a.owner()
	if err := owner.MakeFolder(c.Export.Dir, 0o750); err != nil {
		return fmt.Errorf("make output folder: %w (choose another with --out or export.dir)", err)
	}
	if err := owner.MakeFolder(c.Store.Path, 0o750); err != nil {
		return fmt.Errorf("make folder of the store: %w (choose another with --data or store.path)", err)
	}
	if uid, _, err := ownerOf(c.Store.Path); owner == nil || err != nil || uid != 0 && uid != owner.UID {
		return nil // a third one's: what does not work then is said when it does not
	}
	if err := owner.Own(c.Store.Path); err != nil {
		return fmt.Errorf("give the store to user %s: %w", owner.Name, err)
	}
	return nil
}
