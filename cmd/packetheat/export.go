package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

// exportFlags are those of export beside window and filter.
type exportFlags struct {
	output, coverage    string
	detail, title, note string
	state               string
	mask                maskFlags
}

func (p *program) exportCommand() *cobra.Command {
	var q question
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export html|csv|geojson|ndjson|sqlite -o FILE",
		Short: "Write a window of the store to a file: page, CSV, GeoJSON, NDJSON, SQLite",
		Long: `Write the points of a window to a file, in full detail. The page (html) is one file
that shows the map in any browser without a network. The file appears as a whole or
not at all. For a page its SHA-256 is printed, as sha256sum does.

What the answer rests on is said on standard error: where the sensor was off, what was
dropped or folded, the share of packets without a place. --coverage FILE writes all of it
as JSON: asked, window, first, last, tick_seconds; sensors[] with data_seconds,
idle_seconds, off_seconds, dropped_frames, folded_packets and spans[] (from, to, state:
data, idle or off); points, packets, unlocated, unlocated_share, damaged_blocks, geo[],
and books: where every packet went; with --fleet also partial: which shards did not answer.
Then the file has what the others have, and the exit status is 1.`,
		Example: `  packetheat export html -o map.html --last 24h
  packetheat export csv -o - --filter 'country:DE port:443' | head
  packetheat export sqlite -o points.sqlite --from 2026-11-01 --to 2026-12-01
  packetheat export csv -o week.csv --last 7d --coverage week.json`,
		Args:      oneOf(export.Formats()),
		ValidArgs: export.Formats(),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := export.ParseFormat(args[0])
			if err != nil {
				return usageError{err}
			}
			return p.export(cmd, &q, format, f)
		},
	}
	q.flags(cmd)
	q.fleetFlag(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "`FILE` to write, - for standard output")
	flags.StringVar(&f.coverage, "coverage", "", "write which part of the window has data to `FILE`, as JSON")
	flags.StringVar(&f.detail, "detail", "", "what a page carries beside the sums of places: `places|addresses|full` (default addresses)")
	flags.StringVar(&f.title, "title", "", "`TITLE` of a page in place of the sensor's name")
	flags.StringVar(&f.note, "note", "", "`TEXT` that a page shows below its first line")
	flags.StringVar(&f.state, "state", "", "what a page shows when it is opened: `HASH`, the part of a link to a page behind its #")
	f.mask.flags(cmd)
	complete(cmd, "detail", export.DetailPlaces, export.DetailAddresses, export.DetailFull)
	return cmd
}

// complete tells the shell the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that is not there, which any use of completion shows.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func (p *program) export(cmd *cobra.Command, q *question, format export.Format, f exportFlags) (err error) {
	switch {
	case f.output == "":
		return usagef("say where to write: -o FILE, or -o - for standard output")
	case f.output == "-" && term.Is(p.out) && (format == export.HTML || format == export.SQLite):
		return usagef("%s is nothing for a terminal: name a file with -o FILE", format)
	case f.coverage == "-":
		return usagef("--coverage - is not possible: name a file")
	case f.coverage != "" && f.coverage == f.output:
		return usagef("--coverage and -o name the same file: give each its own")
	case f.detail != "" && format != export.HTML:
		return usagef("--detail is for html only: %s always has every point", format)
	case f.detail != "" && !contains([]string{export.DetailPlaces, export.DetailAddresses, export.DetailFull}, f.detail):
		return usagef("detail %q is unknown: use places, addresses or full", f.detail)
	case f.state != "" && format != export.HTML:
		return usagef("--state is for html only")
	case f.mask.mask != "" && f.state != "":
		return usagef("--state does not go with --mask: it may name what the mask takes out")
	case f.mask.mask != "" && f.detail != "" && f.detail != export.DetailPlaces:
		return usagef("--detail %s does not go with --mask: a masked page has places only", f.detail)
	}
	a, err := p.ask(cmd, q)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	mask, err := f.mask.of(a.config)
	if err == nil && mask != nil {
		if e := mask.Check(a.filter); e != nil {
			err = usageError{e}
		}
	}
	if err != nil {
		return err
	}
	bar := term.NewCounter(p.err, "reading points", int64(a.coverage.Points))
	defer bar.Done()
	reader := pointsReader{a.answerer, func(n int) { bar.Add(n) }}
	options := export.Options{Filter: a.filter, Source: a.source(), Version: version(), Detail: f.detail, Title: f.title, Note: f.note, State: strings.TrimPrefix(f.state, "#"), Mask: mask, Home: homeOf(a.config), Links: linksOf(a.config)}
	if format == export.HTML && mask == nil {
		labels, err := readLabels(a.config, nil)
		if err != nil {
			return err
		}
		options.Labels = labels
	}
	var report export.Report
	if f.output == "-" {
		report, err = export.Write(cmd.Context(), p.out, reader, format, options)
	} else {
		report, err = export.WriteFile(cmd.Context(), f.output, reader, format, options)
	}
	if err != nil {
		return err
	}
	bar.Done()
	p.sayReport(f.output, report)
	p.sayCredit(format, &report.Coverage)
	p.sayCoverage(&report.Coverage, a.zone)
	if f.coverage != "" {
		if err := writeCoverage(f.coverage, &a.filter, &report.Coverage); err != nil {
			return err
		}
	}
	if format == export.HTML {
		out := p.out
		if f.output == "-" {
			out = p.err
		}
		if _, err = fmt.Fprintf(out, "%s  %s\n", report.SHA256, f.output); err != nil {
			return err
		}
	}
	return partOf(&report.Coverage)
}

// partOf fails where an answer is about a part of a fleet only: what has been written is
// there, and its coverage, which has been said, tells what is missing; nobody who looks at
// the exit status alone takes it for the whole.
func partOf(c *store.Coverage) error {
	if c.Partial != "" {
		return errSilent
	}
	return nil
}

// sayReport tells in a line what was written.
func (p *program) sayReport(name string, r export.Report) {
	if name == "-" {
		name = "standard output"
	}
	line := fmt.Sprintf("wrote %s: %s rows, %s packets, %s", name, term.Count(r.Rows), term.Count(r.Sum.Packets), term.Bytes(uint64(r.Bytes)))
	if r.Coarsened != "" {
		line += "; " + r.Coarsened
	}
	p.say("%s", line)
	if r.Rows == 0 {
		p.say("no points match: try a longer window or a wider filter")
	}
}

// sayCredit tells whose places the file has. A page shows it, and GeoJSON and SQLite have
// room for it; rows of CSV and NDJSON have none.
func (p *program) sayCredit(format export.Format, c *store.Coverage) {
	credits := strings.Join(export.Attributions(c), "; ")
	switch {
	case credits == "":
	case format == export.CSV || format == export.NDJSON:
		p.say("places: %s (say so where you publish the file, which has no room for it)", credits)
	default:
		p.say("places: %s", credits)
	}
}

// baseName returns the name of a file without its folder and capture suffixes:
// "dir/x.pcap.gz" is "x".
func baseName(name string) string {
	base := filepath.Base(name)
	for _, suffix := range []string{".gz", ".zst", ".bz2", ".pcapng", ".pcap", ".cap"} {
		if cut := strings.TrimSuffix(base, suffix); cut != "" {
			base = cut
		}
	}
	return base
}
