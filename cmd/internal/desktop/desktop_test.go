package desktop

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// env makes a getenv of pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestSudoUser(t *testing.T) {
	sudo := []string{"SUDO_USER", "ann", "SUDO_UID", "1000", "SUDO_GID", "100"}
	if diff := cmp.Diff(&User{"ann", 1000, 100}, SudoUser(env(sudo...), 0)); diff != "" {
		t.Error(diff)
	}
	for name, u := range map[string]*User{
		"no sudo":        SudoUser(env(), 0),
		"not root":       SudoUser(env(sudo...), 1000), // sudo -u somebody
		"root by sudo":   SudoUser(env("SUDO_USER", "root", "SUDO_UID", "0", "SUDO_GID", "0"), 0),
		"no number":      SudoUser(env("SUDO_USER", "ann", "SUDO_UID", "x", "SUDO_GID", "1"), 0),
		"half a setting": SudoUser(env("SUDO_USER", "ann"), 0),
	} {
		if u != nil {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

func TestSSHLine(t *testing.T) {
	for _, c := range []struct{ name, connection, user, addr, want string }{
		{"plain", "192.0.2.9 5555 192.0.2.1 22", "ann", "127.0.0.1:8080", "ssh -L 8080:127.0.0.1:8080 ann@192.0.2.1"},
		{"other port", "192.0.2.9 5555 192.0.2.1 2222", "", "0.0.0.0:80", "ssh -L 80:127.0.0.1:80 -p 2222 192.0.2.1"},
		{"IPv6", "2001:db8::9 5555 2001:db8::1 22", "", "[::1]:8080", "ssh -L 8080:[::1]:8080 2001:db8::1"},
		{"no SSH", "", "ann", "127.0.0.1:8080", ""},
		{"no dashboard", "a 1 b 2", "ann", "off", ""},
	} {
		if got := SSHLine(env("SSH_CONNECTION", c.connection), c.user, c.addr); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOpenCommand(t *testing.T) {
	has := func(names ...string) func(string) (string, error) {
		return func(name string) (string, error) {
			for _, n := range names {
				if n == name {
					return "/bin/" + n, nil
				}
			}
			return "", exec.ErrNotFound
		}
	}
	ann := &User{"ann", 1000, 1000}
	for _, c := range []struct {
		name string
		env  []string
		look func(string) (string, error)
		user *User
		want string // "": an error
		none bool   // the error is ErrNoDesktop
	}{
		{"X11", []string{"DISPLAY", ":0"}, has("xdg-open", "gio"), nil, "/bin/xdg-open http://x", false},
		{"Wayland", []string{"WAYLAND_DISPLAY", "w"}, has("gio"), nil, "/bin/gio open http://x", false},
		{"through sudo", []string{"DISPLAY", ":0"}, has("xdg-open", "runuser"), ann,
			"/bin/runuser -u ann -- env XDG_RUNTIME_DIR=/run/user/1000 /bin/xdg-open http://x", false},
		{"sudo without runuser", []string{"DISPLAY", ":0"}, has("xdg-open"), ann, "", false},
		{"no opener", []string{"DISPLAY", ":0"}, has(), nil, "", true},
		{"no desktop", nil, has("xdg-open"), nil, "", true},
		{"SSH with X", []string{"DISPLAY", ":10", "SSH_CONNECTION", "a 1 b 2"}, has("xdg-open"), nil, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, err := OpenCommand(env(c.env...), c.look, c.user, "http://x")
			if c.want == "" {
				if err == nil || errors.Is(err, ErrNoDesktop) != c.none {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil || strings.Join(cmd.Args, " ") != c.want {
				t.Errorf("got %v, %v", cmd, err)
			}
		})
	}
}

func TestFolders(t *testing.T) {
	top := t.TempDir()
	me := &User{"me", os.Getuid(), os.Getgid()} // the one user an ordinary test may give files to
	deep := filepath.Join(top, "a", "b")
	if err := me.MakeFolder(deep, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := me.MakeFolder(deep, 0o750); err != nil {
		t.Errorf("a folder that is there: %v", err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(deep, "link")); err != nil {
		t.Fatal(err)
	}
	for _, u := range []*User{nil, me} {
		if err := u.Own(top); err != nil {
			t.Error(err)
		}
		if err := u.Own(filepath.Join(top, "gone")); err != nil {
			t.Error(err)
		}
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (*User)(nil).MakeFolder(filepath.Join(file, "x"), 0o750); err == nil {
		t.Error("made a folder in a file")
	}
}

// TestLaterCommand starts what waits for an address, and tells it one; and ends it
// untold, which opens nothing.
func TestLaterCommand(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	opened := filepath.Join(dir, "opened")
	script := filepath.Join(dir, "xdg-open")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho \"$@\" >"+opened+".new\nmv "+opened+".new "+opened+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	look := func(name string) (string, error) {
		if name != "xdg-open" {
			return "", exec.ErrNotFound
		}
		return script, nil
	}
	for _, address := range []string{"", "http://127.0.0.1:8080/#a b"} {
		cmd, err := LaterCommand(env("DISPLAY", ":0"), look, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.ExtraFiles = []*os.File{r}
		if err := errors.Join(cmd.Run(), r.Close()); err != nil {
			t.Fatal(err)
		}
		if address != "" {
			if _, err := w.WriteString(address + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		if address == "" {
			continue // what it must not do is seen in the next round
		}
		var text []byte
		for deadline := time.Now().Add(time.Minute); len(text) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			text, _ = os.ReadFile(opened)
		}
		if got := string(text); got != address+"\n" {
			t.Errorf("opened %q, want %q", got, address)
		}
	}
	if _, err := LaterCommand(env(), look, nil); !errors.Is(err, ErrNoDesktop) {
		t.Errorf("without a desktop: %v", err)
	}
}
