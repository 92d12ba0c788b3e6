package geo

import (
	_ "embed" // the built-in databases
	"fmt"

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

// builtin returns the built-in table of a kind. It is unpacked into memory the
// first time, and kept until Close. The caller holds db.mu.
func (db *DB) builtin(kind string) (*table, error) {
	if t := db.inside[kind]; t != nil {
		return t, nil
	}
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
	t.faults = &db.faults
	t.source.Name, t.source.Attribution, t.source.AttributionURL = builtinName, b.credit.Text, b.credit.URL
	if db.inside == nil {
		db.inside = make(map[string]*table)
	}
	db.inside[kind] = t
	return t, nil
}
