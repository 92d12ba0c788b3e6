package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var (
	little = binary.LittleEndian
	big    = binary.BigEndian
	orders = []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{little, big}
)

// order is either byte order.
type order = interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// pcapHeader is the header of a pcap file.
func pcapHeader(o order, magic uint32, major, minor uint16, link uint32) []byte {
	h := o.AppendUint32(nil, magic)
	h = o.AppendUint16(h, major)
	h = o.AppendUint16(h, minor)
	h = append(h, make([]byte, 8)...) // time zone, accuracy
	h = o.AppendUint32(h, 65535)
	return o.AppendUint32(h, link)
}

// pcapRecord is one record: its header of four numbers, extra header, data.
func pcapRecord(o order, head [4]uint32, extra, data []byte) []byte {
	var r []byte
	for _, v := range head {
		r = o.AppendUint32(r, v)
	}
	return append(append(r, extra...), data...)
}

// ngBlock is one block of pcapng.
func ngBlock(o order, kind uint32, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	for len(all)%4 != 0 {
		all = append(all, 0)
	}
	size := uint32(len(all) + 12)
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, size)
	b = append(b, all...)
	return o.AppendUint32(b, size)
}

// ngWords is a body, or part of one, of 32-bit numbers.
func ngWords(o order, words ...uint32) (b []byte) {
	for _, w := range words {
		b = o.AppendUint32(b, w)
	}
	return b
}

// ngOption is one option.
func ngOption(o order, code uint16, value []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// ngSHB is a section header of unknown section length.
func ngSHB(o order) []byte {
	version := o.AppendUint16(o.AppendUint16(nil, 1), 0)
	return ngBlock(o, ngSection, ngWords(o, ngByteOrder), version, ngWords(o, 0xffffffff, 0xffffffff))
}

// ngIDB describes an interface.
func ngIDB(o order, link uint16, snaplen uint32, options ...[]byte) []byte {
	return ngBlock(o, ngInterface, append([][]byte{o.AppendUint16(nil, link), {0, 0}, ngWords(o, snaplen)}, options...)...)
}

// ngEPB is an enhanced packet.
func ngEPB(o order, id uint32, stamp uint64, wireLen uint32, data []byte, options ...[]byte) []byte {
	head := ngWords(o, id, uint32(stamp>>32), uint32(stamp), uint32(len(data)), wireLen)
	padding := make([]byte, (4-len(data)%4)%4)
	return ngBlock(o, ngEnhancedPacket, append([][]byte{head, data, padding}, options...)...)
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// frames reads a capture to its end; Data is copied.
func frames(t testing.TB, f *File) (all []Frame) {
	t.Helper()
	for {
		b, err := f.ReadBlock(time.Minute)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil || b == nil {
			t.Fatalf("ReadBlock = %v, %v", b, err)
		}
		for _, frame := range walk(b) {
			frame.Data = bytes.Clone(frame.Data)
			all = append(all, frame)
		}
	}
}

// readBytes opens a capture in memory and reads it to its end.
func readBytes(t testing.TB, b []byte) ([]Frame, *File) {
	t.Helper()
	f, err := OpenReader(bytes.NewReader(b), "memory")
	if err != nil {
		t.Fatal(err)
	}
	all := frames(t, f)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return all, f
}

// fourFramesBzip2 is fourFrames(big), packed by Python's bz2.compress.
const fourFramesBzip2 = "425a6839314159265359f4b6c71b00002c491ef73e0004078020001000080004000000a0003140d343232620c9268c26d321a79f810b967a1ba222057675f80221a4490355a4b7c8d4745dc914e14243d2db1c6c"
