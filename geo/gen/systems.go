package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"github.com/packetheat/packetheat/geo/internal/pack"
)

// asnSource is what the source of autonomous systems holds: systems by id, and
// networks.
type asnSource struct {
	systems []pack.System
	v4, v6  space
}

// readSystems reads the two CSV files of ip-location-db's asn, which have the
// first and last address of a range, a number and an organisation.
func readSystems(path4, path6 string) (*asnSource, error) {
	src := &asnSource{systems: []pack.System{{}}, v4: space{version: 4}, v6: space{version: 6}}
	ids := map[uint32]int32{0: noPlace}
	if err := src.read(path4, &src.v4, ids); err != nil {
		return nil, fmt.Errorf("read %q: %w", path4, err)
	}
	if err := src.read(path6, &src.v6, ids); err != nil {
		return nil, fmt.Errorf("read %q: %w", path6, err)
	}
	return src, nil
}

func (src *asnSource) read(path string, s *space, ids map[uint32]int32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.ReuseRecord, rows.FieldsPerRecord = true, 4
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		first, err1 := netip.ParseAddr(row[0])
		last, err2 := netip.ParseAddr(row[1])
		number, err3 := strconv.ParseUint(row[2], 10, 32)
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		id, ok := ids[uint32(number)]
		if !ok {
			id = int32(len(src.systems))
			ids[uint32(number)] = id
			src.systems = append(src.systems, pack.System{ASN: uint32(number), Org: row[3]})
		}
		s.addRange(first, last, id)
	}
	slices.SortFunc(s.networks, func(a, b network) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.bits, b.bits))
	})
	return nil
}

// addRange adds the networks that make up a range of addresses. Of IPv6 the
// upper 64 bits are looked at only: networks are not announced by less.
func (s *space) addRange(first, last netip.Addr, id int32) {
	lo, hi := keyed(netip.PrefixFrom(first, 0), 0).key, keyed(netip.PrefixFrom(last, 0), 0).key
	if s.version == 4 {
		hi |= 1<<32 - 1 // the key of one address stands for all below it
	}
	for {
		// The largest block that starts at lo and does not go beyond hi.
		free := 64
		if lo != 0 {
			free = bits.TrailingZeros64(lo)
		}
		for free > 0 && (free == 64 || lo+(1<<free-1) > hi) {
			free--
		}
		s.networks = append(s.networks, network{lo, uint8(64 - free), id})
		end := lo + (1<<free - 1)
		if end >= hi {
			return
		}
		lo = end + 1
	}
}
