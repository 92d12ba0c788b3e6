package metrics

import (
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
)

// collectSensor shows the way of the packets.
func (c *collector) collectSensor(send sending) {
	s := c.Sensor()
	for _, i := range s.Interfaces {
		send(ringFrames, float64(i.Books.Ring), i.Name)
		send(ringDrops, float64(i.Books.Drops), i.Name)
		send(ringFreezes, float64(i.Books.Freezes), i.Name)
		send(ringCaptured, float64(i.Books.Frames), i.Name)
		send(shards, float64(i.Shards), i.Name)
		send(ringBytes, float64(i.RingBytes), i.Name)
		send(captureUp, truth(i.Shards > 0 && i.State == "capturing"), i.Name)
		send(lastRead, seconds(i.Read), i.Name)
		send(rxDropped, float64(i.Losses.RxDropped), i.Name)
		send(rxMissed, float64(i.Losses.RxMissed), i.Name)
		send(rxFIFO, float64(i.Losses.RxFIFO), i.Name)
	}
	send(capturing, seconds(s.Capturing))
	send(backlog, float64(s.Losses.BacklogDrops))
	b := &s.Books
	for _, part := range []struct {
		state string
		count store.Count
	}{
		{"captured", b.Captured}, {"filtered", b.Filtered}, {"non_ip", b.NonIP}, {"undecodable", b.Undecodable}, {"decoded", b.Decoded},
		{"local_only", b.LocalOnly}, {"one_public", b.OnePublic}, {"two_public", b.TwoPublic}, {"folded", b.Folded}, {"late", b.Late},
	} {
		send(packets, float64(part.count.Packets), part.state)
		send(octets, float64(part.count.Bytes), part.state)
	}
	send(points, float64(s.Points))
	send(endpoints, float64(s.Endpoints.Packets))
	send(unlocated, float64(s.Unlocated.Packets))
	send(tunnelled, float64(s.Tunnelled))
	send(lastTick, seconds(s.LastTick))
	send(queuedTicks, float64(s.QueuedTicks))
	send(heldTicks, float64(s.HeldTicks))
	send(restamped, float64(s.RestampedTicks))
	send(lastPacket, seconds(s.LastPacket))
	send(lastCommit, seconds(s.LastCommit))
	given := map[string]int{}
	for _, code := range sensor.WarningCodes() {
		given[code] = 0
	}
	for _, w := range s.Warnings {
		given[w.Code]++
	}
	for code, n := range given {
		send(warnings, float64(n), code)
	}
	send(mergedTicks, float64(s.MergedTicks))
	send(commits, float64(s.Commits))
	send(commitErrors, float64(s.CommitErrors))
}
