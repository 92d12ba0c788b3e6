package geo

import (
	_ "embed" // the built-in databases
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/packetheat/packetheat/geo/internal/pack"
)

//go:generate go run ./gen

// builtinName is the Name of the Source of a built-in database.
const builtinName = "built-in"

// cityPack is the built-in database of places, as geo/gen wrote it.
//
//go:embed builtin/city.pack
var cityPack []byte

// asnPack is the built-in database of autonomous systems.
//
//go:embed builtin/asn.pack
var asnPack []byte

// builtinSource is what is built in of one kind. Its type is that of the
// source, by which readers of GeoIP databases know the schema.
type builtinSource struct {
	data   []byte
	meta   pack.Metadata
	credit Credit
}

func builtinOf(kind string) builtinSource {
	if kind == kindASN {
		return builtinSource{
			data: asnPack,
			meta: pack.Metadata{
				Type: "DBIP-ASN-Lite (compat=GeoLite2-ASN)",
				Description: "Autonomous systems of blocks of addresses, derived for packetheat from ip-location-db's asn: DB-IP ASN Lite " +
					"(https://db-ip.com), RouteViews (https://routeviews.org), NRO (https://nro.net), all CC BY 4.0. " +
					"Changed: small networks are joined with their neighbours.",
			},
			credit: Credit{"Autonomous systems by DB-IP, RouteViews and NRO", "https://db-ip.com"},
		}
	}
	return builtinSource{
		data: cityPack,
		meta: pack.Metadata{
			Type: "DBIP-City-Lite",
			Description: "Places of blocks of addresses, derived for packetheat from DB-IP City Lite (CC BY 4.0, https://db-ip.com). " +
				"Changed: small networks are joined with their neighbours.",
		},
		credit: Credit{"IP Geolocation by DB-IP", "https://db-ip.com"},
	}
}

// unpackBuiltin makes the built-in table of a kind.
func unpackBuiltin(kind string) (*table, error) {
	b := builtinOf(kind)
	packed, err := pack.Decode(b.data)
	if err != nil {
		return nil, err
	}
	reader, err := maxminddb.OpenBytes(packed.MMDB(b.meta))
	if err != nil {
		return nil, fmt.Errorf("open unpacked database: %w", err)
	}
	var t *table
	err = guard(func() error { t, err = newTable(kind, reader); return err })
	if err != nil {
		return nil, err
	}
	t.source.Name, t.source.Attribution, t.source.AttributionURL = builtinName, b.credit.Text, b.credit.URL
	return t, nil
}

// builtin unpacks the built-in databases of the given kinds, at the same time,
// unless they are already. They are kept until Close. The caller holds db.mu.
func (db *DB) builtin(kinds []string) error {
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return db.inside[kind] != nil })
	if len(kinds) == 0 {
		return nil
	}
	tables, errs := make([]*table, len(kinds)), make([]error, len(kinds))
	var wg sync.WaitGroup
	for i, kind := range kinds {
		wg.Go(func() { tables[i], errs[i] = unpackBuiltin(kind) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("open built-in database: %w", err)
	}
	if db.inside == nil {
		db.inside = make(map[string]*table)
	}
	for i, kind := range kinds {
		tables[i].counts = &db.counts
		db.inside[kind] = tables[i]
	}
	// Unpacking takes twice the memory of the result. Given back at once, that
	// is 70 MB less for a process that may not collect again for minutes.
	debug.FreeOSMemory()
	return nil
}
