package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sort"

	"github.com/oschwald/maxminddb-golang/v2"
)

// place is one distinct place of the source. The zero place is "not located".
type place struct {
	country, region, city string
	lat, lon              float64 // rounded to four decimals
}

// noPlace is the id of the zero place in every table of places.
const noPlace = 0

// network is one network of the source: the addresses that share the first
// bits of key. IPv4 addresses stand in the upper 32 bits of the key, of IPv6
// addresses the upper 64 are kept.
type network struct {
	key   uint64
	bits  uint8
	place int32
}

// space is all networks of one IP version, in order of their keys.
type space struct {
	version  int
	networks []network
}

// votes is what a network counts when the result is measured. In IPv4 that is
// its addresses. In IPv6 one network that nobody uses would outweigh all
// others by that measure, so there each network of the source counts as one.
func (s *space) votes(n network) float64 {
	if s.version == 4 {
		return math.Ldexp(1, 32-int(n.bits))
	}
	return 1
}

// weight is what a network counts while the tree is pruned. In IPv6 a provider
// with one network for all its customers counts more than the source's finest
// networks, though less than by addresses: twice as much for three bits.
func (s *space) weight(n network) float64 {
	if s.version == 6 && n.bits < 48 {
		return math.Exp2(float64(48-n.bits) / 3)
	}
	return s.votes(n)
}

// gap is what a block without a network counts, so that nothing is claimed
// for addresses of which the source knows nothing. All beyond IPv6's 2000::/3
// has to stay empty.
func (s *space) gap(bits int) float64 {
	if s.version == 4 {
		return math.Ldexp(1, 32-bits)
	}
	if bits <= 3 {
		return math.Ldexp(1, 30)
	}
	return 1
}

// maxBits is the longest prefix that is told apart.
func (s *space) maxBits() int {
	if s.version == 4 {
		return 32
	}
	return 48
}

// citySource is what the source of places holds: places by id, and networks.
type citySource struct {
	places []place
	v4, v6 space
	epoch  int64 // when the source was built, seconds since 1970
}

// readCities reads the two flat databases of ip-location-db.
func readCities(path4, path6 string) (*citySource, error) {
	src := &citySource{places: []place{{}}}
	ids := map[place]int32{{}: noPlace}
	var err error
	if src.v4, err = src.read(path4, ids); err != nil {
		return nil, err
	}
	if src.v6, err = src.read(path6, ids); err != nil {
		return nil, err
	}
	return src, nil
}

func (src *citySource) read(path string, ids map[place]int32) (space, error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		return space{}, fmt.Errorf("open source: %w", err)
	}
	defer db.Close()
	src.epoch = max(src.epoch, int64(db.Metadata.BuildEpoch))
	s := space{version: int(db.Metadata.IPVersion)}
	byOffset := make(map[uintptr]int32)
	for res := range db.Networks() {
		id, ok := byOffset[res.Offset()]
		if !ok {
			p, err := decodePlace(res)
			if err != nil {
				return s, fmt.Errorf("read %q: %w", path, err)
			}
			if id, ok = ids[p]; !ok {
				id = int32(len(src.places))
				ids[p] = id
				src.places = append(src.places, p)
			}
			byOffset[res.Offset()] = id
		}
		if n := keyed(res.Prefix(), id); !placeholder(s.version, n, src.places[id]) {
			s.networks = append(s.networks, n)
		}
	}
	slices.SortFunc(s.networks, func(a, b network) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.bits, b.bits))
	})
	return s, nil
}

// locate answers from the source itself.
func (src *citySource) locate(addr netip.Addr) (place, error) {
	s := &src.v4
	if addr.Is6() {
		s = &src.v6
	}
	key := keyed(netip.PrefixFrom(addr, 0), 0).key
	i := sort.Search(len(s.networks), func(i int) bool { return s.networks[i].key > key }) - 1
	if i < 0 || (key^s.networks[i].key)>>(64-min(s.networks[i].bits, 64)) != 0 {
		return place{}, nil
	}
	return src.places[s.networks[i].place], nil
}

func decodePlace(res maxminddb.Result) (place, error) {
	var rec struct {
		Country string  `maxminddb:"country_code"`
		Region  string  `maxminddb:"state1"`
		City    string  `maxminddb:"city"`
		Lat     float64 `maxminddb:"latitude"`
		Lon     float64 `maxminddb:"longitude"`
	}
	err := res.Decode(&rec)
	if rec.Country == "" || rec.Country == "ZZ" {
		return place{}, err
	}
	return place{rec.Country, rec.Region, rec.City, round4(rec.Lat), round4(rec.Lon)}, err
}

func round4(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// keyed turns a prefix into a network.
func keyed(p netip.Prefix, id int32) network {
	b := p.Addr().AsSlice()
	key := uint64(0)
	if len(b) == 4 {
		key = uint64(binary.BigEndian.Uint32(b)) << 32
	} else {
		key = binary.BigEndian.Uint64(b)
	}
	return network{key: key, bits: uint8(p.Bits()), place: id}
}

// placeholder tells networks to which the source gives a place that means that
// it knows none. They are found by their number in the list of June 2026: the
// same village in 43,587 IPv6 networks, among them all that IANA never
// assigned, and the seats of five registries for large blocks not handed out.
func placeholder(version int, n network, p place) bool {
	if version == 4 {
		return false
	}
	global := n.key>>61 == 1 // 2000::/3, RFC 4291, section 2.4
	switch {
	case !global, p.city == "Murten/Morat" && p.lat == 46.9219 && p.lon == 7.1659:
		return true
	case n.bits > 21:
		return false
	}
	return slices.Contains([]string{
		"Evere", "Toronto", "Amsterdam (Amsterdam-Centrum)", "Brisbane", "Chantilly",
		"Quatre Bornes (Ebene CyberCity)", "Ebene CyberCity",
	}, p.city)
}
