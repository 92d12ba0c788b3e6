package main

import (
	"net/netip"
	"slices"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// askedRow is one thing that was asked for, and what was seen of it.
type askedRow struct {
	asked netip.Prefix
	rows  []sqlite.SeenAddress // the most packets first
	sum   sqlite.SeenAddress   // all of them
}

// match gives each thing that was asked for its rows.
func (a *seenAnswer) match(list []netip.Prefix) []askedRow {
	slices.SortFunc(a.Rows, func(x, y sqlite.SeenAddress) int { return x.Addr.Addr().Unmap().Compare(y.Addr.Addr().Unmap()) })
	var networks []int // rows that are none of single addresses, of which there are few
	for i := range a.Rows {
		if !a.Rows[i].Addr.IsSingleIP() {
			networks = append(networks, i)
		}
	}
	found := make([]askedRow, len(list))
	for i, n := range list {
		f := &found[i]
		f.asked = n
		at, _ := slices.BinarySearchFunc(a.Rows, n.Addr().Unmap(), func(r sqlite.SeenAddress, low netip.Addr) int { return r.Addr.Addr().Unmap().Compare(low) })
		for ; at < len(a.Rows) && holds(n, a.Rows[at].Addr.Addr()); at++ {
			if a.Rows[at].Addr.IsSingleIP() {
				f.add(&a.Rows[at])
			}
		}
		for _, at := range networks {
			if n.Overlaps(a.Rows[at].Addr.Masked()) {
				f.add(&a.Rows[at])
			}
		}
		slices.SortStableFunc(f.rows, func(x, y sqlite.SeenAddress) int { return compareDown(x.Packets, y.Packets) })
	}
	return found
}

// holds reports whether an address lies in a network, in one form or the other.
func holds(n netip.Prefix, a netip.Addr) bool { return n.Contains(a) || n.Contains(a.Unmap()) }

func (f *askedRow) add(r *sqlite.SeenAddress) {
	f.rows = append(f.rows, *r)
	if len(f.rows) == 1 {
		f.sum = *r
		return
	}
	joinSeen(&f.sum, r)
}

// print writes a table. Of a list, only what was seen.
func (a *seenAnswer) print(p *program, found []askedRow, list bool) error {
	var t term.Table
	t.Head("address", "seen as", "first", "last", ">packets", ">bytes", ">opens")
	at := func(x time.Time) string { return x.In(a.zone).Format("2006-01-02 15:04:05 MST") }
	seen, more := 0, 0
	for i := range found {
		f := &found[i]
		name := store.PrefixString(f.asked)
		if len(f.rows) == 0 {
			if !list {
				t.Row(name, "", "not seen")
			}
			continue
		}
		seen++
		rows := f.rows
		if a.limit > 0 && len(rows) > a.limit {
			more += len(rows) - a.limit
			rows = rows[:a.limit]
		}
		for _, r := range rows {
			as := store.PrefixString(r.Addr)
			if r.Addr == f.asked {
				as = ""
			}
			opens := ""
			if r.Opens > 0 {
				opens = term.Count(r.Opens)
			}
			t.Row(name, as, at(r.First), at(r.Last), term.Count(r.Packets), term.Bytes(r.Bytes), opens)
			name = ""
		}
	}
	if !list || seen > 0 {
		if _, err := t.WriteTo(p.out); err != nil {
			return err
		}
	}
	if more > 0 {
		p.say("%d more addresses of these networks (-n 0 prints all)", more)
	}
	if list {
		p.say("%d of %d were seen", seen, len(found))
	}
	return nil
}

// seenJSON is what "seen --json" prints.
type seenJSON struct {
	Window  windowJSON    `json:"window"` // that is known about
	Asked   int           `json:"asked"`
	Seen    int           `json:"seen"`
	Damaged uint64        `json:"damaged_days"`
	Cut     bool          `json:"incomplete"` // a day had more addresses than are kept
	List    []seenRowJSON `json:"list"`
}

type seenRowJSON struct {
	Asked     string            `json:"asked"`
	Seen      bool              `json:"seen"`
	First     string            `json:"first,omitempty"`
	Last      string            `json:"last,omitempty"`
	Packets   uint64            `json:"packets"`
	Bytes     uint64            `json:"bytes"`
	Opens     uint64            `json:"opens"`
	Addresses []seenAddressJSON `json:"addresses,omitempty"` // where it is not the one that was asked for
}

type seenAddressJSON struct {
	Address string `json:"address"`
	First   string `json:"first"`
	Last    string `json:"last"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Opens   uint64 `json:"opens"`
}

func (a *seenAnswer) json(found []askedRow) seenJSON {
	out := seenJSON{Window: windowToJSON(a.Window), Asked: len(found), Damaged: a.Damaged, Cut: a.Cut, List: []seenRowJSON{}}
	for i := range found {
		f := &found[i]
		row := seenRowJSON{Asked: store.PrefixString(f.asked), Seen: len(f.rows) > 0}
		if row.Seen {
			out.Seen++
			row.First, row.Last = timeJSON(f.sum.First), timeJSON(f.sum.Last)
			row.Packets, row.Bytes, row.Opens = f.sum.Packets, f.sum.Bytes, f.sum.Opens
		}
		if len(f.rows) > 1 || row.Seen && f.rows[0].Addr != f.asked {
			for _, r := range f.rows {
				row.Addresses = append(row.Addresses, seenAddressJSON{store.PrefixString(r.Addr), timeJSON(r.First), timeJSON(r.Last), r.Packets, r.Bytes, r.Opens})
			}
		}
		out.List = append(out.List, row)
	}
	return out
}
