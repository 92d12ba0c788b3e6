package sqlite

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Every blob begins with what it is, the version of its layout and a CRC-32C of
// all else, because SQLite's own integrity_check does not look inside a blob.
//
//	byte 0     part
//	byte 1     version
//	bytes 2-5  CRC-32C of bytes 0, 1 and 6 to the end, little-endian
//	bytes 6-   content
const (
	sealSize    = 6
	sealVersion = 1
)

// The parts that are sealed.
const (
	partSums  = 'S'
	partEnds  = 'E'
	partBooks = 'B'

	partTimes   = 'T' // of a tier
	partSamples = 'P'
	partSpans   = 'C'
)

// errDamaged is the error of every blob that is not as it was written.
var errDamaged = errors.New("block is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// beginSeal appends room for a seal to b; endSeal fills it.
func beginSeal(b []byte, part byte) []byte {
	return append(b, part, sealVersion, 0, 0, 0, 0)
}

// endSeal completes the sealed blob b in place and returns it.
func endSeal(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[2:], sealSum(b))
	return b
}

// unseal checks b and returns its content.
func unseal(b []byte, part byte) ([]byte, error) {
	if len(b) < sealSize || b[0] != part || b[1] != sealVersion ||
		binary.LittleEndian.Uint32(b[2:]) != sealSum(b) {
		return nil, errDamaged
	}
	return b[sealSize:], nil
}

func sealSum(b []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, b[:2]), castagnoli, b[sealSize:])
}
