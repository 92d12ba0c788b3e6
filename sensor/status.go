package sensor

import (
	"cmp"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Status is what a sensor says about itself at one moment. Books are read from
// every shard at most a second late; they balance once the sensor has stopped.
type Status struct {
	Name       string            `json:"sensor"`
	Started    time.Time         `json:"started"`
	Interfaces []InterfaceStatus `json:"interfaces"`
	Books      store.Books       `json:"books"`
	LastPacket time.Time         `json:"last_packet"`     // zero: none yet
	Capturing  time.Time         `json:"capturing_since"` // zero: every interface is down or away, and no tick is due

	Points       uint64    `json:"points"`    // made since the start
	Endpoints    store.Sum `json:"endpoints"` // their sum: two-public packets twice
	Unlocated    store.Sum `json:"unlocated"` // of these, without any place
	Tunnelled    uint64    `json:"tunnelled"` // packets with a tunnel inside
	Commits      uint64    `json:"commits"`
	CommitErrors uint64    `json:"commit_errors"`
	CommitError  string    `json:"commit_error"` // the latest, empty once a commit succeeds
	LastTick     time.Time `json:"last_tick"`    // start of the latest tick committed
	LastCommit   time.Time `json:"last_commit"`
	MergedTicks  uint64    `json:"merged_ticks"` // ticks merged because what is behind was slow
	QueuedTicks  int       `json:"queued_ticks"`

	// Signs of life, zero before a run. Each comes about every second, packets or not.
	Collected  time.Time `json:"last_collected,omitzero"`   // when ticks were last looked through
	Committing time.Time `json:"committing_since,omitzero"` // since when one try to commit lasts; zero: none does

	// A clock that leaps ahead by more than a day is not believed at once: ticks wait in
	// memory. Those that it was wrong about are stored in the ticks in which they came.
	HeldTicks      int    `json:"held_ticks"`
	Held           string `json:"held"` // why; "": the clock is believed
	RestampedTicks uint64 `json:"restamped_ticks"`

	Losses   Losses    `json:"losses"`   // of all interfaces together
	Warnings []Warning `json:"warnings"` // what the configuration should mend; never null
}

// InterfaceStatus is the part of one interface or file.
type InterfaceStatus struct {
	Name   string      `json:"name"`
	Shards int         `json:"shards"` // rings that are open; 0: waiting for the interface
	State  string      `json:"state"`  // "capturing", "waiting: …" or "stopped: …"
	Books  store.Books `json:"books"`

	RingBytes  int    `json:"ring_bytes"`  // memory of the open rings, as the kernel had it
	RingWanted int    `json:"ring_wanted"` // and as it was asked for
	Losses     Losses `json:"losses"`

	// Read is when the ring that was read longest ago was last read: about every second,
	// packets or not. Zero: none is open.
	Read time.Time `json:"last_read,omitzero"`
}

// Status may be called at any time, by any goroutine.
func (s *Sensor) Status() Status {
	s.mu.Lock()
	w := s.writer
	s.mu.Unlock()
	var queue queueStatus
	if w != nil {
		queue = w.waiting() // whoever holds its lock may wait for ours
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Name, st.Started = s.cfg.Name, s.started
	st.Capturing, st.Books = s.gaps.since(s.started), s.done
	st.Interfaces = slices.Clone(s.state.Interfaces)
	st.Warnings = append([]Warning{}, s.state.Warnings...)
	for _, sh := range s.shards {
		sh.mu.Lock()
		st.Books.Add(&sh.published)
		i := &st.Interfaces[indexInterface(&st.Interfaces, sh.name)]
		i.addShard(sh)
		i.Shards++
		i.RingBytes += sh.ringBytes
		if i.Read.IsZero() || sh.read.Before(i.Read) {
			i.Read = sh.read
		}
		i.State = "capturing"
		if sh.live && !s.gaps.captured(sh.name) {
			i.State = "waiting: interface is down"
		}
		st.Tunnelled += sh.tunnels
		st.LastPacket = later(st.LastPacket, sh.lastSeen)
		sh.mu.Unlock()
	}
	for n := range st.Interfaces {
		st.Interfaces[n].Losses.count(&st.Interfaces[n].Books)
		st.Losses.add(&st.Interfaces[n].Losses)
	}
	st.Losses.MergedTicks += st.MergedTicks // those of the writer, which are no interface's
	st.MergedTicks = st.Losses.MergedTicks
	st.QueuedTicks, st.HeldTicks, st.Held = queue.queued, queue.held, queue.reason
	slices.SortFunc(st.Interfaces, func(a, b InterfaceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return st
}

// addShard adds what a shard has published. Its lock is held.
func (i *InterfaceStatus) addShard(sh *shard) {
	i.Books.Add(&sh.published)
	i.Losses.MergedTicks += sh.merged
}

// later returns the later of a time and one in ns since the Unix epoch, 0 for none.
func later(a time.Time, ns int64) time.Time {
	if b := time.Unix(0, ns).UTC(); ns != 0 && b.After(a) {
		return b
	}
	return a
}

func indexInterface(list *[]InterfaceStatus, name string) int {
	i := slices.IndexFunc(*list, func(i InterfaceStatus) bool { return i.Name == name })
	if i < 0 {
		*list = append(*list, InterfaceStatus{Name: name})
		i = len(*list) - 1
	}
	return i
}

// note changes the parts of Status that no shard owns.
func (s *Sensor) note(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

// noteInterface changes the parts of an interface's Status that no shard owns.
func (s *Sensor) noteInterface(name string, change func(*InterfaceStatus)) {
	s.note(func(st *Status) { change(&st.Interfaces[indexInterface(&st.Interfaces, name)]) })
}

// countBatch adds a batch to what Status says about points.
func (s *Sensor) countBatch(b *store.Batch) {
	var all, unlocated store.Sum
	for i := range b.Points {
		p := &b.Points[i]
		all.Add(p.Sum())
		if p.Place.Precision == store.Unlocated {
			unlocated.Add(p.Sum())
		}
	}
	s.note(func(st *Status) {
		st.Points += uint64(len(b.Points))
		st.Endpoints.Add(all)
		st.Unlocated.Add(unlocated)
	})
}

// retire takes a shard that has ended out of the running ones; its books stay.
func (s *Sensor) retire(sh *shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shards = slices.DeleteFunc(s.shards, func(other *shard) bool { return other == sh })
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.done.Add(&sh.published)
	s.state.Interfaces[indexInterface(&s.state.Interfaces, sh.name)].addShard(sh)
	s.state.Tunnelled += sh.tunnels
	s.state.LastPacket = later(s.state.LastPacket, sh.lastSeen)
}
