package sensor

import (
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture"
)

// A change of networks applies from the next tick on: not to what was captured before,
// and not to a clock that is set back.
func TestNetworksFromNextTick(t *testing.T) {
	const step = int64(10 * time.Second)
	tick := int64(1_700_000_000 * time.Second)
	set := func(list ...string) func(*networkState) {
		return func(n *networkState) { n.local = prefixes(list...) }
	}
	a, b, c := netip.MustParseAddr("80.1.2.3"), netip.MustParseAddr("80.2.2.3"), netip.MustParseAddr("80.3.2.3")
	var n networkState
	check := func(what string, at int64, want ...netip.Addr) {
		t.Helper()
		var got []netip.Addr
		for _, addr := range []netip.Addr{a, b, c} {
			if n.at(at).Local(addr) {
				got = append(got, addr)
			}
		}
		if diff := gocmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	n.replace(set("80.1.0.0/16"), tick, step)
	check("the first, at once", tick, a)
	n.replace(set("80.2.0.0/16"), tick, step)
	check("changed, in the tick", tick, a)
	check("changed, in the tick before", tick-step, a)
	check("changed, in the next tick", tick+step, b)
	n.replace(set("80.3.0.0/16"), tick, step)
	check("changed again, in the tick", tick, a)
	check("changed again, in the next tick", tick+step, c)
	check("an hour before", tick-int64(time.Hour), c)
	n.replace(set("80.1.0.0/16"), tick+5*step, step)
	check("later, in the tick", tick+5*step, c)
	check("later, in the next", tick+6*step, a)
	n.replace(set("80.2.0.0/16"), -1, step)
	check("not live", tick, b)
}

// The addresses of the machine and what is configured change apart; neither takes the
// other away.
func TestNetworksOfHostAndConfiguration(t *testing.T) {
	s := newSensor(t, &memory{}, func(c *Config) { c.Networks = prefixes("80.1.0.0/16") })
	local := func(addr string) bool { return s.networks.at(0).Local(netip.MustParseAddr(addr)) }
	expect := func(what string, want ...bool) {
		t.Helper()
		if got := []bool{local("80.1.0.1"), local("80.2.0.1"), local("80.3.0.1")}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	expect("configured", true, false, false)
	s.setHost(prefixes("80.2.0.1/32", "80.2.0.0/24"))
	expect("with the host's", true, true, false)
	if !s.isOwn(netip.MustParseAddr("80.2.0.1")) || s.isOwn(netip.MustParseAddr("80.2.0.2")) {
		t.Error("own are not the host's single addresses")
	}
	s.SetNetworks(prefixes("80.3.0.0/16", "80.2.0.1/32"), nil)
	expect("configured anew", false, true, true)
	if got := s.networks.configured(); fmt.Sprint(got) != "[80.3.0.0/16]" {
		t.Errorf("configured are %v, want 80.3.0.0/16: the host's own need no line", got)
	}
	s.setHost(nil)
	expect("an address gone", false, true, true) // it was given as configured, too
	s.SetNetworks(nil, prefixes("10.0.0.0/8"))
	if local("10.1.2.3") || local("80.2.0.1") || !local("192.168.1.1") {
		t.Error("mapped networks are not on the map, or something stayed")
	}
}

// delayed is a live ring whose only block is read after the networks were changed.
type delayed struct {
	scripted
	change func()
}

func (d *delayed) ReadBlock(timeout time.Duration) (*capture.Block, error) {
	if d.change == nil {
		return nil, io.EOF
	}
	d.change()
	d.change = nil
	return d.scripted.ReadBlock(timeout)
}

// What was captured in the tick of a change, but read after it, is judged as before.
func TestNetworksOfPacketsReadLate(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	m := &memory{}
	source := &delayed{scripted: scripted{now: noon, t: t, steps: []step{{noon.Add(time.Second), []packet{{noon, f}}}}}}
	s := newSensor(t, m, func(c *Config) { c.Now = source.clock })
	source.change = func() { s.SetNetworks(prefixes("9.0.0.0/8"), nil) }
	p := s.start(true)
	p.add("test", source, nil)
	if err := p.drain(); err != nil {
		t.Fatal(err)
	}
	if books := m.checkBooks(t, false); books.OnePublic.Packets != 1 || books.LocalOnly.Packets != 0 {
		t.Errorf("books %+v, want one public packet", books)
	}
}
