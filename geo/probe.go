package geo

import (
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// fields is the set of what a database was seen to know.
type fields uint8

const (
	fieldCoordinates fields = 1 << iota
	fieldCountry
	fieldRegion
	fieldCity
	fieldAccuracy
	fieldASN
	fieldASOrg
)

// fieldNames are in the words of the CSV.
var fieldNames = [...]struct {
	field fields
	names []string
}{
	{fieldCoordinates, []string{"latitude", "longitude"}},
	{fieldCountry, []string{"country"}},
	{fieldRegion, []string{"region"}},
	{fieldCity, []string{"city"}},
	{fieldAccuracy, []string{"accuracy_km"}},
	{fieldASN, []string{"asn"}},
	{fieldASOrg, []string{"as_org"}},
}

// The fields each kind of database is asked for.
const (
	placeFields = fieldCoordinates | fieldCountry | fieldRegion | fieldCity | fieldAccuracy
	asnFields   = fieldASN | fieldASOrg
)

// names lists the fields of a set.
func (f fields) names() []string {
	var names []string
	for _, n := range fieldNames {
		if f&n.field != 0 {
			names = append(names, n.names...)
		}
	}
	return names
}

func fieldsOf(l Location) (f fields) {
	set := func(ok bool, bit fields) {
		if ok {
			f |= bit
		}
	}
	set(l.HasCoordinates, fieldCoordinates)
	set(l.Country != "", fieldCountry)
	set(l.Region != "", fieldRegion)
	set(l.City != "", fieldCity)
	set(l.AccuracyKM != 0, fieldAccuracy)
	set(l.ASN != 0, fieldASN)
	set(l.ASOrg != "", fieldASOrg)
	return f
}

// probe looks up addresses spread over the space, and finds out from the
// records the shape of the database, the IP versions and the fields it has.
// The caller guards it against panics.
func (t *table) probe() error {
	found4 := t.samples(probes4(), netip.MustParsePrefix("0.0.0.0/0"))
	found6 := t.samples(probes6(), netip.MustParsePrefix("2000::/3"))
	t.has4, t.has6 = len(found4) > 0, len(found6) > 0
	found := append(found4, found6...)

	keys := make(map[string]bool)
	for _, res := range found {
		var rec map[string]any
		if err := res.Decode(&rec); err != nil {
			return err
		}
		for key, value := range rec {
			_, nested := value.(map[string]any)
			keys[key] = keys[key] || nested
		}
	}
	t.schema = schemaOf(t.reader.Metadata.DatabaseType, keys)
	for _, res := range found {
		loc, err := decode(t.schema, res)
		if err != nil {
			return err
		}
		t.fields |= fieldsOf(loc)
	}
	return nil
}

// schemaOf tells the shape from the type and from the keys seen, which are true
// for those that lead to a map.
func schemaOf(databaseType string, keys map[string]bool) schema {
	has := func(key string) bool { _, ok := keys[key]; return ok }
	switch {
	case strings.Contains(databaseType, "Enterprise") && strings.Contains(databaseType, "DBIP"):
		return schemaEnterpriseDistricts
	case strings.Contains(databaseType, "Enterprise"):
		return schemaEnterprise
	case keys["country"] || keys["city"] || keys["location"] || keys["registered_country"]:
		if strings.Contains(databaseType, "DBIP") {
			return schemaDistricts
		}
		return schemaNested
	case has("country_code") || has("asn"):
		return schemaFlat
	case has("autonomous_system_number") && has("isp"):
		return schemaISP
	case has("autonomous_system_number"):
		return schemaASN
	}
	return schemaUnknown
}

// Limits of a probe. A search tree whose pointers run in circles has up to
// 2^128 leaves, so that walking it needs a bound. The library hands over every
// leaf it comes to only if it is told to include empty networks and aliases:
// those it leaves out cost time, but are not seen here.
const (
	maxSamples = 256
	maxLeaves  = 1 << 16
)

// samples returns the results of those addresses that have a record, or, where
// none has, those of the first networks within the prefix that do.
func (t *table) samples(addrs []netip.Addr, within netip.Prefix) []maxminddb.Result {
	if within.Addr().Is6() && t.reader.Metadata.IPVersion == 4 {
		return nil
	}
	var found []maxminddb.Result
	for _, addr := range addrs {
		if res := t.reader.Lookup(addr); res.Found() && len(found) < maxSamples {
			found = append(found, res)
		}
	}
	if len(found) > 0 {
		return found
	}
	leaves := 0
	for res := range t.reader.NetworksWithin(within, maxminddb.IncludeNetworksWithoutData(), maxminddb.IncludeAliasedNetworks()) {
		if leaves++; leaves > maxLeaves || len(found) >= maxSamples || res.Err() != nil {
			break
		}
		// An alias of IPv4 is no IPv6.
		if res.Found() && canonical(res.Prefix().Addr()).Is6() == within.Addr().Is6() {
			found = append(found, res)
		}
	}
	return found
}

// probes4 has an address in each /8 below multicast.
func probes4() []netip.Addr {
	addrs := make([]netip.Addr, 0, 223)
	for a := 1; a < 224; a++ {
		addrs = append(addrs, netip.AddrFrom4([4]byte{byte(a), byte(a * 37), byte(a * 59), 1}))
	}
	return addrs
}

// probes6 has addresses in the blocks that the regional registries hand out.
func probes6() []netip.Addr {
	var addrs []netip.Addr
	for _, block := range [...]string{"2001::", "2400::", "2600::", "2800::", "2a00::", "2c00::"} {
		b := netip.MustParseAddr(block).As16()
		for i := range 48 {
			b[1] = b[1]&0xf0 | byte(i%16)
			b[2], b[3], b[15] = byte(i*41), byte(i*23), 1
			if addr := netip.AddrFrom16(b); addr == canonical(addr) {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs
}
