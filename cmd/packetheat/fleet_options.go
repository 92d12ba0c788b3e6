package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/fleet"
	"github.com/packetheat/packetheat/store/clickhouse"
)

// errNoFleet is the error of a command that needs a server where none is configured.
var errNoFleet = errors.New("no server is configured: set fleet.clickhouse.dsn, for example PACKETHEAT_FLEET_CLICKHOUSE_DSN=clickhouse://db.example.net:9000")

// fleetOptions is the section fleet.clickhouse as store/clickhouse takes it.
func fleetOptions(c *config.Loaded, log *slog.Logger) clickhouse.Options {
	f := &c.Fleet.ClickHouse
	age := func(d time.Duration) time.Duration {
		if d == config.Forever {
			return 0
		}
		return d
	}
	return clickhouse.Options{
		DSN: f.DSN, Database: f.Database, Cluster: f.Cluster, User: f.User, Password: f.Password, CA: f.CA, Program: version(), Logger: log,
		Retention: clickhouse.Retention{Points: age(f.Retention.Points), Views10m: age(f.Retention.Views10m),
			Views1h: age(f.Retention.Views1h), Views1d: age(f.Retention.Views1d)},
	}
}

// fleetOpener connects as a configuration says.
func fleetOpener(c *config.Loaded, log *slog.Logger) fleet.Opener {
	o := fleetOptions(c, log)
	return func(ctx context.Context) (fleet.Server, error) {
		s, err := clickhouse.Open(ctx, o)
		if err != nil {
			return nil, err // no *clickhouse.Store that is nil
		}
		return s, nil
	}
}
