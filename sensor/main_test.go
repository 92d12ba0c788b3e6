package sensor

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more parallel tests run than there are cores: those of live runs
// mostly wait for ticks.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("6")
	}
	os.Exit(m.Run())
}
