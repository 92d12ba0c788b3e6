package alert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/packetheat/packetheat/store"
)

// point looks at one. w.mu is held.
func (w *Watcher) point(p *store.Point) {
	for name, m := range w.rules.Labels {
		if !m.Match(p.Addr, p.Peer, p.ASN) {
			continue
		}
		key := name + " " + p.Addr.String()
		if w.labelled[key] || len(w.labelled) >= mostKnown || w.allowed(p) {
			continue
		}
		w.labelled[key] = true
		a := w.about(p)
		a.Kind, a.Label = Label, name
		a.Text = fmt.Sprintf("%s is on the list %q: %s", store.PrefixString(p.Addr), name, describe(p))
		w.say(a)
	}
	news := w.firsts(p)
	if len(news) == 0 || w.cfg.Now().Before(w.state.Learning) {
		return
	}
	a := w.about(p)
	a.Kind, a.Firsts = map[string]string{"as": NewAS, "country": NewCountry, "place": NewPlace}[news[0]], news
	a.Text = "first traffic with " + joinNews(p, news) + ": " + describe(p)
	w.say(a)
}

// firsts marks what the point is of as known, and returns what of it was not. What is
// allowed is not news, and stays unknown: once it is not allowed any more, it will be.
func (w *Watcher) firsts(p *store.Point) (news []string) {
	at := spot(p.Place)
	newAS := p.ASN != 0 && !w.systems[p.ASN] && len(w.systems) < mostKnown
	newCountry := p.Place.Country != "" && !w.countries[p.Place.Country]
	newPlace := p.Place.HasCoordinates() && !w.places[at] && len(w.places) < mostKnown
	if !newAS && !newCountry && !newPlace || w.allowed(p) {
		return nil
	}
	add := func(name string, is bool) {
		if is && slices.Contains(w.rules.New, name) {
			news = append(news, name)
		}
	}
	add("as", newAS)
	add("country", newCountry)
	add("place", newPlace)
	w.learned = true
	if newAS {
		w.systems[p.ASN] = true
	}
	if newCountry {
		w.countries[p.Place.Country] = true
	}
	if newPlace {
		w.places[at] = true
	}
	return news
}

func spot(p store.Place) [2]int32 {
	return [2]int32{int32(math.Round(p.Latitude * 1e4)), int32(math.Round(p.Longitude * 1e4))}
}

func (w *Watcher) allowed(p *store.Point) bool {
	for i := range w.rules.Allow {
		if w.rules.Allow[i].Match(p) {
			return true
		}
	}
	return false
}

// about is an alert with what the point says.
func (w *Watcher) about(p *store.Point) Alert {
	a := Alert{Time: p.Time.UTC(), Sensor: p.Sensor, Addr: p.Addr, Peer: p.Peer, Direction: p.Direction.String(), Protocol: store.ProtoName(p.Proto),
		Country: p.Place.Country, City: p.Place.City, ASN: p.ASN, ASOrg: p.ASOrg, Packets: p.Packets}
	if p.HasPort {
		port := p.Port
		a.Port = &port
	}
	if p.Place.HasCoordinates() {
		latitude, longitude := p.Place.Latitude, p.Place.Longitude
		a.Latitude, a.Longitude = &latitude, &longitude
	}
	return a
}

// joinNews words what is new: "AS4134 Chinanet, CN and Nanjing".
func joinNews(p *store.Point, news []string) string {
	var parts []string
	for _, n := range news {
		switch n {
		case "as":
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("AS%d %s", p.ASN, p.ASOrg)))
		case "country":
			parts = append(parts, p.Place.Country)
		case "place":
			parts = append(parts, cmp.Or(p.Place.City, p.Place.Region, fmt.Sprintf("%.2f,%.2f", p.Place.Latitude, p.Place.Longitude)))
		}
	}
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return parts[0]
}

// describe says who talked with whom.
func describe(p *store.Point) string {
	service := store.ProtoName(p.Proto)
	if p.HasPort {
		service += fmt.Sprintf("/%d", p.Port)
	}
	peer := store.PrefixString(p.Peer)
	if peer == "" {
		peer = "one of ours"
	}
	from, to := store.PrefixString(p.Addr), peer
	if p.Direction == store.Out {
		from, to = to, from
	}
	return fmt.Sprintf("%s to %s, %s", from, to, service)
}
