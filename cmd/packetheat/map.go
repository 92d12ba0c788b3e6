package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/cmd/internal/termmap"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

// mapFlags are those of map beside window and filter.
type mapFlags struct {
	folders       []string
	follow, fit   bool
	unit, by      string
	colour, theme string
	ascii         bool
	asJSON        bool
}

func (p *program) mapCommand() *cobra.Command {
	var q question
	var f mapFlags
	cmd := &cobra.Command{
		Use:   "map",
		Short: "Draw the world with its heat in the terminal",
		Long: `Draw what the dashboard shows as text: the answer in one sentence, the world in braille
dots with heat, and who most beside it; the numbers of the first nine are on the map. It
fits the terminal; written to a file or pipe it is COLUMNS wide and LINES high (80×24).

--follow draws it again at every tick, until Ctrl+C or q; u changes the unit, f the view.
Without a window it then shows the last hour.

Colours are those that COLORTERM and TERM promise, none with NO_COLOR or in a file. Where
the locale has no UTF-8 and on a console, plain characters stand for dots.`,
		Example: `  packetheat map --last 24h
  packetheat map --follow --filter 'opened:them'
  packetheat map --fit --filter country:DE --unit bytes
  packetheat map --data berlin --data tokyo --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := p.newMapping(cmd, &q, &f)
			if err != nil {
				return err
			}
			return m.run(cmd.Context())
		},
	}
	q.flags(cmd)
	q.fleetFlag(cmd)
	f.flags(cmd)
	return cmd
}

func (f *mapFlags) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.folders, "data", nil, "folder of a store, `DIR` (repeatable; configuration: store.path, default data)")
	flags.BoolVarP(&f.follow, "follow", "f", false, "draw it again at every tick, until Ctrl+C")
	flags.BoolVar(&f.fit, "fit", false, "show only the part of the world that has traffic")
	flags.StringVar(&f.unit, "unit", unitPackets, "heat and list by `packets|bytes`")
	flags.StringVar(&f.by, "by", store.ByPlace.String(), "list who most by: `place|country|city|asn|ip|peer|port|proto`")
	flags.StringVar(&f.colour, "color", "auto", "use colours: `auto|always|never`")
	flags.StringVar(&f.theme, "theme", "auto", "for a background that is `auto|dark|light`")
	flags.BoolVar(&f.ascii, "ascii", false, "plain characters instead of braille dots (default: if the locale has no UTF-8)")
	addJSON(cmd, &f.asJSON)
	flags.Lookup("json").Usage = "print the places and their sums as JSON instead of a map"
	complete(cmd, "unit", unitPackets, unitBytes)
	complete(cmd, "by", store.Dimensions()...)
	complete(cmd, "color", "auto", "always", "never")
	complete(cmd, "theme", "auto", "dark", "light")
}

// The units of a map.
const (
	unitPackets = "packets"
	unitBytes   = "bytes"
)

// mapping is a map under way: what it asks and how it draws.
type mapping struct {
	*program
	q      *question
	flags  *mapFlags
	by     store.Dimension
	style  termmap.Style
	screen *os.File // nil: standard output is no terminal
	labels store.Labels
	config *config.Loaded
	reader export.Reader
}

// newMapping checks what was typed before anything is opened.
func (p *program) newMapping(cmd *cobra.Command, q *question, f *mapFlags) (*mapping, error) {
	by, err := store.ParseDimension(f.by)
	if err != nil {
		return nil, usageError{err}
	}
	for _, choice := range []struct {
		flag, value string
		of          []string
	}{
		{"unit", f.unit, []string{unitPackets, unitBytes}},
		{"color", f.colour, []string{"auto", "always", "never"}},
		{"theme", f.theme, []string{"auto", "dark", "light"}},
	} {
		if !contains(choice.of, choice.value) {
			return nil, usagef("--%s %q is not possible: use %s", choice.flag, choice.value, alternatives(choice.of))
		}
	}
	if q.fleet && len(f.folders) > 0 {
		return nil, errTwoThings
	}
	c, err := p.load(cmd, "data", "out")
	if err != nil {
		return nil, err
	}
	m := &mapping{program: p, q: q, flags: f, by: by, config: c}
	if m.labels, err = q.labels(c); err != nil {
		return nil, err
	}
	if f.follow && q.spec == (store.WindowSpec{}) {
		q.spec.Last = "1h"
	}
	if _, _, err := q.resolve(time.Now(), m.labels); err != nil {
		return nil, err
	}
	if len(f.folders) == 0 {
		f.folders = []string{c.Store.Path}
	}
	m.chooseStyle(cmd.Flags().Changed("ascii"))
	return m, nil
}

func alternatives(list []string) string {
	return fmt.Sprintf("%s or %s", joined(list[:len(list)-1]), list[len(list)-1])
}

func (m *mapping) chooseStyle(ascii bool) {
	if file, ok := m.out.(*os.File); ok && term.Is(file) {
		m.screen = file
	}
	m.style = termmap.StyleOf(m.getenv, m.screen != nil)
	if ascii {
		m.style.ASCII = m.flags.ascii
	}
	switch m.flags.colour {
	case "always":
		m.style.Colours = termmap.ColoursOf(m.getenv)
	case "never":
		m.style.Colours = termmap.None
	}
	if m.flags.theme != "auto" {
		m.style.Light = m.flags.theme == "light"
	}
}

// open opens what is asked. What it returns closes that again.
func (m *mapping) open(ctx context.Context) (closeAll func() error, err error) {
	if !m.q.fleet {
		m.reader, closeAll, err = m.openStores(ctx, m.flags.folders)
		return closeAll, err
	}
	s, err := openFleet(ctx, fleetOptions(m.config, nil))
	if err != nil {
		return nil, err
	}
	m.reader = s
	return s.Close, nil
}

func (m *mapping) run(ctx context.Context) (err error) {
	closeAll, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if m.flags.follow {
		return m.follow(ctx)
	}
	v, err := m.view(ctx, time.Now())
	if err != nil {
		return err
	}
	if m.screen == nil || m.flags.asJSON { // on a screen the first row says it
		m.say("window: %s", v.shown())
		m.sayCoverage(&v.coverage, v.zone)
	}
	if m.flags.asJSON {
		return m.printJSON(v.json(m.flags.unit))
	}
	columns, lines := m.size()
	if m.screen != nil {
		lines-- // for the prompt that comes after it
	}
	return m.print(v, columns, lines)
}

// size is that of the terminal, else what COLUMNS and LINES say, else 80×24.
func (m *mapping) size() (columns, lines int) {
	if m.screen != nil {
		if columns, lines, err := terminalSize(m.screen); err == nil && columns > 0 && lines > 0 {
			return columns, lines
		}
	}
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(m.getenv(name)); err == nil && n > 0 {
			return min(n, 1000)
		}
		return otherwise
	}
	return number("COLUMNS", 80), number("LINES", 24)
}

// print writes the map once.
func (m *mapping) print(v *mapView, columns, lines int) error {
	screen := termmap.Screen{Columns: columns, Lines: lines, Style: m.style, Fit: m.flags.fit}
	for _, line := range screen.Draw(v.frame(m.flags.unit)) {
		if _, err := fmt.Fprintln(m.out, line); err != nil {
			return err
		}
	}
	return nil
}
