package selftest

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// question is one window and filter with what else is asked about it.
type question struct {
	filter            store.Filter
	cellStep, binStep time.Duration
	tops              []topAsked
	part              store.Window // of the filter's, or beside it; the zero Window: not asked
	gradual           bool         // also the map as it comes bit by bit
}

// topAsked is one of the tops of a question.
type topAsked struct {
	by   store.Dimension
	most int // rows; 0: all
}

func (q *question) String() string {
	return strings.TrimSpace(fmt.Sprintf("from %s to %s %s", open(q.filter.Window.From), open(q.filter.Window.To), q.filter))
}

func open(t time.Time) string {
	if t.IsZero() {
		return "open"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// terms are all keys of the filter language, with values that are there and that are
// not.
var terms = [...]string{
	"proto:tcp", "proto:udp,icmp", "proto:other", "port:443", "port:0-1024", "-port:53", "port:0,65535",
	"ip:203.0.113.0/28", "ip:2001:db8::/64", "-ip:203.0.113.0/24", "ip:0.0.0.0/0", "ip:::/0", "-ip:::ffff:0:0/96", "ip:::ffff:203.0.113.2",
	"peer:203.0.113.3", "-peer:0.0.0.0/0", "-peer:::/0", "host:203.0.113.1,2001:db8::1", "-host:203.0.113.0/24", "host:203.0.113.4/31,2001:db8::/126",
	"country:DE,FR", "-country:US", "country:xx", "region:Texas", "region:ÎLE-DE-FRANCE", "region:istanbul", "-region:uusimaa",
	"city:paris", `city:"new york"`, "city:İSTANBUL,berlin", "-city:istanbul", `city:"L'\"Aqu\\'ila` + "`" + `%"`,
	"place:33.6609,-95.5555", "-place:52.5244,13.4105", "place:48.85345,2.34885", "place:60.10005,24.9",
	"asn:15169", "-asn:AS3320", "asn:4294967295", "asn:0-65535", "dir:in", "-dir:in",
	"opened:them", "opened:us", "opened:unanswered", "-opened:us", "opened:them,unanswered", "-opened:unanswered",
	"sensor:gw1", "-sensor:gw1", "sensor:ÖSTLICH", "sensor:nobody", `sensor:"Kiel \"2\" \\'; DROP TABLE points; --"`,
	"label:few", "-label:few", "label:peers,big", "-label:big",
}

// labels are known by functions only, as those of geo are.
type labels struct{}

func (labels) Names() []string { return []string{"big", "few", "peers"} }

func (labels) Matcher(name string) (match func(addr, peer netip.Prefix, asn uint32) bool, peers bool) {
	low := netip.MustParsePrefix("203.0.113.0/29")
	switch name {
	case "big":
		return func(_, _ netip.Prefix, asn uint32) bool { return asn > 3320 }, false
	case "few":
		return func(addr, _ netip.Prefix, _ uint32) bool { return addr.IsValid() && low.Contains(addr.Addr()) }, false
	case "peers":
		return func(_, peer netip.Prefix, _ uint32) bool { return peer.IsValid() && low.Contains(peer.Addr()) }, true
	}
	return nil, false
}

// topsAsked is how many of the tops a question asks for.
const topsAsked = 4

// question makes one up.
func (p *Past) question() *question {
	text := ""
	for range p.IntN(4) {
		text += " " + pick(p, terms[:]...)
	}
	f, err := store.ParseFilterWith(text, labels{})
	if err != nil {
		panic(fmt.Sprintf("filter %q of the self-test: %v", text, err)) // they are all above
	}
	f.Window = p.window()
	q := &question{
		filter:   f,
		cellStep: pick(p, 0, 0, tick, 6*tick, 10*time.Minute, 15*time.Minute, time.Hour, day),
		binStep:  pick(p, tick, 3*tick, 10*time.Minute, 30*time.Minute, time.Hour, 5*time.Hour, day),
	}
	for _, by := range p.Perm(len(store.Dimensions()))[:topsAsked] {
		q.tops = append(q.tops, topAsked{store.Dimension(by), p.IntN(6)})
	}
	if p.IntN(3) == 0 {
		q.part = p.window()
	}
	q.gradual = p.IntN(4) == 0
	return q
}

// window is a random one, often along the edges of ticks and of sums.
func (p *Past) window() (w store.Window) {
	edge := func() time.Time {
		at := p.start.Add(-day/8 + time.Duration(p.Int64N(int64(p.span)*5/4)))
		at = at.Truncate(pick(p, time.Nanosecond, time.Second, tick, 10*time.Minute, time.Hour, day))
		return at
	}
	if p.IntN(5) > 0 {
		w.From = edge()
	}
	if p.IntN(5) > 0 {
		w.To = edge()
	}
	if !w.From.IsZero() && !w.To.IsZero() && w.To.Before(w.From) {
		w.From, w.To = w.To, w.From
	}
	if w.Check() != nil {
		return store.Window{}
	}
	return w
}
