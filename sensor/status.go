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
	LastPacket time.Time         `json:"last_packet"` // zero: none yet

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
}

// InterfaceStatus is the part of one interface or file.
type InterfaceStatus struct {
	Name   string      `json:"name"`
	Shards int         `json:"shards"` // rings that are open; 0: waiting for the interface
	State  string      `json:"state"`  // "capturing" or "waiting: …"
	Books  store.Books `json:"books"`
}

// Status may be called at any time, by any goroutine.
func (s *Sensor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Name, st.Started = s.cfg.Name, s.started
	st.Books = s.done
	st.Interfaces = slices.Clone(s.state.Interfaces)
	for i := range st.Interfaces {
		st.Interfaces[i].Shards = 0
	}
	for _, sh := range s.shards {
		sh.mu.Lock()
		st.Books.Add(&sh.published)
		i := indexInterface(&st.Interfaces, sh.name)
		st.Interfaces[i].Books.Add(&sh.published)
		st.Interfaces[i].Shards++
		st.Interfaces[i].State = "capturing"
		st.Tunnelled += sh.tunnels
		st.MergedTicks += sh.merged
		if at := time.Unix(0, sh.lastSeen).UTC(); sh.lastSeen != 0 && at.After(st.LastPacket) {
			st.LastPacket = at
		}
		sh.mu.Unlock()
	}
	if s.writer != nil {
		st.QueuedTicks = s.writer.waiting()
	}
	slices.SortFunc(st.Interfaces, func(a, b InterfaceStatus) int { return cmp.Compare(a.Name, b.Name) })
	return st
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
	i := indexInterface(&s.state.Interfaces, sh.name)
	s.state.Interfaces[i].Books.Add(&sh.published)
	s.state.Tunnelled += sh.tunnels
	s.state.MergedTicks += sh.merged
	if at := time.Unix(0, sh.lastSeen).UTC(); sh.lastSeen != 0 && at.After(s.state.LastPacket) {
		s.state.LastPacket = at
	}
}
