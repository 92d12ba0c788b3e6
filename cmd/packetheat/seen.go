package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
