package metrics

// Store are the figures of a store that is written to.
type Store struct {
	Free         int64 // bytes of the disk that the sensor may use; negative: not known
	Recovered    bool  // a damaged store was set aside at the start
	Known        bool  // false: the store did not answer, and nothing below is shown
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

func (s *Store) collect(send sending) {
	if s.Free >= 0 {
		send(storeFree, float64(s.Free))
	}
	send(storeRecovered, truth(s.Recovered))
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
