package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"sync"
)

// Database is an IP database in memory. Either Places or Systems is set; the
// first of them is the zero value, which stands for addresses without a record.
type Database struct {
	// Epoch is when the source was built, in seconds since 1970.
	Epoch int64
	// Places are in order of country, region, city and coordinates.
	Places []Place
	// Systems are in order of number.
	Systems []System
	// V4 and V6 are the nodes of the trees from left to right: Split, with its
	// left half and then its right half following, or the number of a record.
	// An IPv6 tree has at most 64 levels.
	V4, V6 []int32
}

// magic marks the format and its version.
const magic = "PHGEO1\n"

// header has the numbers in front of the three coded parts.
type header struct {
	Systems                  bool
	Epoch                    int64
	Records, Nodes4, Nodes6  uint32
	DictSize, V4Size, V6Size uint32
	Checksum                 uint32 // CRC-32 (IEEE) of the parts
}

// Encode packs a database.
func Encode(db *Database) ([]byte, error) {
	h := header{Epoch: db.Epoch, Nodes4: uint32(len(db.V4)), Nodes6: uint32(len(db.V6))}
	var dict []byte
	var groups *Groups
	if db.Systems != nil {
		var err error
		h.Systems, h.Records = true, uint32(len(db.Systems))
		if dict, err = encodeSystems(db.Systems); err != nil {
			return nil, fmt.Errorf("pack database: %w", err)
		}
		groups = groupSystems(db.Systems)
	} else {
		if len(db.Places) == 0 || db.Places[0] != (Place{}) {
			return nil, errOrder
		}
		h.Records = uint32(len(db.Places))
		c := newEncoder()
		codePlaces(c, slices.Clone(db.Places))
		dict = c.finish()
		groups = groupPlaces(db.Places)
	}
	v4, v6 := encodeTree(db.V4, groups), encodeTree(db.V6, groups)
	h.DictSize, h.V4Size, h.V6Size = uint32(len(dict)), uint32(len(v4)), uint32(len(v6))
	parts := slices.Concat(dict, v4, v6)
	h.Checksum = crc32.ChecksumIEEE(parts)
	out, err := binary.Append([]byte(magic), binary.BigEndian, h)
	if err != nil {
		return nil, fmt.Errorf("pack database: %w", err)
	}
	return append(out, parts...), nil
}

// Decode unpacks a database. The two trees are decoded at the same time.
func Decode(data []byte) (*Database, error) {
	var h header
	if len(data) < len(magic) || string(data[:len(magic)]) != magic {
		return nil, errors.New("unpack database: not a packed database")
	}
	n, err := binary.Decode(data[len(magic):], binary.BigEndian, &h)
	if err != nil {
		return nil, errTruncated
	}
	data = data[len(magic)+n:]
	if uint64(len(data)) != uint64(h.DictSize)+uint64(h.V4Size)+uint64(h.V6Size) {
		return nil, errTruncated
	}
	if crc32.ChecksumIEEE(data) != h.Checksum {
		return nil, errors.New("unpack database: wrong checksum")
	}
	dict, v4, v6 := data[:h.DictSize], data[h.DictSize:h.DictSize+h.V4Size], data[h.DictSize+h.V4Size:]

	db := &Database{Epoch: h.Epoch}
	var groups *Groups
	if h.Systems {
		if db.Systems, err = decodeSystems(dict, int(h.Records)); err != nil {
			return nil, err
		}
		groups = groupSystems(db.Systems)
	} else {
		c := newDecoder(dict)
		db.Places = make([]Place, h.Records)
		codePlaces(c, db.Places)
		if err := c.err(); err != nil {
			return nil, err
		}
		groups = groupPlaces(db.Places)
	}
	var err4, err6 error
	var wg sync.WaitGroup
	wg.Go(func() { db.V4, err4 = decodeTree(v4, int(h.Nodes4), groups) })
	wg.Go(func() { db.V6, err6 = decodeTree(v6, int(h.Nodes6), groups) })
	wg.Wait()
	return db, errors.Join(err4, err6)
}

// Sizes returns the bytes of records, IPv4 tree and IPv6 tree in packed data.
func Sizes(data []byte) (records, v4, v6 int) {
	var h header
	if len(data) >= len(magic) {
		if _, err := binary.Decode(data[len(magic):], binary.BigEndian, &h); err != nil {
			return 0, 0, 0
		}
	}
	return int(h.DictSize), int(h.V4Size), int(h.V6Size)
}

// Each calls f for every block of addresses and its record, those of IPv4
// first, in order, until f returns an error. Record 0 is the empty one.
func (db *Database) Each(f func(prefix netip.Prefix, record int32) error) error {
	var at [16]byte
	var walk func(seq []int32, bits int, of func(bits int) netip.Prefix) ([]int32, error)
	walk = func(seq []int32, bits int, of func(bits int) netip.Prefix) (rest []int32, err error) {
		if seq[0] != Split {
			return seq[1:], f(of(bits), seq[0])
		}
		if rest, err = walk(seq[1:], bits+1, of); err != nil {
			return nil, err
		}
		mask := byte(0x80) >> (bits % 8)
		at[bits/8] |= mask
		rest, err = walk(rest, bits+1, of)
		at[bits/8] &^= mask
		return rest, err
	}
	_, err := walk(db.V4, 0, func(bits int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(at[:4])), bits)
	})
	if err != nil {
		return err
	}
	_, err = walk(db.V6, 0, func(bits int) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom16(at), bits) })
	return err
}
