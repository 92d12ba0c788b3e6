package demo

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
)

// Host is an address somewhere in the world.
type Host struct {
	Addr    netip.Addr
	Country string  // ISO 3166-1 alpha-2
	Lat     float64 // degrees, WGS 84
	Lon     float64
}

// World is the hosts that the generator may use, in no particular order.
type World struct {
	V4, V6 []Host
}

// Locate answers where an address is; ok is false unless city and coordinates are
// known. It is what a demo needs of a GeoIP database.
type Locate func(netip.Addr) (h Host, ok bool)

// weight says how many hosts of a country take part, roughly by people on the
// Internet, with a floor that keeps every continent visible. Countries that are
// not listed get one.
var weight = map[string]int{
	"US": 90, "CN": 60, "IN": 60, "BR": 40, "DE": 40, "JP": 40, "GB": 32, "FR": 30, "ID": 26, "RU": 24,
	"KR": 20, "MX": 20, "CA": 20, "AU": 18, "IT": 18, "ES": 18, "NL": 18, "NG": 16, "ZA": 16, "TR": 16,
	"PL": 14, "EG": 14, "PK": 12, "VN": 12, "TH": 12, "PH": 12, "AR": 12, "CO": 10, "SE": 10, "CH": 8,
	"UA": 8, "KE": 8, "MA": 8, "MY": 8, "SG": 8, "TW": 8, "HK": 8, "SA": 8, "AE": 8, "IR": 8, "BD": 8,
	"CL": 8, "PE": 8, "NZ": 6, "NO": 6, "FI": 6, "DK": 6, "IE": 6, "AT": 6, "BE": 6, "PT": 6, "CZ": 6,
	"RO": 6, "GR": 6, "HU": 6, "IL": 6, "DZ": 5, "TN": 4, "GH": 5, "ET": 4, "TZ": 4, "SN": 3, "CI": 3,
	"CM": 3, "UG": 3, "KZ": 5, "UZ": 3, "LK": 3, "NP": 3, "VE": 5, "EC": 4, "BO": 3, "UY": 3, "CR": 3,
	"IS": 2, "EE": 2, "LV": 2, "LT": 2, "BG": 4, "RS": 4, "MN": 2, "FJ": 2, "PG": 2, "MU": 2, "MG": 2,
}

// draws is how many addresses are drawn of each IP version: enough to meet countries
// that hold a thousandth of the Internet, few enough for half a second of look-ups.
const draws = 150_000

// NewWorld picks hosts by drawing addresses at random and keeping those that are
// located, as many of each country as its weight says; a city with more addresses
// is met more often. The same seed and database give the same world. It fails when
// the database knows too few places to show anything.
func NewWorld(seed uint64, locate Locate) (*World, error) { return newWorld(seed, draws, locate) }

func newWorld(seed uint64, draws int, locate Locate) (*World, error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &World{
		V4: pick(locate, draws, func() netip.Addr { return draw4(rng) }),
		V6: pick(locate, draws, func() netip.Addr { return draw6(rng) }),
	}
	if len(w.V4) < 50 {
		return nil, errors.New("pick hosts of the world: the GeoIP database locates next to no address " +
			"(check it with \"packetheat geo status\")")
	}
	if len(w.V6) == 0 { // a database without IPv6: no reason to show nothing
		w.V6 = w.V4
	}
	return w, nil
}

// pick draws until every country has its hosts or draws are used up.
func pick(locate Locate, draws int, draw func() netip.Addr) []Host {
	var hosts []Host
	count := make(map[string]int)
	for range draws {
		a := draw()
		if !a.IsGlobalUnicast() || a.IsPrivate() {
			continue
		}
		h, ok := locate(a)
		if !ok {
			continue
		}
		if n := count[h.Country]; n < max(weight[h.Country], 1) {
			count[h.Country] = n + 1
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// draw4 returns a random address from 1.0.0.0 to 223.255.255.255.
func draw4(rng *rand.Rand) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 1<<24+rng.Uint32N(223<<24))
	return netip.AddrFrom4(b)
}

// v6Blocks are the large blocks the regional registries hand out of (IANA IPv6
// Global Unicast Address Assignments), with how many bits behind the prefix are
// varied: allocations lie at the beginning of these blocks more than at their end.
var v6Blocks = []struct {
	prefix uint32 // first 32 bits
	bits   int
}{
	{0x24000000, 20}, {0x26000000, 20}, {0x28000000, 20}, {0x2a000000, 20}, {0x2c0f0000, 16},
	{0x20010200, 9}, {0x20010400, 9}, {0x20010600, 9}, {0x20010800, 9}, {0x20011200, 9},
}

// draw6 returns a random address in one of the registries' blocks.
func draw6(rng *rand.Rand) netip.Addr {
	block := v6Blocks[rng.IntN(len(v6Blocks))]
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], block.prefix+rng.Uint32N(1<<block.bits))
	binary.BigEndian.PutUint16(b[6:], uint16(rng.Uint32N(256)))
	binary.BigEndian.PutUint64(b[8:], rng.Uint64()>>48)
	return netip.AddrFrom16(b)
}
