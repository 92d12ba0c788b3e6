package main

import (
	"cmp"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/geo"
)

func (p *program) geoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "geo",
		Short: "Find out where addresses are, and which databases say so",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.geoLookupCommand(), p.geoStatusCommand(), p.geoUpdateCommand())
	return cmd
}

// geoFolder is where "geo update" keeps what it fetches, and where all commands look for it.
func geoFolder(c *config.Loaded) string {
	return cmp.Or(c.Geo.UpdateDir, filepath.Join(c.Store.Path, "geoip"))
}

// openGeo opens the databases that the configuration names, those found, those fetched,
// or the built-in.
func openGeo(c *config.Loaded, log *slog.Logger) (*geo.DB, error) {
	return geo.Open(geo.Config{City: c.Geo.City, ASN: c.Geo.ASN, Fetched: geoFolder(c), Networks: ownNetworks(c), Unplaced: !c.Geo.PlaceAnycast, Logger: log})
}

// withGeo calls do with the databases that the configuration of a command leads to.
func (p *program) withGeo(cmd *cobra.Command, do func(*config.Loaded, *geo.DB) error) (err error) {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	db, err := openGeo(c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(c, db)
}
