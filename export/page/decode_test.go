package page

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// decoded is what a reader makes of the columns: rows and details name the
// renumbered places.
type decoded struct {
	Meta    Meta
	Places  []Place
	Rows    []Row
	Details []Detail
}

// unpack undoes the gzip of Encode.
func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// decode is a second reading of the format, written from the package
// documentation and independent of the encoder.
func decode(b []byte) (*decoded, error) {
	if len(b) < 12 || string(b[:6]) != "PHCOLS" || binary.LittleEndian.Uint16(b[6:]) != 1 {
		return nil, fmt.Errorf("no magic")
	}
	n := int(binary.LittleEndian.Uint32(b[8:]))
	d := &decoded{}
	if err := json.Unmarshal(b[12:12+n], &d.Meta); err != nil {
		return nil, err
	}
	b = b[12+n:]
	numbers, texts := map[byte][]uint64{}, map[byte][]string{}
	for len(b) > 0 {
		id, kind := b[0], b[1]
		count, length := int(binary.LittleEndian.Uint32(b[4:])), int(binary.LittleEndian.Uint32(b[8:]))
		payload := b[12 : 12+length]
		b = b[12+length:]
		switch kind {
		case 0:
			for _, x := range payload {
				numbers[id] = append(numbers[id], uint64(x))
			}
		case 1:
			for i := range count {
				u := uint32(payload[i]) | uint32(payload[count+i])<<8 | uint32(payload[2*count+i])<<16 | uint32(payload[3*count+i])<<24
				numbers[id] = append(numbers[id], uint64(int64(int32(u))))
			}
		case 2:
			for range count {
				i := bytes.IndexByte(payload, 0)
				texts[id], payload = append(texts[id], string(payload[:i])), payload[i+1:]
			}
		case 3:
			numbers[id] = bitwise(payload, count)
		}
	}
	for i, f := range numbers[3] {
		p := Place{
			HasCoordinates: f&1 == 1, Precision: []string{"", "city", "region", "country"}[f>>1&3],
			Latitude: float64(int64(numbers[1][i])) / 1e4, Longitude: float64(int64(numbers[2][i])) / 1e4,
			Country: texts[4][i], Region: texts[5][i], City: texts[6][i], AccuracyKM: uint16(numbers[7][i]),
		}
		d.Places = append(d.Places, p)
	}
	var key, bin uint64
	for i, delta := range numbers[16] {
		if delta == 0 && i > 0 {
			bin += numbers[17][i] + 1
		} else {
			bin = numbers[17][i]
		}
		key += delta
		d.Rows = append(d.Rows, Row{
			Bin: uint32(bin), Place: uint32(key / 8), Proto: uint8(key / 2 % 4), Out: key%2 == 1,
			Packets: numbers[18][i], Bytes: numbers[18][i]*numbers[19][i] + numbers[21][i], Opens: numbers[20][i],
		})
	}
	var at uint64
	for i, delta := range numbers[32] {
		at += delta
		d.Details = append(d.Details, Detail{
			Place: uint32(at), Kind: Kind(numbers[33][i]), Name: texts[35][i], Number: uint32(numbers[36][i]),
			Proto: uint8(numbers[34][i] / 2), Out: numbers[34][i]%2 == 1,
			Packets: numbers[37][i], Bytes: numbers[38][i], Opens: numbers[39][i],
			First: uint32(numbers[40][i]), Last: uint32(numbers[40][i] + numbers[41][i]),
		})
	}
	return d, nil
}

// bitwise reads magnitudes one bit at a time.
func bitwise(payload []byte, count int) []uint64 {
	out := make([]uint64, count)
	at := 8 * count
	for i := range out {
		n := int(payload[i])
		if n == 0 {
			continue
		}
		out[i] = 1 << (n - 1)
		for bit := range n - 1 {
			out[i] |= uint64(payload[at/8]>>(at%8)&1) << bit
			at++
		}
	}
	return out
}
