package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/geo/update"
)

func (p *program) geoUpdateCommand() *cobra.Command {
	var files []string
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Fetch this month's GeoIP databases, or take them from files",
		Long: `Fetch GeoIP databases: DB-IP's City Lite and ASN Lite of the month, for which nobody needs
an account, or MaxMind's where geo.update.maxmind has an account id and a licence key. They
are kept in the folder geoip of the store (geo.update.dir). What is there already is not
fetched again, and what fails leaves what is there. HTTPS_PROXY is heeded.

With --file nothing is asked of anybody: files that were fetched elsewhere (.mmdb, .mmdb.gz,
MaxMind's .tar.gz; the two halves of ip-location-db) are checked and taken over.

A sensor that runs uses the new databases half a minute later, without a gap. With
geo.update.enabled it fetches them itself, once a day.`,
		Example: `  packetheat geo update
  packetheat geo update --file dbip-city-lite-2026-11.mmdb.gz --file dbip-asn-lite-2026-11.mmdb.gz`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			u, err := p.updater(c, p.logger(c))
			if err != nil {
				return err
			}
			owner := desktop.SudoUser(p.getenv, os.Geteuid())
			if err := owner.MakeFolder(u.Dir, 0o750); err != nil {
				return fmt.Errorf("make folder of geo databases: %w (choose another with geo.update.dir)", err)
			}
			defer func() { err = errors.Join(err, owner.Own(u.Dir)) }()
			var results []update.Result
			if len(files) > 0 {
				results, err = u.Install(files, force)
			} else {
				ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
				defer stop()
				results, err = u.Update(ctx, force)
			}
			return errors.Join(p.printUpdate(c, results, asJSON), err)
		},
	}
	cmd.Flags().StringArrayVar(&files, "file", nil, "take the database in `FILE` instead (repeatable)")
	cmd.Flags().BoolVar(&force, "force", false, "try again though an attempt has just failed; with --file also take an older database")
	addJSON(cmd, &asJSON)
	return cmd
}

// updater is what fetches databases as the configuration wants it.
func (p *program) updater(c *config.Loaded, log *slog.Logger) (*update.Updater, error) {
	g := c.Geo
	return update.New(update.Config{
		Dir: geoFolder(c), AccountID: g.AccountID, LicenseKey: g.LicenseKey, Editions: g.Editions, DBIP: g.UpdateURL, MaxMind: g.MaxMindURL,
		Interval: g.UpdateInterval, UserAgent: "packetheat/" + version(), Logger: log,
		Progress: func(file string, size int64) io.WriteCloser { return bar{term.NewBar(p.err, file, size)} },
	})
}

// bar is a progress bar that ends when it is closed.
type bar struct{ *term.Bar }

func (b bar) Close() error { b.Done(); return nil }

// updatedJSON is a database as "geo update --json" prints it.
type updatedJSON struct {
	Edition string    `json:"edition"`
	Path    string    `json:"path,omitempty"`
	Kind    string    `json:"kind,omitempty"`
	Type    string    `json:"type,omitempty"`
	Built   time.Time `json:"built,omitzero"`
	Changed bool      `json:"changed"`
	Missing []string  `json:"missing,omitempty"`
	Note    string    `json:"note,omitempty"`
}

func (p *program) printUpdate(c *config.Loaded, results []update.Result, asJSON bool) error {
	list := []updatedJSON{}
	var t term.Table
	t.Head("database", "built", "result", "missing", "file")
	for _, r := range results {
		note := r.Note
		if r.Changed {
			note = "new"
		}
		built := ""
		if !r.Source.Built.IsZero() {
			built = r.Source.Built.UTC().Format(time.DateOnly)
		}
		t.Row(r.Edition, built, note, strings.Join(r.Source.Missing, ", "), r.Path)
		list = append(list, updatedJSON{r.Edition, r.Path, r.Source.Kind, r.Source.Type, r.Source.Built, r.Changed, r.Source.Missing, r.Note})
	}
	if asJSON {
		return p.printJSON(list)
	}
	if len(results) == 0 {
		return nil
	}
	if _, err := t.WriteTo(p.out); err != nil {
		return err
	}
	return p.sayUnused(c, results)
}

// sayUnused tells of databases that are there now, but behind another.
func (p *program) sayUnused(c *config.Loaded, results []update.Result) error {
	db, err := openGeo(c, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	first := map[string]geo.Source{}
	used := map[string]bool{}
	for _, s := range db.Sources() {
		if _, ok := first[s.Kind]; !ok && s.InUse {
			first[s.Kind] = s
		}
		used[s.Path] = s.InUse
	}
	for _, r := range results {
		if kind := r.Source.Kind; r.Path != "" && !used[r.Path] {
			p.say("%s is not in use, because %s comes first: remove that, or set geo.%s to the one you want", r.Path, first[kind].Path, kind)
		}
	}
	return nil
}
