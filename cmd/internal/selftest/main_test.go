package selftest

import (
	"testing"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// servers are those that tests share.
var servers chtest.Pool

func TestMain(m *testing.M) { servers.Main(m) }
