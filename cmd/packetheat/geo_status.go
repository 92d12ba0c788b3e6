package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/geo/update"
)

func (p *program) geoStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print the GeoIP databases in use, with their age and what they lack",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withGeo(cmd, func(c *config.Loaded, db *geo.DB) error {
				tries, err := update.ReadStatus(geoFolder(c))
				if err != nil {
					return err
				}
				slices.SortFunc(tries, func(a, b update.Status) int { return cmp.Compare(a.Edition, b.Edition) })
				if asJSON {
					return p.printJSON(geoStatusJSON{geoJSON(db, c), geoFolder(c), c.Geo.Update, triesJSON(tries)})
				}
				return p.printGeo(c, db, tries)
			})
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// geoStatusJSON is what "geo status --json" prints.
type geoStatusJSON struct {
	Databases []sourceJSON `json:"databases"`
	Folder    string       `json:"folder"`    // of what is fetched
	Automatic bool         `json:"automatic"` // geo.update.enabled
	Updates   []tryJSON    `json:"updates"`
}

// sourceJSON is a database as "geo status --json" and the sensor's status print it.
type sourceJSON struct {
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	Type        string    `json:"type,omitempty"`
	Path        string    `json:"path,omitempty"` // empty: built in
	Built       time.Time `json:"built,omitzero"`
	AgeDays     int       `json:"age_days"`
	InUse       bool      `json:"in_use"`
	Missing     []string  `json:"missing,omitempty"`
	Warning     string    `json:"warning,omitempty"`
	Attribution string    `json:"attribution,omitempty"`
	URL         string    `json:"url,omitempty"`
}

// tryJSON is what came of asking a publisher.
type tryJSON struct {
	Edition  string    `json:"edition"`
	Checked  time.Time `json:"checked,omitzero"`
	Next     time.Time `json:"next,omitzero"`
	Failures int       `json:"failures"`
	Error    string    `json:"error,omitempty"`
}

func triesJSON(tries []update.Status) []tryJSON {
	list := []tryJSON{}
	for _, t := range tries {
		list = append(list, tryJSON(t))
	}
	return list
}

func geoJSON(db *geo.DB, c *config.Loaded) []sourceJSON {
	list := []sourceJSON{}
	for _, s := range db.Sources() {
		list = append(list, sourceJSON{Kind: s.Kind, Name: s.Name, Type: s.Type, Path: s.Path, Built: s.Built, AgeDays: ageDays(s), InUse: s.InUse,
			Missing: s.Missing, Warning: sourceWarning(s, c), Attribution: s.Attribution, URL: s.AttributionURL})
	}
	return list
}

// ageDays is the age of a database in whole days, 0 where it is not known.
func ageDays(s geo.Source) int {
	if s.Built.IsZero() {
		return 0
	}
	return max(int(time.Since(s.Built).Hours()/24), 0)
}

// sourceWarning is what is wrong with a database, its age included.
func sourceWarning(s geo.Source, c *config.Loaded) string {
	if !s.InUse || s.Built.IsZero() || time.Since(s.Built) <= c.Geo.MaxAge {
		return s.Warning
	}
	mend := "put a newer file there, or remove it and run packetheat geo update"
	switch {
	case s.Path != "" && filepath.Dir(filepath.Dir(s.Path)) != filepath.Clean(geoFolder(c)):
	case c.Geo.Update:
		mend = "packetheat geo status says how the updates went"
	default:
		mend = "packetheat geo update fetches the latest, geo.update.enabled does it daily"
	}
	old := fmt.Sprintf("%d days old, more than geo.max_age: %s", ageDays(s), mend)
	if s.Warning != "" {
		return s.Warning + "; " + old
	}
	return old
}

func (p *program) printGeo(c *config.Loaded, db *geo.DB, tries []update.Status) error {
	var t term.Table
	t.Head("kind", "database", "built", ">days", "in use", "missing", "from", "warning")
	for _, s := range db.Sources() {
		path, built, age, inUse := s.Path, "", "", "no"
		if path == "" {
			path = "built in"
		}
		if !s.Built.IsZero() {
			built, age = s.Built.UTC().Format(time.DateOnly), fmt.Sprint(ageDays(s))
		}
		if s.InUse {
			inUse = "yes"
		}
		t.Row(s.Kind, s.Name, built, age, inUse, strings.Join(s.Missing, ", "), path, sourceWarning(s, c))
	}
	if _, err := t.WriteTo(p.out); err != nil {
		return err
	}
	for _, line := range append(updateLines(c, tries), creditLine(db)) {
		if line != "" {
			if _, err := fmt.Fprintln(p.out, term.Clean(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateLines tell how updates went, and when the next is.
func updateLines(c *config.Loaded, tries []update.Status) (lines []string) {
	for _, t := range tries {
		line := "update of " + t.Edition + ": "
		switch {
		case t.Failures > 0:
			line += fmt.Sprintf("failed %d times, not tried again before %s: %s", t.Failures, moment(t.Next), t.Error)
		case c.Geo.Update:
			line += fmt.Sprintf("checked %s, next %s", moment(t.Checked), moment(t.Next))
		default:
			line += fmt.Sprintf("checked %s", moment(t.Checked))
		}
		lines = append(lines, line)
	}
	return lines
}

// creditLine is the notices that the publishers of the databases in use ask for.
func creditLine(db *geo.DB) string {
	var credits []string
	for _, credit := range db.Attribution() {
		credits = append(credits, strings.TrimSpace(credit.Text+" "+credit.URL))
	}
	return strings.Join(credits, "; ")
}
