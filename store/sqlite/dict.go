package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// asOrg is an autonomous system as points name it.
type asOrg struct {
	asn uint32
	org string
}

// queryer is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// table says how a dictionary's values are kept in SQLite: the id first, then the
// columns that bind gives and scan takes.
type table[T any] struct {
	name    string
	columns string
	bind    func(T) []any
	scan    func(*sql.Rows, *uint32) (T, error)
}

// dict maps values to the small ids that blocks use for them. Ids begin at 1; 0 is
// the zero value, which has no row. The writer gives out ids that are pending until
// their transaction has been committed; readers see committed ones only. Values are
// never removed, so that a slice of them once taken stays right.
type dict[T comparable] struct {
	table table[T]

	mu     sync.RWMutex
	values []T // committed, by id

	// Of the writer alone, under Store.mu.
	ids     map[T]uint32
	pending []T
}

func newDict[T comparable](t table[T]) *dict[T] {
	return &dict[T]{table: t, values: make([]T, 1)}
}

// load adds the rows that other transactions have committed since the last time.
func (d *dict[T]) load(ctx context.Context, q queryer) error {
	d.mu.RLock()
	known := len(d.values) - 1
	d.mu.RUnlock()
	rows, err := q.QueryContext(ctx, "SELECT id, "+d.table.columns+" FROM "+d.table.name+" WHERE id > ? ORDER BY id", known)
	if err != nil {
		return fmt.Errorf("read %s: %w", d.table.name, err)
	}
	defer rows.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for rows.Next() {
		var id uint32
		v, err := d.table.scan(rows, &id)
		if err != nil {
			return fmt.Errorf("read %s: %w", d.table.name, err)
		}
		switch next := uint32(len(d.values)); {
		case id < next: // published meanwhile
		case id == next:
			d.values = append(d.values, v)
		default:
			return fmt.Errorf("read %s: id %d is missing: %w", d.table.name, next, errBroken)
		}
	}
	return rows.Err()
}

// snapshot returns the committed values by id. It must not be written to.
func (d *dict[T]) snapshot() []T {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.values
}

// index prepares the writer's side from the loaded values.
func (d *dict[T]) index() {
	values := d.snapshot()
	d.ids = make(map[T]uint32, len(values))
	for id, v := range values[1:] {
		d.ids[v] = uint32(id + 1)
	}
}

// id returns v's id, a pending one if v is new.
func (d *dict[T]) id(v T) uint32 {
	var zero T
	if v == zero {
		return 0
	}
	id, ok := d.ids[v]
	if !ok {
		d.mu.RLock()
		id = uint32(len(d.values) + len(d.pending))
		d.mu.RUnlock()
		d.ids[v] = id
		d.pending = append(d.pending, v)
	}
	return id
}

// write inserts the pending values.
func (d *dict[T]) write(ctx context.Context, tx *sql.Tx) error {
	if len(d.pending) == 0 {
		return nil
	}
	marks := "?"
	for range d.table.bind(d.pending[0]) {
		marks += ", ?"
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+d.table.name+" (id, "+d.table.columns+") VALUES ("+marks+")")
	if err != nil {
		return fmt.Errorf("write %s: %w", d.table.name, err)
	}
	defer insert.Close()
	for _, v := range d.pending {
		if _, err := insert.ExecContext(ctx, append([]any{d.ids[v]}, d.table.bind(v)...)...); err != nil {
			return fmt.Errorf("write %s: %w", d.table.name, err)
		}
	}
	return nil
}

// publish shows the pending values to readers: their transaction is committed.
func (d *dict[T]) publish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.pending {
		if d.ids[v] == uint32(len(d.values)) { // else a reader has loaded it already
			d.values = append(d.values, v)
		}
	}
	d.pending = d.pending[:0]
}

// forget takes the pending ids back: their transaction has failed.
func (d *dict[T]) forget() {
	for _, v := range d.pending {
		delete(d.ids, v)
	}
	d.pending = d.pending[:0]
}

var sensorTable = table[string]{
	name: "sensors", columns: "name",
	bind: func(name string) []any { return []any{name} },
	scan: func(rows *sql.Rows, id *uint32) (name string, err error) {
		err = rows.Scan(id, &name)
		return name, err
	},
}

var placeTable = table[store.Place]{
	name: "places", columns: "latitude, longitude, country, region, city, precision, accuracy_km",
	bind: func(p store.Place) []any {
		return []any{p.Latitude, p.Longitude, p.Country, p.Region, p.City, p.Precision, p.AccuracyKM}
	},
	scan: func(rows *sql.Rows, id *uint32) (p store.Place, err error) {
		err = rows.Scan(id, &p.Latitude, &p.Longitude, &p.Country, &p.Region, &p.City, &p.Precision, &p.AccuracyKM)
		return p, err
	},
}

var asnTable = table[asOrg]{
	name: "asns", columns: "asn, org",
	bind: func(a asOrg) []any { return []any{a.asn, a.org} },
	scan: func(rows *sql.Rows, id *uint32) (a asOrg, err error) {
		err = rows.Scan(id, &a.asn, &a.org)
		return a, err
	},
}

var sourceTable = table[store.GeoSource]{
	name: "geo_sources", columns: "kind, name, built, attribution, url",
	bind: func(s store.GeoSource) []any {
		return []any{s.Kind, s.Name, s.Built.Unix(), s.Attribution, s.URL}
	},
	scan: func(rows *sql.Rows, id *uint32) (s store.GeoSource, err error) {
		var built int64
		err = rows.Scan(id, &s.Kind, &s.Name, &built, &s.Attribution, &s.URL)
		s.Built = time.Unix(built, 0).UTC()
		return s, err
	},
}

// dicts are the dictionaries of a store.
type dicts struct {
	sensors *dict[string]
	places  *dict[store.Place]
	asns    *dict[asOrg]
	sources *dict[store.GeoSource]
}

func newDicts() dicts {
	return dicts{newDict(sensorTable), newDict(placeTable), newDict(asnTable), newDict(sourceTable)}
}

// load brings all dictionaries up to what is committed.
func (d *dicts) load(ctx context.Context, q queryer) error {
	for _, load := range []func(context.Context, queryer) error{
		d.sensors.load, d.places.load, d.asns.load, d.sources.load,
	} {
		if err := load(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (d *dicts) index() {
	d.sensors.index()
	d.places.index()
	d.asns.index()
	d.sources.index()
}

func (d *dicts) write(ctx context.Context, tx *sql.Tx) error {
	for _, write := range []func(context.Context, *sql.Tx) error{
		d.sensors.write, d.places.write, d.asns.write, d.sources.write,
	} {
		if err := write(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (d *dicts) publish() {
	d.sensors.publish()
	d.places.publish()
	d.asns.publish()
	d.sources.publish()
}

func (d *dicts) forget() {
	d.sensors.forget()
	d.places.forget()
	d.asns.forget()
	d.sources.forget()
}
