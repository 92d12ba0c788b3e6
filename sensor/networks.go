package sensor

import (
	"net/netip"
	"slices"
	"sync"
)

// networkState is which addresses are local to a sensor, now and until now: a change
// applies from the next tick on, also to packets that are read after it though they
// were captured before. replace makes the zero
// value usable.
type networkState struct {
	mu              sync.Mutex
	host            []netip.Prefix // addresses of this machine and networks it is in
	local, mapped   []netip.Prefix // as configured
	current, before *Networks
	since, from     int64 // ns: the ticks from since until from have before
}

// replace changes the lists and makes the networks of them. tick is the present one of
// a live run; negative: the change applies at once.
func (n *networkState) replace(change func(*networkState), tick, step int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
	next := NewNetworks(slices.Concat(n.host, n.local), n.mapped)
	if tick < 0 || n.current == nil {
		n.current, n.before = next, next
		return
	}
	if n.from <= tick { // else the change before this one has not come to apply yet
		n.before = n.current
	}
	n.current, n.since, n.from = next, tick-maxMissed*step, tick+step
}

// at returns the networks of a tick. (One that lies long before the change has come
// because the clock was set back.)
func (n *networkState) at(tick int64) *Networks {
	n.mu.Lock()
	defer n.mu.Unlock()
	if tick < n.from && tick >= n.since {
		return n.before
	}
	return n.current
}

// configured returns the networks that are local because the configuration says so,
// without those of this machine.
func (n *networkState) configured() []netip.Prefix {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(n.local), func(p netip.Prefix) bool { return slices.Contains(n.host, p) })
}

// SetNetworks changes which networks are local, and which addresses are on the map
// though they are (see NewNetworks): the lists that Config gave before. A live run, to
// which its machine's own addresses are local beside them, does so from the next tick on.
func (s *Sensor) SetNetworks(local, mapped []netip.Prefix) {
	s.changeNetworks(func(n *networkState) { n.local, n.mapped = slices.Clone(local), slices.Clone(mapped) })
	s.unwarn(WarnUnlisted)
}

// setHost takes the addresses of this machine for local.
func (s *Sensor) setHost(host []netip.Prefix) {
	s.setOwn(host)
	s.changeNetworks(func(n *networkState) { n.host = slices.Clone(host) })
}

func (s *Sensor) changeNetworks(change func(*networkState)) {
	tick := int64(-1)
	s.mu.Lock()
	if s.writer != nil && s.writer.live {
		tick = s.tickOf(s.cfg.Now().UnixNano())
	}
	s.mu.Unlock()
	s.networks.replace(change, tick, int64(s.cfg.Tick))
}
