package clickhouse

import (
	"fmt"
	"os"
	"testing"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// servers are those that tests share.
var servers chtest.Pool

func TestMain(m *testing.M) {
	code := m.Run()
	if err := servers.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}
