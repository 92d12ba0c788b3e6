package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// TestConfinement runs the whole part; what it says depends on this machine.
func TestConfinement(t *testing.T) {
	for _, f := range examine(t, t.TempDir(), nil, (*examination).confinement) {
		if f.Check != "confinement" || f.Found == "" || f.Level != good && f.Fix == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestJudgeRights(t *testing.T) {
	if f := judgeRights(7, privilege.State{User: "ann", NoNewPrivs: true, Seccomp: true}); f.Level != good || !strings.Contains(f.Found, "process 7") {
		t.Errorf("%+v", f)
	}
	for _, s := range []privilege.State{{NoNewPrivs: true, Capabilities: []string{"CAP_NET_RAW"}}, {}} {
		if f := judgeRights(7, s); f.Level != warning || f.Fix == "" {
			t.Errorf("%+v: %+v", s, f)
		}
	}
}

func TestJudgeAccount(t *testing.T) {
	ann := account{Identity: &privilege.Identity{UID: 7}, name: "ann"}
	for _, c := range []struct {
		who  account
		why  string
		err  error
		root bool
		want string
	}{
		{ann, "user ann: owner of data", nil, true, good},
		{account{}, "user root: data belongs to root", nil, true, note},
		{account{}, "", nil, false, good},
		{account{}, "", errors.New("sensor.user: there is no user"), true, failure},
	} {
		f := judgeAccount(&c.who, c.why, c.err, c.root)
		if f.Level != c.want || !strings.Contains(f.Found, c.why) {
			t.Errorf("%+v: %+v", c, f)
		}
	}
}

func TestJudgeFile(t *testing.T) {
	if got := judgeFile("/x", 0o755, true); len(got) != 1 || !strings.Contains(got[0].Fix, "chmod 750 /x") {
		t.Errorf("a capability for everybody: %+v", got)
	}
	if got := append(judgeFile("/x", 0o750, true), judgeFile("/x", 0o755, false)...); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestChooseUser: who the sensor becomes, as far as this user may find out.
func TestChooseUser(t *testing.T) {
	if os.Geteuid() != 0 || usersFixed() {
		var c config.Loaded
		c.Sensor.User = "0"
		if a, err := chooseUser(&c, os.Getenv); os.Geteuid() != 0 && err == nil {
			t.Errorf("became %+v", a)
		}
		t.Skip("only root can become somebody else")
	}
	dir := t.TempDir()
	store := func(owner int) string {
		path := filepath.Join(dir, "data", string(rune('a'+owner)))
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chown(path, owner, owner)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sudo := map[string]string{"SUDO_USER": "seven", "SUDO_UID": "7", "SUDO_GID": "9"}
	for name, c := range map[string]struct {
		user, store string
		env         map[string]string
		uid, gid    int // 0: stays root
	}{
		"named by number":         {"1", store(2), sudo, 1, -1},
		"named root":              {"root", store(2), sudo, 0, 0},
		"owner of the store":      {"", store(2), sudo, 2, -1},
		"sudo, root's store":      {"", store(0), sudo, 7, 9},
		"sudo, no store":          {"", dir + "/none", sudo, 7, 9},
		"owner of where it goes":  {"", store(2) + "/deep/data", nil, 2, -1},
		"root's store":            {"", store(0), nil, 0, 0},
		"nothing but root's own":  {"", dir + "/none/data", nil, 0, 0},
		"somebody without a name": {"", store(20) + "/data", nil, 20, 20},
	} {
		var l config.Loaded
		l.Sensor.User, l.Store.Path = c.user, c.store
		a, err := chooseUser(&l, func(name string) string { return c.env[name] })
		if err != nil || (a.Identity == nil) != (c.uid == 0) || a.why == "" {
			t.Errorf("%s: %+v, %v", name, a, err)
		} else if a.Identity != nil && (a.UID != c.uid || c.gid >= 0 && a.GID != c.gid) {
			t.Errorf("%s: user %d, group %d", name, a.UID, a.GID)
		}
	}
	var l config.Loaded
	if l.Sensor.User = "nobody of this name"; l.Store.Path == "" {
		if _, err := chooseUser(&l, os.Getenv); err == nil || !strings.Contains(err.Error(), "sensor.user") {
			t.Errorf("an unknown user: %v", err)
		}
	}
}
