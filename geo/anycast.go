package geo

import (
	_ "embed"
	"net/netip"
	"strings"
	"sync"
)

// The lists that are built in. Their sources are named in them.
var (
	//go:embed builtin/cloud.txt
	cloudText string
	//go:embed builtin/anycast.txt
	anycastText string
)

// builtinLabels are the lists that are built in, read once. A test holds them to what
// parseLabels takes.
var builtinLabels = sync.OnceValues(func() (cloud, anycast *labelSet) {
	return mustParse(cloudText, "cloud.txt"), mustParse(anycastText, "anycast.txt")
})

func mustParse(text, name string) *labelSet {
	s, err := parseLabels(strings.NewReader(text), name)
	if err != nil {
		panic(err) // not reached: see builtinLabels
	}
	return s
}

// unplaced returns a location without what is not true of an anycast network: it is in
// many places, and which of them answers nobody knows from the address. The country, that
// of the registry, stays.
func unplaced(l Location) Location {
	return Location{Country: l.Country, Precision: precisionOf(l.Country), ASN: l.ASN, ASOrg: l.ASOrg}
}

func precisionOf(country string) Precision {
	if country == "" {
		return None
	}
	return Country
}

// isAnycast reports whether addr, a canonical one, lies in a known anycast network.
func isAnycast(addr netip.Addr) bool {
	_, anycast := builtinLabels()
	return anycast.holds(netip.PrefixFrom(addr, addr.BitLen()))
}
