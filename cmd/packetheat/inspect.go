package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export/page"
)

func (p *program) inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE.html",
		Short: "List what a page tells: window, addresses, peers, names, size",
		Long: `List what a page that was exported carries, before it is handed on: the window, how many
addresses, peers and networks, which names, and what its bytes are. Nothing is asked but
the file. (packetheat export html --mask makes a page for others.)`,
		Example: `  packetheat inspect map.html
  packetheat inspect map.html --json | jq .addresses`,
		Args: oneName("one page: packetheat inspect FILE.html"),
		RunE: func(_ *cobra.Command, args []string) error { return p.inspect(args[0], asJSON) },
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// inspected is what "inspect --json" prints. Lists are empty, never null.
type inspected struct {
	File    string `json:"file"`
	Bytes   int    `json:"bytes"`
	Version string `json:"version"` // of the packetheat that wrote it
	Written string `json:"written,omitempty"`
	From    string `json:"from"`
	To      string `json:"to"`
	Step    int    `json:"step"` // seconds of a time bin
	Filter  string `json:"filter,omitempty"`
	Command string `json:"command,omitempty"`
	Detail  string `json:"detail"`

	Packets   uint64 `json:"packets"`
	WireBytes uint64 `json:"wire_bytes"`
	Rows      int    `json:"rows"`
	Places    int    `json:"places"`    // with coordinates
	Countries int    `json:"countries"` //
	Addresses int    `json:"addresses"` // distinct ones, whole
	Networks  int    `json:"networks"`  // addresses that were folded or masked
	Peers     int    `json:"peers"`
	Ports     int    `json:"ports"`
	Systems   int    `json:"as"`

	Sensor string     `json:"sensor"`
	Title  string     `json:"title,omitempty"`
	Note   string     `json:"note,omitempty"`
	Labels []string   `json:"labels"`
	Home   *page.Home `json:"home,omitempty"`
	Geo    []string   `json:"geo"` // databases
	Parts  []partJSON `json:"parts"`
}

type partJSON struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

func (p *program) inspect(name string, asJSON bool) error {
	file, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	s, err := page.Read(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	i := inspectPage(s)
	i.File, i.Bytes = name, len(file)
	if asJSON {
		return p.printJSON(i)
	}
	return p.printInspected(i)
}

// inspectPage counts what a page has.
func inspectPage(s *page.Saved) *inspected {
	m := &s.Meta
	i := &inspected{Version: m.Version, Written: timeJSON(m.Written), From: timeJSON(m.From), To: timeJSON(m.To), Step: m.Step,
		Filter: m.Filter, Command: m.Command, Detail: m.Detail, Packets: m.Totals.Packets, WireBytes: m.Totals.Bytes, Rows: len(s.Rows),
		Sensor: m.Sensor, Title: m.Title, Note: m.Note, Labels: append([]string{}, m.Labels...), Home: m.Home, Geo: []string{}}
	for _, g := range m.Geo {
		i.Geo = append(i.Geo, g.Name)
	}
	for _, part := range s.Parts {
		i.Parts = append(i.Parts, partJSON(part))
	}
	countries := map[string]bool{}
	for _, place := range s.Places {
		if place.HasCoordinates {
			i.Places++
		}
		if place.Country != "" {
			countries[place.Country] = true
		}
	}
	i.Countries = len(countries)
	type subject struct {
		kind page.Kind
		name string
	}
	seen := map[subject]bool{}
	for _, d := range s.Details {
		k := subject{d.Kind, d.Name}
		if d.Kind == page.Port || d.Kind == page.AS {
			k.name = fmt.Sprint(d.Number)
		}
		if seen[k] {
			continue
		}
		seen[k] = true
		switch {
		case d.Kind == page.Address && strings.Contains(d.Name, "/"):
			i.Networks++
		case d.Kind == page.Address:
			i.Addresses++
		case d.Kind == page.Peer:
			i.Peers++
		case d.Kind == page.Port:
			i.Ports++
		default:
			i.Systems++
		}
	}
	return i
}

func (p *program) printInspected(i *inspected) error {
	many := func(n int, one string) string {
		if n == 0 {
			return "no"
		}
		return fmt.Sprintf("yes, %s %s", term.Count(uint64(n)), one)
	}
	text := func(s string) string {
		if s == "" {
			return "no"
		}
		return "yes: " + s
	}
	home := "no"
	if i.Home != nil {
		home = strings.TrimSpace(fmt.Sprintf("yes: %.4f, %.4f %s", i.Home.Latitude, i.Home.Longitude, i.Home.Name))
	}
	var t term.Table
	t.Head("the page has", "")
	for _, line := range [][2]string{
		{"window", fmt.Sprintf("%s to %s, in steps of %s", i.From, i.To, term.Duration(time.Duration(i.Step)*time.Second))},
		{"written", i.Written}, {"by", "packetheat " + i.Version},
		{"traffic", fmt.Sprintf("%s packets, %s in %s rows", term.Count(i.Packets), term.Bytes(i.WireBytes), term.Count(uint64(i.Rows)))},
		{"places", fmt.Sprintf("%s in %s countries", term.Count(uint64(i.Places)), term.Count(uint64(i.Countries)))},
		{"addresses", many(i.Addresses, "whole")}, {"address networks", many(i.Networks, "folded or masked")},
		{"peers", many(i.Peers, "on our side")}, {"ports", many(i.Ports, "services")}, {"AS", many(i.Systems, "networks")},
		{"sensor's name", text(i.Sensor)}, {"our place", home}, {"title", text(i.Title)}, {"note", text(i.Note)},
		{"labels", text(strings.Join(i.Labels, ", "))}, {"filter", text(i.Filter)}, {"databases", text(strings.Join(i.Geo, ", "))},
		{"made with", i.Command},
	} {
		if line[1] != "" {
			t.Row(line[0], line[1])
		}
	}
	for n, part := range i.Parts {
		what := part.Name
		if n > 2 {
			what += ", unpacked"
		}
		t.Row(what, term.Bytes(uint64(part.Bytes)))
	}
	t.Row("file", term.Bytes(uint64(i.Bytes)))
	_, err := t.WriteTo(p.out)
	return err
}
