package pack

import (
	"encoding/binary"
	"math"
)

// Metadata is what a MaxMind DB says about itself, besides what follows from
// its content.
type Metadata struct {
	Type        string // database_type, by which readers know the schema
	Description string // in English
}

// MMDB writes the database as a MaxMind DB file of IP version 6, with the IPv4
// tree at ::/96, in the schema of GeoLite2 City or GeoLite2 ASN.
// The format is MaxMind's: https://maxmind.github.io/MaxMind-DB/
func (db *Database) MMDB(meta Metadata) []byte {
	var d dataWriter
	var offsets []uint32
	if db.Systems != nil {
		offsets = d.systems(db.Systems)
	} else {
		offsets = d.places(db.Places)
	}
	t := treeWriter{v4: db.V4, v6: db.V6}
	t.count = t.size()
	t.recordBits = 24
	if t.count+dataSeparator+len(d.buf) >= 1<<24 {
		t.recordBits = 28
	}
	// Room for all at once: the tree is most of the memory.
	t.out = make([]byte, 0, t.count*t.recordBits/4+dataSeparator+len(d.buf)+1024)
	t.offsets = offsets
	t.node(&t.v6, 0, true)

	out := append(t.out, make([]byte, dataSeparator)...)
	out = append(out, d.buf...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	var m dataWriter
	m.mapOf(9)
	m.str("binary_format_major_version").uint(kindUint16, 2)
	m.str("binary_format_minor_version").uint(kindUint16, 0)
	m.str("build_epoch").uint(kindUint64, uint64(db.Epoch))
	m.str("database_type").str(meta.Type)
	m.str("description").mapOf(1).str("en").str(meta.Description)
	m.str("ip_version").uint(kindUint16, 6)
	m.str("languages").array(1).str("en")
	m.str("node_count").uint(kindUint32, uint64(t.count))
	m.str("record_size").uint(kindUint16, uint64(t.recordBits))
	return append(out, m.buf...)
}

// dataSeparator is the number of zero bytes between tree and data.
const dataSeparator = 16

// ipv4Depth is where the IPv4 tree hangs in that of IPv6.
const ipv4Depth = 96

// Like the decoder's, the functions of the writers are marked norace: they
// touch their own memory only.

// treeWriter writes the search tree, its nodes numbered from left to right.
type treeWriter struct {
	v4, v6     []int32 // the rest of each sequence
	offsets    []uint32
	count      int
	recordBits int
	out        []byte
	written    int
}

// size counts the nodes there will be: the splits of both trees, and the chain
// from the leftmost leaf of the IPv6 tree down to the root of the IPv4 tree.
//
//go:norace
func (t *treeWriter) size() int {
	n, depth := 0, 0
	for t.v6[depth] == Split {
		depth++
	}
	for _, tree := range [...][]int32{t.v4, t.v6} {
		for _, sym := range tree {
			n += b2i(sym == Split)
		}
	}
	return n + ipv4Depth - depth
}

// node writes the next node of a sequence, with all below it, and returns the
// value that its parent's record gets. On the leftmost path of the IPv6 tree
// zeros is set, and the leaf at its end makes way for the IPv4 tree.
//
//go:norace
func (t *treeWriter) node(seq *[]int32, depth int, zeros bool) int {
	sym := (*seq)[0]
	if sym != Split {
		*seq = (*seq)[1:]
		if zeros {
			return t.chain(depth)
		}
		if sym == 0 {
			return t.count // no record
		}
		return t.count + dataSeparator + int(t.offsets[sym])
	}
	*seq = (*seq)[1:]
	number, at := t.reserve()
	left := t.node(seq, depth+1, zeros)
	right := t.node(seq, depth+1, false)
	t.set(at, left, right)
	return number
}

// chain writes the nodes from depth to the IPv4 tree, and that.
func (t *treeWriter) chain(depth int) int {
	if depth == ipv4Depth {
		return t.node(&t.v4, 0, false)
	}
	number, at := t.reserve()
	t.set(at, t.chain(depth+1), t.count)
	return number
}

//go:norace
func (t *treeWriter) reserve() (number, at int) {
	number, at = t.written, len(t.out)
	t.written++
	t.out = t.out[:at+t.recordBits/4]
	return number, at
}

// set fills in the two records of a node.
//
//go:norace
func (t *treeWriter) set(at, left, right int) {
	b := t.out[at : at+t.recordBits/4]
	b[0], b[1], b[2] = byte(left>>16), byte(left>>8), byte(left)
	if t.recordBits == 28 {
		b[3] = byte(left>>24)<<4 | byte(right>>24)&0xf
		b = b[1:]
	}
	b[3], b[4], b[5] = byte(right>>16), byte(right>>8), byte(right)
}

// Types of the data section.
const (
	kindPointer = 1
	kindString  = 2
	kindDouble  = 3
	kindUint16  = 5
	kindUint32  = 6
	kindMap     = 7
	kindUint64  = 9
	kindArray   = 11
)

// dataWriter writes values of the data section. Its methods return it, so that
// a map reads as a chain of keys and values.
type dataWriter struct {
	buf  []byte
	keys [keyCount]uint32 // where each key was written, 0 for nowhere yet
}

// control writes the type and size in front of a value.
//
//go:norace
func (d *dataWriter) control(kind, size int) {
	first, rest := byte(0), []byte(nil)
	switch {
	case size < 29:
		first = byte(size)
	case size < 285:
		first, rest = 29, []byte{byte(size - 29)}
	default: // up to 65,820 bytes: no name is longer
		first, rest = 30, binary.BigEndian.AppendUint16(nil, uint16(size-285))
	}
	if kind < 8 {
		d.buf = append(d.buf, byte(kind)<<5|first)
	} else {
		d.buf = append(d.buf, first, byte(kind-7))
	}
	d.buf = append(d.buf, rest...)
}

//go:norace
func (d *dataWriter) str(s string) *dataWriter {
	d.control(kindString, len(s))
	d.buf = append(d.buf, s...)
	return d
}

func (d *dataWriter) uint(kind int, v uint64) *dataWriter {
	b := binary.BigEndian.AppendUint64(nil, v)
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	d.control(kind, len(b))
	d.buf = append(d.buf, b...)
	return d
}

//go:norace
func (d *dataWriter) double(v float64) *dataWriter {
	d.control(kindDouble, 8)
	d.buf = binary.BigEndian.AppendUint64(d.buf, math.Float64bits(v))
	return d
}

func (d *dataWriter) mapOf(n int) *dataWriter { d.control(kindMap, n); return d }

func (d *dataWriter) array(n int) *dataWriter { d.control(kindArray, n); return d }

// pointer writes a reference to what stands at an offset. The three short
// forms count from 0, 2,048 and 526,336.
//
//go:norace
func (d *dataWriter) pointer(offset uint32) *dataWriter {
	switch {
	case offset < 2048:
		d.buf = append(d.buf, kindPointer<<5|byte(offset>>8), byte(offset))
	case offset < 526336:
		v := offset - 2048
		d.buf = append(d.buf, kindPointer<<5|1<<3|byte(v>>16), byte(v>>8), byte(v))
	case offset < 526336+1<<27:
		v := offset - 526336
		d.buf = append(d.buf, kindPointer<<5|2<<3|byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	default:
		d.buf = append(d.buf, kindPointer<<5|3<<3, byte(offset>>24), byte(offset>>16), byte(offset>>8), byte(offset))
	}
	return d
}

// The keys of maps. Each is written where it is needed first, and is a pointer
// to there afterwards.
const (
	keyCity = iota
	keyCountry
	keyLocation
	keySubdivisions
	keyNames
	keyEnglish
	keyISOCode
	keyLatitude
	keyLongitude
	keyNumber
	keyOrganization
	keyCount
)

var keyNamesOf = [keyCount]string{
	"city", "country", "location", "subdivisions", "names", "en", "iso_code", "latitude", "longitude",
	"autonomous_system_number", "autonomous_system_organization",
}

// key writes the key of a map entry.
func (d *dataWriter) key(k int) *dataWriter {
	if at := d.keys[k]; at != 0 { // a key never comes first
		return d.pointer(at)
	}
	d.keys[k] = uint32(len(d.buf))
	return d.str(keyNamesOf[k])
}

// named writes {"names": {"en": s}}.
func (d *dataWriter) named(s string) {
	d.mapOf(1).key(keyNames).mapOf(1).key(keyEnglish).str(s)
}

// shared is a value that neighbouring records have in common: it is written
// with the first of them, and is a pointer to there in the others.
type shared struct {
	value string
	at    uint32
}

func (d *dataWriter) share(s *shared, value string, write func(string)) {
	if s.at != 0 && s.value == value {
		d.pointer(s.at)
		return
	}
	s.value, s.at = value, uint32(len(d.buf))
	write(value)
}

// places writes the records of places, and returns where they are. They are in
// order, so that equal countries, regions and cities are neighbours.
//
//go:norace
func (d *dataWriter) places(places []Place) []uint32 {
	offsets := make([]uint32, len(places))
	var city, country, region shared
	iso := func(code string) { d.mapOf(1).key(keyISOCode).str(code) }
	first := func(name string) { d.array(1).named(name) }
	for i := 1; i < len(places); i++ {
		p := places[i]
		offsets[i] = uint32(len(d.buf))
		d.mapOf(2 + b2i(p.City != "") + b2i(p.Region != ""))
		d.key(keyCountry).share(&country, p.Country, iso)
		if p.City != "" {
			d.key(keyCity).share(&city, p.City, d.named)
		}
		d.key(keyLocation).mapOf(2)
		d.key(keyLatitude).double(float64(p.Lat) / 1e4)
		d.key(keyLongitude).double(float64(p.Lon) / 1e4)
		if p.Region != "" {
			d.key(keySubdivisions).share(&region, p.Region, first)
		}
	}
	return offsets
}

// systems writes the records of autonomous systems, and returns where they are.
func (d *dataWriter) systems(systems []System) []uint32 {
	offsets := make([]uint32, len(systems))
	for i := 1; i < len(systems); i++ {
		s := systems[i]
		offsets[i] = uint32(len(d.buf))
		d.mapOf(1 + b2i(s.Org != ""))
		d.key(keyNumber).uint(kindUint32, uint64(s.ASN))
		if s.Org != "" {
			d.key(keyOrganization).str(s.Org)
		}
	}
	return offsets
}
