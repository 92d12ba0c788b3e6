package sensor

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// recorded is a Source that hands out the same blocks over and over, as many as are
// asked for, and takes the time of the thread that reads it.
type recorded struct {
	blocks [][]capture.Frame
	left   int
	begin  time.Duration
	used   time.Duration // between the first block and the end
}

func (r *recorded) ReadBlock(time.Duration) (*capture.Block, error) {
	if r.begin == 0 {
		r.begin = threadTime()
	}
	if r.left == 0 {
		r.used = threadTime() - r.begin
		return nil, io.EOF
	}
	r.left--
	return capture.NewBlock(r.blocks[r.left%len(r.blocks)]), nil
}

func (r *recorded) Stats() (capture.Stats, error) { return capture.Stats{}, nil }
func (r *recorded) Stop()                         {}
func (r *recorded) Close() error                  { return nil }

// threadTime is the time on a core that this thread has had.
func threadTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// recordBlocks lays frames of so many flows out in blocks of 4,096, in random order,
// and gives each shard those of its flows, as a fanout group does.
func recordBlocks(flows, shards int, at time.Time) (blocks [][][]capture.Frame) {
	const perBlock, perShard = 4096, 64
	r := rand.New(rand.NewPCG(4, 4))
	kinds := capturetest.UDPFrames(flows, 60)
	for i, f := range kinds {
		binary.BigEndian.PutUint32(f[26:], 45<<24|uint32(i)) // a public source
		copy(f[30:], []byte{192, 168, 7, 9})
	}
	for shard := range shards {
		var of [][]capture.Frame
		for range perShard / shards {
			memory, block := make([]byte, 0, perBlock*60), make([]capture.Frame, perBlock)
			for i := range block {
				kind := kinds[r.IntN(flows/shards)*shards+shard]
				memory = append(memory, kind...)
				block[i] = capture.Frame{Data: memory[len(memory)-60:], Time: at.UnixNano(), WireLen: 60, Segments: 1, LinkType: capture.LinkEthernet}
			}
			of = append(of, block)
		}
		blocks = append(blocks, of)
	}
	return blocks
}

// runShards counts the blocks so many times in all, each shard on a thread of its own
// as with a ring, and returns how long that took and the thread that took longest.
func runShards(b *testing.B, blocks [][][]capture.Frame, at time.Time, blocksEach int) (wall, thread time.Duration) {
	s := newSensor(b, &memory{}, func(c *Config) { c.Now = func() time.Time { return at } })
	var all sync.WaitGroup
	sources := make([]*recorded, len(blocks))
	begin := time.Now()
	for i := range blocks {
		sources[i] = &recorded{blocks: blocks[i], left: blocksEach}
		sh := s.newShard(i, fmt.Sprint(i), sources[i], true)
		all.Go(func() {
			for t := range sh.out {
				sh.recycle(t.table)
			}
		})
		all.Go(func() {
			if err := sh.run(); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	wall = time.Since(begin)
	for _, source := range sources {
		thread = max(thread, source.used)
	}
	return wall, thread
}

// BenchmarkShards counts recorded blocks with one shard and with two, half of them
// each. speedup is by the clock and needs two free cores; speedup-cpu compares the time
// that the busiest thread had a core for, and shows what is lost to sharing alone.
func BenchmarkShards(b *testing.B) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, flows := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(flows), func(b *testing.B) {
			const total = 512 // blocks: two million frames
			one, two := recordBlocks(flows, 1, at), recordBlocks(flows, 2, at)
			var wall, thread [2]time.Duration
			for b.Loop() {
				for i, blocks := range [][][][]capture.Frame{one, two} {
					w, t := runShards(b, blocks, at, total/len(blocks))
					wall[i] += w
					thread[i] += t
				}
			}
			b.ReportMetric(float64(wall[0])/float64(wall[1]), "speedup")
			b.ReportMetric(float64(thread[0])/float64(thread[1]), "speedup-cpu")
			b.ReportMetric(float64(thread[0].Nanoseconds())/float64(b.N*total*4096), "cpu-ns/frame")
		})
	}
}

// BenchmarkReplay is a capture file of 64-byte frames from 20,000 addresses, 30,000 a
// second, from its octets to the batches that a store would get.
func BenchmarkReplay(b *testing.B) {
	const frames, perSecond, flows = 1_000_000, 30_000, 20_000
	kinds := capturetest.UDPFrames(flows, 64)
	file := make([]byte, 24, 24+frames*80)
	binary.LittleEndian.PutUint32(file, 0xa1b23c4d) // nanoseconds
	binary.LittleEndian.PutUint16(file[4:], 2)
	binary.LittleEndian.PutUint16(file[6:], 4)
	binary.LittleEndian.PutUint32(file[16:], 65535)
	binary.LittleEndian.PutUint32(file[20:], 1)
	r := rand.New(rand.NewPCG(8, 8))
	for i := range frames {
		for _, v := range []int{1_700_000_000 + i/perSecond, i % perSecond * (1_000_000_000 / perSecond), 64, 64} {
			file = binary.LittleEndian.AppendUint32(file, uint32(v))
		}
		kind := r.IntN(flows)
		file = append(file, kinds[kind]...)
		binary.BigEndian.PutUint32(file[len(file)-64+26:], 45<<24|uint32(kind))
	}
	b.SetBytes(int64(len(file)))
	before := processTime()
	for b.Loop() {
		source, err := capture.OpenReader(bytes.NewReader(file), "memory")
		if err != nil {
			b.Fatal(err)
		}
		m := &memory{}
		if err := newSensor(b, m, nil).Replay(context.Background(), []Named{{"memory", source}}); err != nil {
			b.Fatal(err)
		}
		var packets uint64
		for _, batch := range m.batches {
			packets += batch.Books.Captured.Packets
		}
		if packets != frames {
			b.Fatalf("%d packets, want %d", packets, frames)
		}
	}
	b.ReportMetric(float64(b.N)*frames/b.Elapsed().Seconds()/1e6, "Mpackets/s")
	b.ReportMetric(float64(b.N)*frames/(processTime()-before).Seconds()/1e6, "Mpackets/cpu-s")
}

// processTime is the time on cores that this process has had.
func processTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
