// Package desktop knows the person in front of the machine: who started the program
// through sudo, whether there is a desktop to open a browser on, and what to type
// where there is none but an SSH session.
package desktop

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// User is who files and browser belong to.
type User struct {
	Name     string
	UID, GID int
}

// SudoUser returns the user who started this process through sudo, nil if none did.
// getenv is os.Getenv.
func SudoUser(getenv func(string) string, euid int) *User {
	name := getenv("SUDO_USER")
	uid, err1 := strconv.Atoi(getenv("SUDO_UID"))
	gid, err2 := strconv.Atoi(getenv("SUDO_GID"))
	if euid != 0 || name == "" || uid == 0 || err1 != nil || err2 != nil {
		return nil
	}
	return &User{name, uid, gid}
}

// Own gives a file, or a folder with all in it, to the user; a nil user changes
// nothing. Links are not followed. What has vanished meanwhile is no error.
func (u *User) Own(path string) error {
	if u == nil {
		return nil
	}
	return filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(name, u.UID, u.GID)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// MakeFolder makes a folder and gives every part of its path that was not there
// before to the user.
func (u *User) MakeFolder(path string, mode os.FileMode) error {
	var made []string
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		made = append(made, dir)
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return err
	}
	for _, dir := range made {
		if u != nil {
			if err := os.Lchown(dir, u.UID, u.GID); err != nil {
				return err
			}
		}
	}
	return nil
}

// SSHLine returns the command that brings the dashboard at addr (host:port) to the
// screen of somebody who is here by SSH, "" for everybody else.
// SSH_CONNECTION is "client port server port", see ssh(1).
func SSHLine(getenv func(string) string, user, addr string) string {
	parts := strings.Fields(getenv("SSH_CONNECTION"))
	host, port, err := net.SplitHostPort(addr)
	if len(parts) != 4 || err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	line := fmt.Sprintf("ssh -L %s:%s ", port, net.JoinHostPort(host, port))
	if parts[3] != "22" {
		line += "-p " + parts[3] + " "
	}
	if user != "" {
		line += user + "@"
	}
	return line + parts[2]
}

// openers are the programs that show an address in the user's browser, the most
// usual first.
var openers = [...]string{"xdg-open", "gio", "sensible-browser", "x-www-browser"}

// ErrNoDesktop says that there is nothing to open a browser on.
var ErrNoDesktop = errors.New("no desktop found")

// OpenCommand returns the command that shows an address or file in the browser of the
// user. It is run as the SUDO_USER where there is one: a browser has no business
// being root.
func OpenCommand(getenv func(string) string, look func(string) (string, error), u *User, address string) (*exec.Cmd, error) {
	args, err := opener(getenv, look)
	if err != nil {
		return nil, err
	}
	return asUser(look, u, append(args, address))
}

// waiting is a script that reads a line from descriptor 3, in the background, and ends what
// it has in its arguments with it. Nothing is started where none comes.
const waiting = `{ IFS= read -r address <&3 && exec "$@" "$address" 3<&-; } >/dev/null 2>&1 & exit 0`

// LaterCommand returns a command that leaves a process behind and ends at once. That one
// does what OpenCommand's does with the address that it reads from descriptor 3: it can be
// started before the address is known, by who may not start anything later.
func LaterCommand(getenv func(string) string, look func(string) (string, error), u *User) (*exec.Cmd, error) {
	args, err := opener(getenv, look)
	if err != nil {
		return nil, err
	}
	return asUser(look, u, append([]string{"/bin/sh", "-c", waiting, "sh"}, args...))
}

// opener is what opens a browser.
func opener(getenv func(string) string, look func(string) (string, error)) ([]string, error) {
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" || getenv("SSH_CONNECTION") != "" {
		return nil, ErrNoDesktop
	}
	for _, name := range openers {
		path, err := look(name)
		switch {
		case err != nil:
			continue
		case name == "gio":
			return []string{path, "open"}, nil
		}
		return []string{path}, nil
	}
	return nil, fmt.Errorf("%w: none of %s is installed", ErrNoDesktop, strings.Join(openers[:], ", "))
}

// asUser is a command as a user; nil: as who we are.
func asUser(look func(string) (string, error), u *User, args []string) (*exec.Cmd, error) {
	if u != nil {
		runAs, err := look("runuser")
		if err != nil {
			return nil, fmt.Errorf("open browser as %s: runuser not found (package util-linux)", u.Name)
		}
		args = append([]string{runAs, "-u", u.Name, "--", "env", fmt.Sprintf("XDG_RUNTIME_DIR=/run/user/%d", u.UID)}, args...)
	}
	return exec.Command(args[0], args[1:]...), nil
}
