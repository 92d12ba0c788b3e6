// Package clickhouse keeps the points of many sensors in a ClickHouse server or cluster,
// and answers from there what package store/sqlite answers from one sensor's file.
//
// A sensor's own store stays where its points are committed first; batches are shipped
// from there by Append, at least once each, and are counted exactly once:
//
//   - What has been acknowledged is written down in the table batches, and not sent again.
//   - What may or may not have arrived is sent again under the same deduplication token,
//     which the table of points and every rollup remember. Where it arrived under another
//     token, because other batches travelled with it, that whole shipment is read back and
//     sent again, so that the rollups have what they may have missed.
//   - A server too old for that (before 24.8) keeps points by their place in their batch,
//     takes repetitions out as it reads, and has no rollups.
//
// The tables, which Statements prints, are plain ones for other programs to read: points
// (a row a point), batches (a row for every batch that has arrived whole, with its books),
// and, unless the server is too old, rollups place_10m … port_1d, which are fed by
// materialised views. With a cluster they are Distributed tables over replicated ones.
package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Options say where the server is and how to speak to it.
type Options struct {
	// DSN is clickhouse://HOST:9000 or http(s)://HOST:8123, with several hosts separated by
	// commas, and the driver's parameters: secure, dial_timeout, compress and others.
	DSN string

	Database string // "": what the DSN names, else packetheat
	Cluster  string // makes Replicated and Distributed tables on it; "": plain tables
	User     string // "": what the DSN names
	Password string // "": what the DSN names
	CA       string // file of PEM certificates to trust; "": the system's. It needs TLS

	Retention Retention    // for Init and Upgrade
	Program   string       // version of the program that ships
	Logger    *slog.Logger // nil: says nothing
}

// defaultDatabase is the database where none is named.
const defaultDatabase = "packetheat"

func (o *Options) database() string { return cmp.Or(o.Database, defaultDatabase) }

// Store is a connection to the tables. Several goroutines may use it at once. It has to
// be closed.
type Store struct {
	o       Options
	conn    driver.Conn
	caps    Capabilities // those that the tables were made for
	server  Capabilities // those of the server
	addr    []string
	http    bool
	logger  *slog.Logger
	pending pending // shipments that were begun
	keeper  keeper  // of what readers know
	shards  shards
	counted uint64 // up to how many points in a window addresses are counted: mostCounted
}

// Connect opens a connection and asks the server for its version. It does not look for
// tables: Init and Upgrade can be called.
func Connect(ctx context.Context, o Options) (*Store, error) {
	s := &Store{o: o, logger: o.Logger, counted: mostCounted}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if err := s.dial(); err != nil {
		return nil, err
	}
	v, err := s.conn.ServerVersion()
	if err != nil {
		s.conn.Close()
		return nil, fmt.Errorf("connect to ClickHouse at %s: %w%s", s.where(), err, hint(err))
	}
	s.server = capabilitiesOf(v.Version.Major, v.Version.Minor, v.Version.Patch)
	s.caps = s.server
	return s, ctx.Err()
}

// Open is Connect with a look at the tables: they must be there, in the version that this
// program knows.
func Open(ctx context.Context, o Options) (*Store, error) {
	s, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := s.checkSchema(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open database %q at %s: %w", s.o.database(), s.where(), err)
	}
	return s, nil
}

// Close ends the connections.
func (s *Store) Close() error { return s.conn.Close() }

// Capabilities says what the server can do with the tables that there are.
func (s *Store) Capabilities() Capabilities { return s.caps }

// table returns the name of a table for SQL. A table that takes repetitions out as it is
// read gets FINAL: batches always, points where the server knows no tokens.
func (s *Store) table(name string) string {
	sql := s.o.table(name)
	if name == "batches" || name == "about" || name == "points" && !s.caps.Tokens {
		sql += " FINAL"
	}
	return sql
}
