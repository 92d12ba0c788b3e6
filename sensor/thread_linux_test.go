package sensor

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNameThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := func() string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", unix.Gettid()))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(string(text), "\n")
	}
	before := name()
	for given, want := range map[string]string{"shard-7": "shard-7", "a name that is too long": "a name that is "} {
		restore := nameThread(given)
		if got := name(); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
		if restore(); name() != before {
			t.Errorf("restored to %q, want %q", name(), before)
		}
	}
}
