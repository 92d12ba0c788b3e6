package store

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Key is the field that a term of a filter asks about.
type Key uint8

// The keys of the filter language, in the order of Keys.
const (
	KeyProto Key = iota
	KeyPort
	KeyIP
	KeyPeer
	KeyHost
	KeyCountry
	KeyRegion
	KeyCity
	KeyPlace
	KeyASN
	KeyDir
	KeyOpened
	KeySensor
	KeyLabel
)

var keyNames = []string{"proto", "port", "ip", "peer", "host", "country", "region", "city", "place", "asn", "dir", "opened", "sensor", "label"}

// Keys returns the names of all keys, for help and completion.
func Keys() []string { return slices.Clone(keyNames) }

// String returns the key's name in the filter language.
func (k Key) String() string { return keyNames[k] }

// Range is a closed range of numbers.
type Range struct{ Low, High uint32 }

// Term is one condition: a key, whether it is negated, and the values of which one
// must hold. Which of the value fields is filled follows from the key.
type Term struct {
	Key    Key
	Not    bool
	Values []string // as typed, without quotes

	Networks []netip.Prefix // ip, peer, host
	Ranges   []Range        // proto (0 to 255), port, asn
	Words    []string       // country, region, city, sensor: lower case
	Spots    []Place        // place: Latitude and Longitude only
	Dirs     []Direction    // dir, opened (them: In, us: Out)
	Labels   []Matcher      // label: what the values stood for when the filter was read

	// Unanswered is opened:unanswered: connection attempts to which nothing came the
	// other way in the window. A point alone cannot tell: Answered is what a store
	// found out for the window of its question; while it is nil, the value matches
	// nothing.
	Unanswered bool
	Answered   func(*Point) bool
}

// String returns the term in the filter language.
func (t Term) String() string {
	quoted := make([]string, len(t.Values))
	for i, v := range t.Values {
		quoted[i] = quote(v)
	}
	s := t.Key.String() + ":" + strings.Join(quoted, ",")
	if t.Not {
		return "-" + s
	}
	return s
}

func parseTerm(word piece, labels Labels) (Term, error) {
	var t Term
	body := word
	if rest, ok := strings.CutPrefix(word.text, "-"); ok {
		t.Not, body = true, piece{rest, word.start + 1, word.end}
	}
	name, text, ok := strings.Cut(body.text, ":")
	if !ok || isPrefix(body.text) { // an IPv6 address has colons of its own
		guess := guessTerm(body)
		return t, body.mistake(fmt.Sprintf("filter term %q has no key: write key:value, for example %s", word.text, guess), guess)
	}
	i := slices.Index(keyNames, strings.ToLower(name))
	if i < 0 {
		key := piece{name, body.start, body.start + len(name)}
		return t, key.mistake(fmt.Sprintf("filter key %q is unknown: use one of %s", name, strings.Join(keyNames, ", ")), nearest(name, keyNames))
	}
	t.Key = Key(i)
	values, err := splitSpots(t.Key, word.text, piece{text, body.start + len(name) + 1, body.end})
	if err != nil {
		return t, err
	}
	for _, v := range values {
		t.Values = append(t.Values, v.text)
		if err := t.addValue(v.text, labels); err != nil {
			return t, v.mistake(fmt.Sprintf("filter term %q: %v", word.text, err), t.Key.fix(v.text, labels))
		}
	}
	return t, nil
}

// fix returns the value that was probably meant, quoted as a filter needs it, or "".
func (k Key) fix(value string, labels Labels) string {
	switch k {
	case KeyIP, KeyPeer, KeyHost:
		return fixPrefix(value)
	case KeyPort, KeyASN:
		return fixRange(value)
	case KeyProto:
		return nearest(value, protoWords())
	case KeyDir:
		return nearest(value, []string{"in", "out"})
	case KeyOpened:
		return nearest(value, []string{"them", "us", "unanswered"})
	case KeyLabel:
		if labels != nil {
			return quote(nearest(value, labels.Names()))
		}
	}
	return ""
}

// protoWords are the protocols that have a name, sorted, and "other".
func protoWords() []string {
	return append(slices.Sorted(maps.Values(protoNames)), "other")
}

// splitSpots splits values; a place's own comma stays inside its value.
func splitSpots(key Key, word string, p piece) ([]piece, error) {
	values, err := splitValues(word, p)
	if err != nil || key != KeyPlace {
		return values, err
	}
	if len(values)%2 == 1 {
		for _, v := range values { // quoted "LAT,LON" values come whole
			if !strings.Contains(v.text, ",") {
				return nil, v.mistake(fmt.Sprintf("filter term %q has an odd number of coordinates: write place:48.8534,2.3488", word), "")
			}
		}
		return values, nil
	}
	if strings.Contains(values[0].text, ",") {
		return values, nil
	}
	var spots []piece
	for i := 0; i < len(values); i += 2 {
		spots = append(spots, piece{values[i].text + "," + values[i+1].text, values[i].start, values[i+1].end})
	}
	return spots, nil
}

// guessTerm turns a bare word into the term that was probably meant.
func guessTerm(p piece) string {
	parts, _ := split(p, "", false)
	word := parts[0].text
	switch {
	case len(word) == 2 && strings.ToUpper(word) == word && word[0] >= 'A':
		return "country:" + word
	case isPrefix(word):
		return "ip:" + word
	case isNumber(word):
		return "port:" + word
	}
	if _, err := ParseProto(word); err == nil {
		return "proto:" + word
	}
	if word == "" {
		return "country:DE"
	}
	return "city:" + quote(word)
}

func isPrefix(s string) bool {
	_, err := parsePrefix(s)
	return err == nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

func (t *Term) addValue(v string, labels Labels) error {
	switch t.Key {
	case KeyIP, KeyPeer, KeyHost:
		network, err := parsePrefix(v)
		if err != nil {
			return err
		}
		t.Networks = append(t.Networks, network)
	case KeyPort:
		return t.addRange(v, 65535, "port")
	case KeyASN:
		return t.addRange(strings.TrimPrefix(strings.ToUpper(v), "AS"), 1<<32-1, "AS number")
	case KeyProto:
		return t.addProto(v)
	case KeyPlace:
		return t.addSpot(v)
	case KeyDir, KeyOpened:
		return t.addDirection(v)
	case KeyLabel:
		return t.addLabel(v, labels)
	default:
		t.Words = append(t.Words, strings.ToLower(v))
	}
	return nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return unmap(p.Masked()), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no address or network: write 1.2.3.4, 1.2.3.0/24 or 2001:db8::/32", s)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func (t *Term) addRange(v string, most uint64, what string) error {
	low, high, isRange := strings.Cut(v, "-")
	if !isRange {
		high = low
	}
	a, err1 := strconv.ParseUint(low, 10, 64)
	b, err2 := strconv.ParseUint(high, 10, 64)
	if err1 != nil || err2 != nil || a > b || b > most {
		return fmt.Errorf("%q is no %s: write a number up to %d, or a range such as 1-1024", v, what, most)
	}
	t.Ranges = append(t.Ranges, Range{uint32(a), uint32(b)})
	return nil
}

// addProto takes a protocol's name or number, and "other": all but TCP, UDP, ICMP.
func (t *Term) addProto(v string) error {
	if strings.EqualFold(v, "other") {
		t.Ranges = append(t.Ranges, Range{0, 0}, Range{2, 5}, Range{7, 16}, Range{18, 57}, Range{59, 255})
		return nil
	}
	n, err := ParseProto(strings.ToLower(v))
	if err != nil {
		return err
	}
	t.Ranges = append(t.Ranges, Range{uint32(n), uint32(n)})
	return nil
}

func (t *Term) addSpot(v string) error {
	lat, lon, ok := strings.Cut(v, ",")
	if !ok {
		return fmt.Errorf("%q is no place: write LATITUDE,LONGITUDE, for example 48.8534,2.3488", v)
	}
	latitude, err1 := strconv.ParseFloat(strings.TrimSpace(lat), 64)
	longitude, err2 := strconv.ParseFloat(strings.TrimSpace(lon), 64)
	if err1 != nil || err2 != nil || !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180) { // also NaN
		return fmt.Errorf("%q is no place: write LATITUDE,LONGITUDE in degrees, for example 48.8534,2.3488", v)
	}
	t.Spots = append(t.Spots, Place{Latitude: latitude, Longitude: longitude})
	return nil
}

func (t *Term) addDirection(v string) error {
	words := [2]string{"in", "out"}
	if t.Key == KeyOpened {
		words = [2]string{"them", "us"}
	}
	switch strings.ToLower(v) {
	case words[0]:
		t.Dirs = append(t.Dirs, In)
	case words[1]:
		t.Dirs = append(t.Dirs, Out)
	case "unanswered":
		if t.Key == KeyOpened {
			t.Unanswered = true
			return nil
		}
		fallthrough
	default:
		more := ""
		if t.Key == KeyOpened {
			more = ", or opened:unanswered"
		}
		return fmt.Errorf("%q is not possible: write %s:%s or %s:%s%s", v, t.Key, words[0], t.Key, words[1], more)
	}
	return nil
}
