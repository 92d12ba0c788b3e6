package capture

import (
	"maps"
	"slices"
	"strings"
)

// LeftOut is an interface that is up and yet not captured, because its frames are
// counted elsewhere.
type LeftOut struct {
	Name string
	Why  string // "loopback", "port of br0", "child of eth0", "other end of veth0", …
}

// cover says why an interface needs no ring of its own.
type cover uint8

const (
	covNone   cover = iota // it needs one
	covPort                // its master sees every frame
	covChild               // its parent sees every frame
	covEnd                 // the other end of the veth pair sees every frame
	covDomain              // it is a VRF: its ports see every frame
)

// chooser decides which of the interfaces that are up see each frame once. Frames
// that pass from a lower interface to an upper one are seen by packet sockets on
// both (__netif_receive_skb_core goes another round for the upper one).
type chooser struct {
	up    map[int]*Interface // by index, loopback not among them
	named map[int]bool       // captured anyway
	known map[int]cover
}

// spread returns the interfaces to capture on so that every frame that crosses the
// machine counts once, by index, and those that are left out. Loopback is taken
// only where there is nothing else. named are captured anyway, by their own names.
func spread(all, named []Interface) (taken []Interface, out []LeftOut) {
	c := chooser{up: map[int]*Interface{}, named: map[int]bool{}, known: map[int]cover{}}
	for _, i := range named {
		c.named[i.Index], c.known[i.Index] = true, covNone
	}
	var loopback []Interface
	for n := range all {
		switch i := &all[n]; {
		case i.Up && i.Loopback:
			loopback = append(loopback, *i)
		case i.Up:
			c.up[i.Index] = i
		}
	}
	for _, index := range slices.Sorted(maps.Keys(c.up)) {
		i := c.up[index]
		if why := c.cover(index); why != covNone {
			out = append(out, LeftOut{i.Name, c.reason(i, why)})
			continue
		}
		taken = append(taken, *i)
	}
	if len(taken) == 0 {
		return loopback, out
	}
	for _, i := range loopback {
		out = append(out, LeftOut{i.Name, "loopback"})
	}
	return taken, out
}

// cover finds out, once for each interface, whether another one has its frames.
func (c *chooser) cover(index int) cover {
	if why, ok := c.known[index]; ok {
		return why
	}
	c.known[index] = covNone // while asking: the ends of a veth pair name each other
	i := c.up[index]
	why := covNone
	switch master := c.up[i.Master]; {
	case master != nil && slices.Contains([]string{"bridge", "bond", "team"}, master.Kind):
		why = covPort
	case i.Kind == "vrf" && c.hasPorts(index):
		why = covDomain
	case i.Elsewhere || c.up[i.Parent] == nil:
	case slices.Contains([]string{"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"}, i.Kind) && c.reaches(i.Parent):
		why = covChild
	case i.Kind == "veth" && c.veth(index, i.Parent):
		why = covEnd
	}
	c.known[index] = why
	return why
}

// reaches reports whether the frames of children of a parent are seen on the parent,
// or where the parent's own are. Those of a port's VLAN are not: they leave the port
// for the child before its master can take them.
func (c *chooser) reaches(parent int) bool {
	return c.cover(parent) != covPort
}

// veth reports whether an end of a pair is covered by the other one: by the one that
// was asked for, that is a port, or else by the one with the lower index.
func (c *chooser) veth(index, other int) bool {
	return c.named[other] || c.cover(other) == covPort || other < index
}

func (c *chooser) hasPorts(index int) bool {
	for _, i := range c.up {
		if i.Master == index {
			return true
		}
	}
	return false
}

func (c *chooser) reason(i *Interface, why cover) string {
	switch why {
	case covPort:
		return "port of " + c.up[i.Master].Name
	case covChild:
		return i.Kind + " on " + c.up[i.Parent].Name
	case covEnd:
		return "other end of " + c.up[i.Parent].Name
	case covDomain:
		return "its ports are captured"
	}
	return ""
}

// joinLeftOut names what is left out, grouped by the reason.
func joinLeftOut(out []LeftOut) string {
	var groups []string
	for n, o := range out {
		if slices.ContainsFunc(out[:n], func(before LeftOut) bool { return before.Why == o.Why }) {
			continue
		}
		var names []string
		for _, other := range out[n:] {
			if other.Why == o.Why {
				names = append(names, other.Name)
			}
		}
		groups = append(groups, strings.Join(names, ", ")+" ("+o.Why+")")
	}
	return strings.Join(groups, ", ")
}

// bridgesOf returns the names of the bridges among taken that have ports: what passes
// from port to port is seen on the bridge itself only while it is promiscuous
// (br_handle_frame_finish).
func bridgesOf(taken, all []Interface) (names []string) {
	for _, i := range taken {
		if i.Kind == "bridge" && slices.ContainsFunc(all, func(p Interface) bool { return p.Up && p.Master == i.Index }) {
			names = append(names, i.Name)
		}
	}
	return names
}
