package netdev

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0
eth0.5:18446744073709551615 6 0 0 0 0 0 0 7 8 0 0 0 0 0 0
`

func TestParse(t *testing.T) {
	got, err := parse(strings.NewReader(table))
	want := map[string]Counters{
		"lo":     {BytesIn: 100, PacketsIn: 2, BytesOut: 300, PacketsOut: 4},
		"eth0.5": {BytesIn: 1<<64 - 1, PacketsIn: 6, BytesOut: 7, PacketsOut: 8},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, bad := range []string{"eth0: 1 2 3", "eth0: x 2 3 4 5 6 7 8 9 10"} {
		if _, err := parse(strings.NewReader("\n\n" + bad + "\n")); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestRates(t *testing.T) {
	before := map[string]Counters{"a": {BytesIn: 100, PacketsIn: 10}, "gone": {}, "again": {BytesOut: 50}}
	after := map[string]Counters{"a": {BytesIn: 300, PacketsIn: 14, BytesOut: 6, PacketsOut: 2}, "new": {BytesIn: 1}, "again": {BytesOut: 10}}
	want := map[string]Rates{"a": {PacketsIn: 2, PacketsOut: 1, BytesIn: 100, BytesOut: 3}, "again": {}}
	if diff := cmp.Diff(want, rates(before, after, 2)); diff != "" {
		t.Error(diff)
	}
}
