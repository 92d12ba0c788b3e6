package clickhouse

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

// severalDays ships some batches of each of five days, of ten-minute edges and others.
func severalDays(t *testing.T, s *Store) {
	t.Helper()
	var list []*store.Batch
	for day := range 5 {
		for i := range 3 {
			list = append(list, someBatch("gw1", noon.AddDate(0, 0, day).Add(time.Duration(i)*1300*time.Second), 0, 12+day))
		}
	}
	appendAll(t, s, "o", list...)
}

// testProgress: what comes early is a part of the answer, and grows; the answer is that
// of Cells.
func testProgress(t *testing.T, s *Store) {
	severalDays(t, s)
	for text, early := range map[string]bool{"": !s.caps.Tokens, "ip:203.0.113.0/24": true, "port:0-65535 asn:1-4294967295": true, "opened:unanswered": false, "-city:Sydney": !s.caps.Tokens} {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		f.Window = store.Window{From: noon.Add(time.Minute), To: noon.AddDate(0, 0, 4).Add(700 * time.Second)}
		want, err := s.Cells(t.Context(), f, 0)
		if err != nil || len(want) == 0 && text != "opened:unanswered" {
			t.Fatalf("%q: %d cells, %v", text, len(want), err)
		}
		parts, packets, share := 0, uint64(0), 0.
		got, err := s.CellsProgress(t.Context(), f, 0, 0, func(cells []store.Cell, done float64) {
			var sum store.Sum
			for _, c := range cells {
				sum.Add(c.Sum)
			}
			if sum.Packets < packets || done <= share || done >= 1 {
				t.Errorf("%q: %d packets at %v after %d at %v", text, sum.Packets, done, packets, share)
			}
			parts, packets, share = parts+1, sum.Packets, done
		})
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%q: %v, -Cells +CellsProgress %s", text, err, diff)
		}
		if early && parts < 4 {
			t.Errorf("%q: it came in %d parts", text, 1+parts)
		}
		stepped, err := s.CellsProgress(t.Context(), f, time.Hour, 0, func([]store.Cell, float64) { t.Error("bins come as a whole") })
		if again, e := s.Cells(t.Context(), f, time.Hour); err != nil || e != nil || gocmp.Diff(again, stepped) != "" {
			t.Errorf("%q by hours: %v, %v", text, err, e)
		}
	}
}

// testUncounted: tops that sums answer are those that points answer, but for the number of
// addresses, which is 0: not counted.
func testUncounted(t *testing.T, s *Store) {
	severalDays(t, s)
	for i := range store.Dimensions() {
		by := store.Dimension(i)
		for _, text := range []string{"", "country:AU,BR -dir:in"} {
			f, err := store.ParseFilter(text)
			if err != nil {
				t.Fatal(err)
			}
			f.Window = store.Window{From: noon.Add(time.Minute), To: noon.AddDate(0, 0, 4)}
			s.counted = mostCounted
			want, err := s.Top(t.Context(), f, by, 3)
			if err != nil || len(want.Rows) == 0 {
				t.Fatalf("%s %q: %+v, %v", by, text, want, err)
			}
			s.counted = 0
			got, err := s.Top(t.Context(), f, by, 3)
			what := fmt.Sprintf("top by %s, %q", by, text)
			byPoints := by == store.ByIP || by == store.ByPeer
			for i := range want.Rows {
				if want.Rows[i].Addresses == 0 || i < len(got.Rows) && (got.Rows[i].Addresses > 0) != byPoints {
					t.Errorf("%s: addresses of %+v, and of %+v", what, want.Rows[i], got.Rows[i])
				}
			}
			if diff := gocmp.Diff(want, got, cmpopts.IgnoreFields(store.Row{}, "Addresses")); diff != "" || err != nil {
				t.Errorf("%s: %v, -points +sums %s", what, err, diff)
			}
		}
	}
	s.counted = mostCounted
}
