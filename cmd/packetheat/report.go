package main

import (
	"github.com/packetheat/packetheat/cmd/internal/health"
)

// report answers SIGUSR1: all that status and metrics would tell, for sensors without a
// dashboard, and for the day on which nothing else answers. Each line is a subject.
func (r *live) report() {
	s := r.sensor.Status()
	b, say := s.Books, r.log.Info
	say("statistics", "captured", b.Captured.Packets, "bytes", b.Captured.Bytes, "kernel_drops", b.Drops, "freezes", b.Freezes,
		"filtered", b.Filtered.Packets, "non_ip", b.NonIP.Packets, "undecodable", b.Undecodable.Packets,
		"local_only", b.LocalOnly.Packets, "one_public", b.OnePublic.Packets, "two_public", b.TwoPublic.Packets,
		"folded", b.Folded.Packets, "late", b.Late.Packets, "tunnelled", s.Tunnelled, "points", s.Points, "unlocated", s.Unlocated.Packets,
		"commits", s.Commits, "commit_errors", s.CommitErrors, "queued_ticks", s.QueuedTicks, "merged_ticks", s.MergedTicks,
		"held_ticks", s.HeldTicks, "restamped_ticks", s.RestampedTicks, "last_packet", s.LastPacket, "last_commit", s.LastCommit,
		"backlog_drops", s.Losses.BacklogDrops, "rx_dropped", s.Losses.RxDropped, "rx_missed", s.Losses.RxMissed, "rx_fifo", s.Losses.RxFIFO)
	for _, i := range s.Interfaces {
		say("statistics of interface", "interface", i.Name, "state", i.State, "rings", i.Shards, "ring_bytes", i.RingBytes, "last_read", i.Read,
			"frames", i.Books.Frames, "kernel_drops", i.Books.Drops, "freezes", i.Books.Freezes,
			"rx_dropped", i.Losses.RxDropped, "rx_missed", i.Losses.RxMissed, "rx_fifo", i.Losses.RxFIFO)
	}
	m := r.storeMetrics()
	say("statistics of store", "bytes", storeBytes(r.c.Store.Path), "free_bytes", m.Free, "log_bytes", m.Log, "unused_bytes", m.Unused,
		"unsealed_intervals", m.Open, "late_batches", m.Late, "pruned_points", m.PrunedPoints, "pruned_bytes", m.PrunedBytes,
		"recovered", r.store.Recovered())
	g := r.geo.Stats()
	say("statistics of places", "hits", g.Hits, "misses", g.Misses, "evictions", g.Evictions, "decoded", g.Decoded, "faults", r.geo.Faults())
	e := r.exports()
	say("statistics of files", "rewrites", e.Rewrites, "failures", e.Failures, "skipped", e.Skipped, "seconds", e.Used, "last_error", e.LastError)
	d, a, l, c := r.traffic(), r.alerts.Load().Counts(), r.log.limit.Counts(), r.reloadCounts()
	say("statistics of readers", "answers_2xx", d.Classes[2], "answers_4xx", d.Classes[4], "answers_5xx", d.Classes[5], "questions", d.Questions,
		"downloads", d.Downloads, "streams", d.Streams, "alerts_lasting", a.Lasting, "webhook_pending", a.Pending, "webhook_failures", a.Failures)
	say("statistics of program", "log_suppressed", l.Suppressed, "reloads_taken", c.Taken, "reloads_refused", c.Refused)
	for _, w := range s.Warnings {
		say("warning in force", "code", w.Code, "text", w.Text, "mend", w.Mend)
	}
	for _, check := range r.checks() {
		if !check.OK && check.Level > health.Notice {
			r.log.Error("check fails", "check", check.Name, "level", check.Level.String(), "text", check.Text)
		} else {
			say("check", "check", check.Name, "ok", check.OK, "text", check.Text)
		}
	}
}
