package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// seenFlags are those of seen beside the window.
type seenFlags struct {
	folders []string
	list    string
	limit   int
	asJSON  bool
}

func (p *program) seenCommand() *cobra.Command {
	var q question
	var f seenFlags
	cmd := &cobra.Command{
		Use:   "seen ADDRESS…",
		Short: "Say whether addresses or networks were ever seen, and when",
		Long: `Say for each address or network whether it was ever a public end of traffic, when first
and last, and with how much: from the points, and from the lines a day that outlive them
(store.retention.addresses). Where the points are gone a window counts in whole days (UTC).

-f reads a list: an address or network a line, what follows on the line is not read, # begins
a comment, - is standard input. Of a list only those are printed that were seen; --json has
all. Addresses that are stored as networks (masked or folded) are found by any address of
theirs.`,
		Example: `  packetheat seen 203.0.113.7 2001:db8::/32
  packetheat seen -f blocklist.txt --last 1y
  packetheat seen -f - --json < incident.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && f.list == "" {
				return usagef("seen what? name addresses or networks, or a file of them with -f")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.limit < 0 {
				return usagef("--limit %d is not possible: write 0 for all rows, or more", f.limit)
			}
			return p.seen(cmd, &q, &f, args)
		},
	}
	q.windowFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.folders, "data", nil, "folder of a store, `DIR` (repeatable; configuration: store.path, default data)")
	flags.StringVarP(&f.list, "file", "f", "", "read addresses and networks from `FILE`, - is standard input")
	flags.IntVarP(&f.limit, "limit", "n", 20, "`ROWS` to print of each network, 0 for all")
	addJSON(cmd, &f.asJSON)
	return cmd
}

func (p *program) seen(cmd *cobra.Command, q *question, f *seenFlags, args []string) error {
	c, err := p.load(cmd, "data", "out")
	if err != nil {
		return err
	}
	filter, zone, err := q.resolve(time.Now(), nil)
	if err != nil {
		return err
	}
	list, err := p.askedFor(args, f.list)
	if err != nil {
		return err
	}
	if len(f.folders) == 0 {
		f.folders = []string{c.Store.Path}
	}
	answer, err := p.seenIn(cmd.Context(), f.folders, list, filter.Window)
	if err != nil {
		return err
	}
	answer.zone, answer.limit = zone, f.limit
	p.sayKnown(answer)
	found := answer.match(list)
	if f.asJSON {
		return p.printJSON(answer.json(found))
	}
	return answer.print(p, found, f.list != "")
}

// mostAsked bounds a list: more is a mistake, or a question for export.
const mostAsked = 1 << 20

// askedFor reads what is asked for, in the order of arguments and file.
func (p *program) askedFor(args []string, name string) (list []netip.Prefix, err error) {
	for _, arg := range args {
		n, err := parsePrefix(arg)
		if err != nil {
			return nil, usageError{err}
		}
		list = append(list, n)
	}
	if name == "" {
		return list, nil
	}
	in := p.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		defer file.Close()
		in = file
	}
	more, err := readAddresses(in)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	if list = append(list, more...); len(list) == 0 {
		return nil, fmt.Errorf("read %q: there is no address in it", name)
	}
	return list, nil
}

// readAddresses reads the first word of each line.
func readAddresses(in io.Reader) (list []netip.Prefix, err error) {
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\ufeff"), "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' || r == '\r' })
		if len(words) == 0 {
			continue
		}
		p, err := parsePrefix(words[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if list = append(list, p); len(list) > mostAsked {
			return nil, fmt.Errorf("line %d: that is more than %d addresses: ask in parts", n, mostAsked)
		}
	}
	return list, lines.Err()
}

// parsePrefix reads an address or a network.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	return netip.Prefix{}, fmt.Errorf("%q is no address or network: write 1.2.3.4, 1.2.3.0/24 or 2001:db8::/32", text)
}

// seenAnswer is the answer of one or several stores.
type seenAnswer struct {
	sqlite.Seen
	zone  *time.Location
	limit int
	off   []string // when nobody looked
}

// seenIn asks every store and adds up what they say about the same address.
func (p *program) seenIn(ctx context.Context, folders []string, list []netip.Prefix, w store.Window) (*seenAnswer, error) {
	all := &seenAnswer{}
	rows := map[netip.Prefix]int{}
	for _, dir := range folders {
		s, err := p.openStore(dir)
		if err != nil {
			return nil, err
		}
		one, err := s.Seen(ctx, list, w)
		if errors.Is(err, sqlite.ErrTooMany) {
			err = errors.New("more than a million addresses match: ask for smaller networks or a shorter window")
		}
		var coverage store.Coverage
		if err == nil {
			coverage, err = s.Coverage(ctx, one.Window)
		}
		if err = errors.Join(err, s.Close()); err != nil {
			return nil, err
		}
		if !one.Window.From.IsZero() {
			all.off = append(all.off, offParts(&coverage)...)
			if all.Window.From.IsZero() || one.Window.From.Before(all.Window.From) {
				all.Window.From = one.Window.From
			}
			if one.Window.To.After(all.Window.To) {
				all.Window.To = one.Window.To
			}
		}
		all.Damaged, all.Cut = all.Damaged+one.Damaged, all.Cut || one.Cut
		for _, r := range one.Rows {
			at, known := rows[r.Addr]
			if !known {
				rows[r.Addr] = len(all.Rows)
				all.Rows = append(all.Rows, r)
				continue
			}
			joinSeen(&all.Rows[at], &r)
		}
	}
	return all, nil
}

// joinSeen adds to a row what another says.
func joinSeen(r, o *sqlite.SeenAddress) {
	if o.First.Before(r.First) {
		r.First = o.First
	}
	if o.Last.After(r.Last) {
		r.Last = o.Last
	}
	r.Sum.Add(o.Sum)
}

// sayKnown says what the answer covers.
func (p *program) sayKnown(a *seenAnswer) {
	if a.Window.From.IsZero() {
		p.say("nothing is known of this window: no addresses were stored then, or they have been given up (store.retention)")
		return
	}
	p.say("known: %s", store.Window{From: a.Window.From.In(a.zone), To: a.Window.To.In(a.zone)})
	if len(a.off) > 0 {
		p.say("coverage: %s", strings.Join(a.off, ", "))
	}
	if a.Damaged > 0 {
		p.say("warning: %s damaged and left out (packetheat db check)", counted64(int64(a.Damaged), "day is", "days are"))
	}
	if a.Cut {
		p.say("warning: a day had more addresses than are kept: who is not listed may have been there")
	}
}

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
