package sqlite

import (
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestCheckMonths damages the sums of months in two ways, and has them repaired.
func TestCheckMonths(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 902)
	s := p.tiered
	find := func(name string, rewrite bool, wrong, fixed int64, text string) {
		t.Helper()
		c := checked(t, s, rewrite)
		if c.Wrong != wrong || c.Fixed != fixed {
			t.Fatalf("%s: %d wrong, %d fixed, want %d, %d: %+v", name, c.Wrong, c.Fixed, wrong, fixed, c.Findings)
		}
		for _, f := range c.Findings {
			if f.Where != "month" || f.Text != text || f.Sensor == "" || f.Length.Hours() != 30*24 {
				t.Errorf("%s: %+v, want a month and %q", name, f, text)
			}
		}
	}
	all := monthsRead(t, s, store.Filter{}, 0)
	find("right", false, 0, 0, "")
	execute(t, s, "UPDATE months SET sums = substr(sums, 1, length(sums) - 1) || x'2a' WHERE start = 0 AND sensor = 1")
	find("damaged", false, 1, 0, "its sums are damaged")
	find("damaged", true, 0, 1, "its sums are damaged")
	find("repaired", false, 0, 0, "")
	if n := monthsRead(t, s, store.Filter{}, 0); n != all-1 {
		t.Errorf("%d months are read after the repair, want %d", n, all-1)
	}
	s.maint.months = true
	p.maintain(false)
	if n := monthsRead(t, s, store.Filter{}, 0); n != all {
		t.Errorf("%d months are read after maintenance, want %d", n, all)
	}
	execute(t, s, "UPDATE months SET sums = other.sums, times = other.times FROM months AS other WHERE months.start = 0 AND months.sensor = 1 AND other.start = 0 AND other.sensor = 2")
	find("of another", true, 0, 1, "it is not what its days add up to")
	find("repaired again", false, 0, 0, "")
	p.askLong(s, "repaired")
}
