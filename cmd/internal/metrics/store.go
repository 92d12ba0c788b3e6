package metrics

// Store are the figures of a store that is written to.
type Store struct {
	Known        bool  // false: the store did not answer, and nothing is shown
	Unused       int64 // bytes of the file that hold nothing
	Log          int64 // bytes of the write-ahead log
	Tiers        [3]int64
	Open, Late   int64 // intervals without a tier, batches that tiers have yet to take in
	Oldest       int64 // Unix seconds; 0: there are no points
	PrunedPoints int64
	PrunedBytes  int64
	PruneSeconds float64

	Sealed, Resealed, Failed uint64 // sums of intervals written, written again, and not to be had
	UpkeepSeconds            float64
}

var (
	storeUnused  = gauge("packetheat_store_unused_bytes", "Room in the store's file that holds nothing and will be given back.")
	storeLog     = gauge("packetheat_store_wal_bytes", "Size of the write-ahead log.")
	storeTiers   = gauge("packetheat_store_tiers", "Sums of whole intervals that the store has.", "level")
	storeOpen    = gauge("packetheat_store_unsealed_intervals", "Intervals of ten minutes that have no sums yet.")
	storeLate    = gauge("packetheat_store_late_batches", "Batches that sums have yet to take in.")
	storeOldest  = gauge("packetheat_store_oldest_points_timestamp_seconds", "Start of the oldest tick whose points are kept.")
	prunedPoints = counter("packetheat_store_pruned_points_total", "Points deleted because of their age or for want of room.")
	prunedBytes  = counter("packetheat_store_pruned_bytes_total", "Room won by deleting.")
	storeSealed  = counter("packetheat_store_sealed_total", "Sums of intervals written, and written again for what came late.", "kind")
	storeFailed  = counter("packetheat_store_seal_failures_total", "Intervals whose sums could not be made.")
	upkeepTime   = counter("packetheat_store_maintenance_seconds_total", "How long the making of sums took.")
	pruneSeconds = counter("packetheat_store_prune_seconds_total", "How long deleting took, the waiting for commits included.")
)

func (s *Store) collect(send func(metric, float64, ...string)) {
	if !s.Known {
		return
	}
	send(storeUnused, float64(s.Unused))
	send(storeLog, float64(s.Log))
	for i, level := range []string{"10m", "1h", "1d"} {
		send(storeTiers, float64(s.Tiers[i]), level)
	}
	send(storeOpen, float64(s.Open))
	send(storeLate, float64(s.Late))
	if s.Oldest != 0 {
		send(storeOldest, float64(s.Oldest))
	}
	send(prunedPoints, float64(s.PrunedPoints))
	send(prunedBytes, float64(s.PrunedBytes))
	send(pruneSeconds, s.PruneSeconds)
	send(storeSealed, float64(s.Sealed), "first")
	send(storeSealed, float64(s.Resealed), "again")
	send(storeFailed, float64(s.Failed))
	send(upkeepTime, s.UpkeepSeconds)
}
