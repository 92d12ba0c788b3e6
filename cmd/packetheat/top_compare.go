package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// topCompared prints what changed between the asked window and another.
func (p *program) topCompared(ctx context.Context, a *asked, by store.Dimension, f topFlags, amount func(store.Sum) uint64) error {
	c, err := p.compared(ctx, a, by, f.compare)
	if err != nil {
		return err
	}
	c.sort(amount)
	count := len(c.rows)
	if f.limit > 0 {
		c.rows = c.rows[:min(f.limit, count)]
	}
	tags, err := tagger(a.config, by)
	if err != nil {
		return err
	}
	if f.asJSON {
		return p.printJSON(comparisonToJSON(a, c, by, count, tags, amount))
	}
	if err := p.printCompared(c, by, f.sortBy, tags, amount); err != nil {
		return err
	}
	switch rest := count - len(c.rows); {
	case count == 0:
		p.say("no points match in either window: try longer ones or a wider filter")
	case rest > 0:
		p.say("%d more rows (-n 0 prints all)", rest)
	}
	return nil
}

// compared asks for both windows, and says on standard error what is compared.
func (p *program) compared(ctx context.Context, a *asked, by store.Dimension, with string) (*comparison, error) {
	c := &comparison{now: a.shown()}
	if w := a.filter.Window; w.From.IsZero() && w.To.IsZero() && !strings.Contains(with, "/") {
		return nil, usagef("--compare %s needs a window to begin with: add one, for example --last 24h", with)
	}
	var err error
	if c.before, err = comparedWindow(with, c.now, time.Now()); err != nil {
		return nil, err
	}
	p.say("compared with: %s", c.before)
	other := a.filter
	other.Window = c.before
	covered, err := a.Coverage(ctx, c.before)
	if err != nil {
		return nil, fmt.Errorf("read coverage of the window compared with: %w", err)
	}
	p.sayCoverage(&a.coverage, a.zone)
	if line := coverageLine(&covered, a.zone); line != "" {
		p.say("coverage of the window compared with: %s", line)
	}
	c.nowOn, c.beforeOn = onTime(&a.coverage, c.now), onTime(&covered, c.before)
	if c.nowOn == 0 || c.beforeOn == 0 {
		w := c.before
		if c.nowOn == 0 {
			w = c.now
		}
		const clock = "2006-01-02 15:04:05 MST"
		return nil, fmt.Errorf("nothing to compare with: no sensor was on from %s to %s; the store has data from %s to %s: choose windows in it",
			w.From.Format(clock), w.To.Format(clock), a.coverage.First.In(a.zone).Format(clock), a.coverage.Last.In(a.zone).Format(clock))
	}
	c.scale = fairScale(c.nowOn, c.beforeOn, a.coverage.Tick)
	now, err := a.Top(ctx, a.filter, by, 0)
	if err != nil {
		return nil, fmt.Errorf("sum by %s: %w", by, err)
	}
	before, err := a.Top(ctx, other, by, 0)
	if err != nil {
		return nil, fmt.Errorf("sum the window compared with by %s: %w", by, err)
	}
	c.join(&now, &before)
	for _, line := range c.caveats() {
		p.say("compare: %s", line)
	}
	return c, nil
}

func (p *program) printCompared(c *comparison, by store.Dimension, what string, tags *store.Tagger, amount func(store.Sum) uint64) error {
	show := term.Count
	if what == "bytes" {
		show = term.Bytes
	}
	var t term.Table
	t.Head(by.String(), "", "network", ">"+what+" before", ">now", ">change", ">", "labels")
	for i := range c.rows {
		r := &c.rows[i]
		name, label := rowNames(by, &r.row)
		network := ""
		if r.row.ASN != 0 {
			network = strings.TrimSpace(fmt.Sprintf("AS%d %s", r.row.ASN, r.row.ASOrg))
		}
		t.Row(name, label, network, show(amount(r.before)), show(amount(r.now)), signed(r.by(amount, c.scale), show),
			r.inWords(amount, c.scale), strings.Join(tags.Row(by, &r.row), ", "))
	}
	_, err := t.WriteTo(p.out)
	return err
}

// signed is +1.20 k, −3 or 0.
func signed(by float64, show func(uint64) string) string {
	switch n := math.Round(by); {
	case n > 0:
		return "+" + show(uint64(n))
	case n < 0:
		return "−" + show(uint64(-n))
	}
	return "0"
}

// inWords is new, gone, or by how much: +40 %, −12 %, ×3.1.
func (c *change) inWords(amount func(store.Sum) uint64, scale float64) string {
	state := c.state(amount, scale)
	before, now := scale*float64(amount(c.before)), float64(amount(c.now))
	switch {
	case state == "new" || state == "gone" || before == 0:
		return state
	case now >= 3*before:
		return fmt.Sprintf("×%.3g", now/before)
	case state == "same":
		return ""
	}
	percent := max(-99, 100*(now/before-1)) // what is left is not nothing
	return strings.Replace(fmt.Sprintf("%+.0f %%", percent), "-", "−", 1)
}

// comparisonJSON and changeJSON are what "top --compare --json" prints. A change is now
// less scale times before, rounded.
type comparisonJSON struct {
	By     string     `json:"by"`
	Window windowJSON `json:"window"`
	Before windowJSON `json:"before"`
	Filter string     `json:"filter"`
	OnNow  float64    `json:"on_seconds_now"` // some sensor was on
	OnThen float64    `json:"on_seconds_before"`
	Scale  float64    `json:"scale"`
	Total  amountsNow `json:"total"`
	Count  int        `json:"count"` // of all rows
	Rows   []changeOf `json:"rows"`
}

type amountsNow struct {
	Before store.Sum `json:"before"`
	Now    store.Sum `json:"now"`
	Change signedSum `json:"change"`
}

type signedSum struct {
	Packets int64 `json:"packets"`
	Bytes   int64 `json:"bytes"`
	Opens   int64 `json:"opens"`
}

type changeOf struct {
	Key      string `json:"key"`
	Label    string `json:"label,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	State    string `json:"state"` // new, gone, grown, shrunk or same
	amountsNow
	Country string   `json:"country,omitempty"`
	City    string   `json:"city,omitempty"`
	ASN     uint32   `json:"asn,omitempty"`
	ASOrg   string   `json:"as_org,omitempty"`
	Labels  []string `json:"labels,omitempty"`
}

func (c *change) amounts(scale float64) amountsNow {
	less := func(now, before uint64) int64 { return int64(math.Round(float64(now) - scale*float64(before))) }
	return amountsNow{Before: c.before, Now: c.now, Change: signedSum{less(c.now.Packets, c.before.Packets),
		less(c.now.Bytes, c.before.Bytes), less(c.now.Opens, c.before.Opens)}}
}

func comparisonToJSON(a *asked, c *comparison, by store.Dimension, count int, tags *store.Tagger, amount func(store.Sum) uint64) comparisonJSON {
	out := comparisonJSON{By: by.String(), Window: windowToJSON(c.now), Before: windowToJSON(c.before), Filter: a.filter.String(),
		OnNow: c.nowOn.Seconds(), OnThen: c.beforeOn.Seconds(), Scale: c.scale, Total: c.total.amounts(c.scale), Count: count, Rows: []changeOf{}}
	for i := range c.rows {
		r := &c.rows[i]
		row := changeOf{Key: r.row.Key, Label: r.row.Label, State: r.state(amount, c.scale), amountsNow: r.amounts(c.scale),
			Country: r.row.Place.Country, City: r.row.Place.City, ASN: r.row.ASN, ASOrg: r.row.ASOrg, Labels: tags.Row(by, &r.row)}
		if by == store.ByPort && r.row.Key != "" {
			row.Protocol = store.ProtoName(r.row.Proto)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
