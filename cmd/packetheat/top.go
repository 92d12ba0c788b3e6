package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// topFlags are those of top beside window and filter.
type topFlags struct {
	limit   int
	sortBy  string
	asJSON  bool
	compare string // with which window; empty: with none
}

func (p *program) topCommand() *cobra.Command {
	var q question
	var f topFlags
	cmd := &cobra.Command{
		Use:   "top country|city|asn|ip|peer|port|proto",
		Short: "Print who most: countries, cities, networks, addresses, peers, ports, protocols",
		Long: `Print what a window's traffic adds up to by one property, the biggest first. In is what
the public endpoint sent, out is what it received. With --compare, what changed: new, gone,
grown and shrunk, the largest change first.`,
		Example: `  packetheat top country --last 24h
  packetheat top ip --at "tue 15:00" --filter 'port:22 opened:them'
  packetheat top port --filter 'opened:them opened:unanswered'
  packetheat top port --filter country:CN --json
  packetheat top asn --last 24h --compare last-week
  packetheat top sensor --fleet --last 7d`,
		Args:      oneOf(store.Dimensions()),
		ValidArgs: store.Dimensions(),
		RunE: func(cmd *cobra.Command, args []string) error {
			by, err := store.ParseDimension(args[0])
			if err != nil {
				return usageError{err}
			}
			if f.limit < 0 {
				return usagef("--limit %d is not possible: write 0 for all rows, or more", f.limit)
			}
			return p.top(cmd, &q, by, f)
		},
	}
	q.flags(cmd)
	q.fleetFlag(cmd)
	cmd.Flags().IntVarP(&f.limit, "limit", "n", 20, "`ROWS` to print, 0 for all")
	cmd.Flags().StringVar(&f.sortBy, "sort", "packets", "biggest by `packets|bytes|opens`")
	complete(cmd, "sort", "packets", "bytes", "opens")
	cmd.Flags().StringVar(&f.compare, "compare", "", compareHelp)
	complete(cmd, "compare", "before", "yesterday", "last-week")
	addJSON(cmd, &f.asJSON)
	return cmd
}

func (p *program) top(cmd *cobra.Command, q *question, by store.Dimension, f topFlags) (err error) {
	amount, err := amountOf(f.sortBy)
	if err != nil {
		return err
	}
	a, err := p.ask(cmd, q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if f.compare != "" {
		return p.topCompared(cmd.Context(), a, by, f, amount)
	}
	n := f.limit
	if f.sortBy != "packets" {
		n = 0 // the store's order is by packets
	}
	p.sayCoverage(&a.coverage, a.zone)
	top, err := a.Top(cmd.Context(), a.filter, by, n)
	if err != nil {
		return fmt.Errorf("sum by %s: %w", by, err)
	}
	if f.sortBy != "packets" {
		slices.SortStableFunc(top.Rows, func(x, y store.Row) int {
			return compareDown(amount(x.Total()), amount(y.Total()))
		})
		if f.limit > 0 {
			top.Rows = top.Rows[:min(f.limit, len(top.Rows))]
		}
	}
	tags, err := tagger(a.config, by)
	if err != nil {
		return err
	}
	if f.asJSON {
		return p.printJSON(topToJSON(a, &top, tags))
	}
	return p.printTop(&top, tags, amount)
}

// uncounted reports whether no row says how many addresses are behind it.
func uncounted(top *store.Top) bool {
	return len(top.Rows) > 0 && !slices.ContainsFunc(top.Rows, func(r store.Row) bool { return r.Addresses > 0 })
}

func compareDown(a, b uint64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// amountOf returns the function that takes one amount out of a sum.
func amountOf(name string) (func(store.Sum) uint64, error) {
	switch name {
	case "packets":
		return func(s store.Sum) uint64 { return s.Packets }, nil
	case "bytes":
		return func(s store.Sum) uint64 { return s.Bytes }, nil
	case "opens":
		return func(s store.Sum) uint64 { return s.Opens }, nil
	}
	return nil, usagef("--sort %q is not possible: use packets, bytes or opens", name)
}

func (p *program) printTop(top *store.Top, tags *store.Tagger, amount func(store.Sum) uint64) error {
	var t term.Table
	head := []string{top.By.String(), "", "network", ">packets", ">share", ">bytes", ">in", ">out", ">opens", ">addresses", "labels"}
	t.Head(head...)
	for i := range top.Rows {
		row := &top.Rows[i]
		name, label := rowNames(top.By, row)
		network := ""
		if row.ASN != 0 {
			network = strings.TrimSpace(fmt.Sprintf("AS%d %s", row.ASN, row.ASOrg))
		}
		total := row.Total()
		opens, addresses := "", ""
		if total.Opens > 0 {
			opens = term.Count(total.Opens)
		}
		if row.Addresses > 0 {
			addresses = term.Count(row.Addresses)
		}
		t.Row(name, label, network, term.Count(total.Packets), term.Share(amount(total), amount(top.Total)), term.Bytes(total.Bytes),
			term.Bytes(row.In.Bytes), term.Bytes(row.Out.Bytes), opens, addresses, strings.Join(tags.Row(top.By, row), ", "))
	}
	if _, err := t.WriteTo(p.out); err != nil {
		return err
	}
	if uncounted(top) {
		p.say("note: distinct addresses are not counted where there are too many, or where only sums are left: a shorter window has them")
	}
	if rest := top.Count - len(top.Rows); rest > 0 {
		p.say("%d more rows (-n 0 prints all)", rest)
	}
	if top.Count == 0 {
		p.say("no points match: try a longer window or a wider filter")
	}
	return nil
}

// rowNames returns what stands in the first two columns.
func rowNames(by store.Dimension, row *store.Row) (name, label string) {
	name, label = row.Key, row.Label
	switch by {
	case store.ByIP:
		label = placeName(row.Place)
	case store.ByASN:
		if name != "" {
			name = "AS" + strings.TrimPrefix(name, "AS")
		}
	case store.ByPort:
		if name != "" {
			name += "/" + store.ProtoName(row.Proto)
		}
	case store.ByCity, store.ByPlace:
		if label == "" {
			label = placeName(row.Place)
		}
	}
	if label == name || label == row.Key {
		label = ""
	}
	if name == "" {
		name = "–" // the field is missing: unlocated, no port …
	}
	return name, label
}

// placeName returns "City, Country", as much of it as is known.
func placeName(p store.Place) string {
	var parts []string
	for _, part := range []string{p.City, p.Country} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if p.City == "" && p.Region != "" {
		parts = append([]string{p.Region}, parts...)
	}
	return strings.Join(parts, ", ")
}

// topJSON and rowJSON are what "top --json" prints.
type topJSON struct {
	By     string     `json:"by"`
	Window windowJSON `json:"window"`
	Filter string     `json:"filter"`
	Total  store.Sum  `json:"total"`
	Count  int        `json:"count"` // of all rows
	Rows   []rowJSON  `json:"rows"`
}

type rowJSON struct {
	Key       string    `json:"key"`
	Label     string    `json:"label,omitempty"`
	Protocol  string    `json:"protocol,omitempty"`
	Packets   uint64    `json:"packets"`
	Bytes     uint64    `json:"bytes"`
	Opens     uint64    `json:"opens"`
	In        store.Sum `json:"in"`
	Out       store.Sum `json:"out"`
	Addresses uint64    `json:"addresses,omitempty"`
	Country   string    `json:"country,omitempty"`
	City      string    `json:"city,omitempty"`
	Latitude  *float64  `json:"latitude,omitempty"`
	Longitude *float64  `json:"longitude,omitempty"`
	ASN       uint32    `json:"asn,omitempty"`
	ASOrg     string    `json:"as_org,omitempty"`
	Labels    []string  `json:"labels,omitempty"` // of an address, a peer or an AS
	First     string    `json:"first,omitempty"`
	Last      string    `json:"last,omitempty"`
}

func topToJSON(a *asked, top *store.Top, tags *store.Tagger) topJSON {
	out := topJSON{By: top.By.String(), Window: windowToJSON(a.shown()), Filter: a.filter.String(),
		Total: top.Total, Count: top.Count, Rows: []rowJSON{}}
	for i := range top.Rows {
		r := &top.Rows[i]
		total := r.Total()
		row := rowJSON{Key: r.Key, Label: r.Label, Packets: total.Packets, Bytes: total.Bytes, Opens: total.Opens,
			In: r.In, Out: r.Out, Addresses: r.Addresses,
			Country: r.Place.Country, City: r.Place.City, ASN: r.ASN, ASOrg: r.ASOrg,
			First: timeJSON(r.First), Last: timeJSON(r.Last)}
		row.Labels = tags.Row(top.By, r)
		if top.By == store.ByPort && r.Key != "" {
			row.Protocol = store.ProtoName(r.Proto)
		}
		if r.Place.HasCoordinates() {
			row.Latitude, row.Longitude = &r.Place.Latitude, &r.Place.Longitude
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
