package store

import (
	"slices"
	"testing"
)

// TestRowID: by place, rows of what is known to countries only differ by their country,
// and nothing else tells rows by it.
func TestRowID(t *testing.T) {
	var nowhere, us, br Row
	us.CountryOnly("US")
	br.CountryOnly("BR")
	paris := Row{Key: "48.8534,2.3488", Place: Place{Country: "FR", City: "Paris"}}
	renamed := Row{Key: paris.Key, Place: Place{Country: "FR", City: "Parigi"}}
	for _, c := range []struct {
		what string
		by   Dimension
		a, b Row
		same bool
	}{
		{"two countries", ByPlace, us, br, false}, {"one country", ByPlace, us, us, true}, {"no country", ByPlace, us, nowhere, false},
		{"a place by another name", ByPlace, paris, renamed, true}, {"no AS, of one country and of several", ByASN, us, nowhere, true},
		{"a port of two protocols", ByPort, Row{Key: "53", Proto: 6}, Row{Key: "53", Proto: 17}, false},
	} {
		if same := c.a.ID(c.by) == c.b.ID(c.by); same != c.same {
			t.Errorf("%s: the same row: %v", c.what, same)
		}
	}
	if us.Label != "US (country only)" || us.Key != "" {
		t.Errorf("%+v", us)
	}
}

// TestSortCountries: rows without a key are in an order, too.
func TestSortCountries(t *testing.T) {
	row := func(key, country string, proto uint8) Row {
		return Row{Key: key, Proto: proto, Place: Place{Country: country}, In: Sum{Packets: 2}}
	}
	want := []Row{row("", "", 0), row("", "BR", 0), row("", "US", 0), row("53", "", 6), row("53", "", 17)}
	for turn := range want {
		rows := slices.Concat(want[turn:], want[:turn])
		SortRows(rows)
		if !slices.Equal(rows, want) {
			t.Errorf("turned by %d: %+v", turn, rows)
		}
	}
}
