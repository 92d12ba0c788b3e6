//go:build cgo

package privilege

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestBecome gives up everything, as another user and as the same, and looks at every
// thread of what it has become.
func TestBecome(t *testing.T) {
	mayCapture(t)
	for _, role := range []string{"become nobody", "become ourselves"} {
		t.Run(role, func(t *testing.T) {
			uid := os.Geteuid()
			if role == "become nobody" {
				if uid != 0 {
					t.Skip("only root can become somebody else")
				}
				uid = nobody.UID
			}
			r, said, err := play(t, role)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if r.UID != uid || len(r.Capabilities) > 0 || !r.NoNewPrivs || r.Threads < 2 {
				t.Errorf("it is %+v", r.State)
			}
			if !slices.Equal(r.Opener.Capabilities, []string{"CAP_NET_RAW"}) || r.Opener.UID != uid || !r.Opener.NoNewPrivs {
				t.Errorf("its opener is %+v", r.Opener)
			}
			if r.Sockets != 3 || r.File != "handed on, a note" {
				t.Errorf("it got %d sockets, and a file that says %q", r.Sockets, r.File)
			}
			want := []string{"exec"}
			if uid == 0 { // root's files are its own
				want = append(want, "shadow")
			}
			slices.Sort(r.Possible)
			slices.Sort(want)
			if !slices.Equal(r.Possible, want) {
				t.Errorf("it could %q, want %q", r.Possible, want)
			}
		})
	}
}

// TestInheritNonsense: the variable is not for users.
func TestInheritNonsense(t *testing.T) {
	for _, said := range []string{"", "opener", "opener=x,pid=1", "pid=1", "opener=900,pid=1"} {
		if in, err := inherit(said); err == nil {
			t.Errorf("%q: %+v", said, in)
		}
	}
}

// TestTry tries what nobody may; the rest of the process goes on as it was.
func TestTry(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	read := func() error { _, err := os.ReadFile("/etc/shadow"); return err }
	if err := Try(nobody, read); !errors.Is(err, os.ErrPermission) {
		t.Errorf("as nobody: %v", err)
	}
	if err := read(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	dir := t.TempDir() // root's own: but what others own is not root's without capabilities
	if err := os.Chown(dir, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := Try(nil, func() error { return os.WriteFile(dir+"/x", nil, 0o600) }); !errors.Is(err, os.ErrPermission) {
		t.Errorf("as root without capabilities: %v", err)
	}
}

func TestParseStatus(t *testing.T) {
	const text = "Name:\tx\nUid:\t1\t2\t3\t4\nCapInh:\tffffffffffffffff\nCapPrm:\t0000000000002000\nCapEff:\t0000000000000001\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
	got, err := parseStatus([]byte(text))
	if err != nil || got != (thread{2, 0x2001, true, true}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "Uid:\t1\n", strings.Replace(text, "2000", "x", 1)} {
		if got, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
	if got := (State{User: "ann", Capabilities: names(1<<13 | 1<<50), NoNewPrivs: true}).String(); got != "user ann, CAP_NET_RAW, capability 50, no new privileges, NOT system calls filtered" {
		t.Error(got)
	}
}
