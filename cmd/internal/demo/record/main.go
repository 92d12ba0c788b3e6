// Command record writes the demo's traffic into a capture file instead of onto a wire,
// so that tests and pictures have hours of history in a second:
//
//	go run ./cmd/internal/demo/record -o day.pcap -from 2026-11-21T00:00:00Z -for 24h -stretch 360
//	packetheat replay day.pcap --data data-day
//
// With -stretch the demo's clock runs so many times slower: its day of four minutes
// takes 24 hours at 360, with the same frames further apart. The same flags write the
// same file.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/packetheat/packetheat/cmd/internal/demo"
	"github.com/packetheat/packetheat/geo"
)

// snaplen is how much of a frame is kept: its headers, as the sensor's own default.
const snaplen = 128

// recording says what to write.
type recording struct {
	seed    uint64
	from    time.Time
	length  time.Duration // of the file
	stretch float64       // seconds of the file for a second of the demo
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("record: ")
	r := recording{}
	out := flag.String("o", "demo.pcap", "`FILE` to write")
	from := flag.String("from", time.Now().Add(-time.Hour).UTC().Truncate(10*time.Second).Format(time.RFC3339), "`TIME` of the first frame, RFC 3339")
	flag.DurationVar(&r.length, "for", time.Hour, "`TIME` that the file covers")
	flag.Float64Var(&r.stretch, "stretch", 1, "let the demo's clock run `FACTOR` times slower")
	flag.Uint64Var(&r.seed, "seed", 1, "the same `NUMBER` makes the same traffic")
	flag.Parse()
	var err error
	if r.from, err = time.Parse(time.RFC3339, *from); err != nil {
		log.Fatalf("-from %q is no time: write it like 2026-11-21T14:00:00Z", *from)
	}
	if r.length <= 0 || r.stretch <= 0 {
		log.Fatal("-for and -stretch must be more than nothing")
	}
	if err := save(*out, r); err != nil {
		log.Fatal(err)
	}
}

// save writes the recording to a file.
func save(name string, r recording) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	frames, err := r.write(w)
	if err != nil {
		return fmt.Errorf("write %q: %w", name, err)
	}
	fmt.Printf("%d frames, %s to %s\n", frames, r.from.Format(time.RFC3339), r.from.Add(r.length).Format(time.RFC3339))
	return w.Flush()
}

// write writes the recording as a pcap file and returns how many frames it has.
func (r recording) write(to io.Writer) (frames int, err error) {
	world, err := worldOf(r.seed)
	if err != nil {
		return 0, err
	}
	w := pcapgo.NewWriterNanos(to)
	if err := w.WriteFileHeader(snaplen, layers.LinkTypeEthernet); err != nil {
		return 0, err
	}
	end := time.Duration(float64(r.length) / r.stretch)
	err = demo.NewTraffic(r.seed, world).Until(end, func(at time.Duration, frame []byte) error {
		frames++
		kept := frame[:min(len(frame), snaplen)]
		return w.WritePacket(gopacket.CaptureInfo{
			Timestamp:     r.from.Add(time.Duration(float64(at) * r.stretch)),
			CaptureLength: len(kept), Length: len(frame),
		}, kept)
	})
	return frames, err
}

// worldOf picks the demo's hosts from the built-in places, so that the same seed is
// the same world on every machine.
func worldOf(seed uint64) (*demo.World, error) {
	db, err := geo.Open(geo.Config{Search: []string{}})
	if err != nil {
		return nil, err
	}
	world, err := demo.NewWorld(seed, func(a netip.Addr) (demo.Host, bool) {
		l := db.Locate(a)
		return demo.Host{Addr: a, Country: l.Country, Lat: l.Latitude, Lon: l.Longitude}, l.HasCoordinates
	})
	return world, errors.Join(err, db.Close())
}
