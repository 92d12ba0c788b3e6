package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"
)

// TestRecording reads what was written: all of it within its time and in order, the
// headers only, with the length it had, and the same the second time.
func TestRecording(t *testing.T) {
	r := recording{seed: 3, from: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), length: time.Hour, stretch: 360}
	var file, again bytes.Buffer
	frames, err := r.write(&file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.write(&again); err != nil || !bytes.Equal(file.Bytes(), again.Bytes()) {
		t.Errorf("the same flags write another file (%v)", err)
	}
	in, err := pcapgo.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	read, cut, last := 0, 0, r.from
	for {
		data, info, err := in.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read++
		if info.Timestamp.Before(last) || !info.Timestamp.Before(r.from.Add(r.length)) {
			t.Fatalf("frame %d is of %s, the one before of %s", read, info.Timestamp, last)
		}
		last = info.Timestamp
		if len(data) > snaplen {
			t.Fatalf("frame %d has %d octets, more than %d", read, len(data), snaplen)
		}
		if info.Length > len(data) {
			cut++
		}
	}
	if read != frames || frames < 1000 || cut == 0 {
		t.Errorf("read %d of %d frames, %d of them cut", read, frames, cut)
	}
	if last.Before(r.from.Add(50 * time.Minute)) {
		t.Errorf("the last frame is of %s: the hour is not filled", last)
	}
}
