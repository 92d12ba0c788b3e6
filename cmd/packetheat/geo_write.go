package main

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"unicode/utf8"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
)

// What "geo lookup -" reads and writes a million times, without fmt and encoding/json,
// which would take longer than finding the place. TestGeoStream holds it to them.

// firstWord is what stands before the first blank behind the first blanks.
func firstWord(line []byte) []byte {
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
	for len(line) > 0 && blank(line[0]) {
		line = line[1:]
	}
	for i, c := range line {
		if blank(c) {
			return line[:i]
		}
	}
	return line
}

// parseAddr is netip.ParseAddr, with a shorter way for IPv4.
func parseAddr(word []byte) (netip.Addr, bool) {
	if addr, ok := parseIPv4(word); ok {
		return addr, true
	}
	addr, err := netip.ParseAddr(string(word))
	return addr, err == nil
}

// parseIPv4 reads four decimal numbers; whatever is unusual it leaves to others.
func parseIPv4(word []byte) (addr netip.Addr, ok bool) {
	var octets [4]byte
	n, value, digits := 0, 0, 0
	for _, c := range word {
		switch {
		case c >= '0' && c <= '9':
			if value = value*10 + int(c-'0'); value > 255 || digits > 0 && value < 10 {
				return addr, false // too much, or a zero in front
			}
			digits++
		case c == '.' && digits > 0 && n < 3:
			octets[n] = byte(value)
			n, value, digits = n+1, 0, 0
		default:
			return addr, false
		}
	}
	octets[3] = byte(value)
	return netip.AddrFrom4(octets), n == 3 && digits > 0
}

// appendObject appends a line with the JSON of foundJSON.
func appendObject(b []byte, addr netip.Addr, at *geo.Location, tags *tagText, source string) []byte {
	b = append(b, `{"ip":`...)
	if zone := addr.Zone(); zone != "" {
		b = appendJSON(b, addr.String())
	} else {
		b = append(b, '"')
		b = addr.AppendTo(b)
		b = append(b, '"')
	}
	b = append(b, `,"latitude":`...)
	if at.HasCoordinates {
		b = strconv.AppendFloat(b, at.Latitude, 'f', -1, 64)
		b = append(b, `,"longitude":`...)
		b = strconv.AppendFloat(b, at.Longitude, 'f', -1, 64)
	} else {
		b = append(b, `null,"longitude":null`...)
	}
	b = appendJSON(append(b, `,"country":`...), at.Country)
	b = appendJSON(append(b, `,"region":`...), at.Region)
	b = appendJSON(append(b, `,"city":`...), at.City)
	b = appendJSON(append(b, `,"precision":`...), at.Precision.String())
	b = strconv.AppendUint(append(b, `,"accuracy_km":`...), uint64(at.AccuracyKM), 10)
	b = strconv.AppendUint(append(b, `,"asn":`...), uint64(at.ASN), 10)
	b = appendJSON(append(b, `,"as_org":`...), at.ASOrg)
	b = append(append(b, `,"labels":`...), tags.json...)
	b = appendJSON(append(b, `,"source":`...), source)
	return append(b, "}\n"...)
}

// appendJSON appends a JSON string. What has to be escaped is left to encoding/json.
func appendJSON(b []byte, s string) []byte {
	plain, ascii := true, true
	for i := range len(s) {
		c := s[i]
		plain = plain && c >= ' ' && c != '"' && c != '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	if !plain || !ascii && !utf8.ValidString(s) {
		text, err := json.Marshal(s)
		if err != nil { // never, for a string
			return append(b, `""`...)
		}
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendRow appends a line with the cells of foundJSON, between tabs.
func appendRow(b []byte, addr netip.Addr, at *geo.Location, tags *tagText, source string) []byte {
	if addr.Zone() != "" {
		b = append(b, term.Clean(addr.String())...)
	} else {
		b = addr.AppendTo(b)
	}
	b = append(b, '\t')
	if at.HasCoordinates {
		b = strconv.AppendFloat(b, at.Latitude, 'f', 4, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, at.Longitude, 'f', 4, 64)
	}
	b = appendCell(append(b, '\t'), at.Country)
	b = appendCell(append(b, '\t'), at.Region)
	b = appendCell(append(b, '\t'), at.City)
	precision := at.Precision.String()
	if precision == "" {
		precision = unlocated
	}
	b = append(append(b, '\t'), precision...)
	b = append(b, '\t')
	if at.AccuracyKM > 0 {
		b = append(strconv.AppendUint(b, uint64(at.AccuracyKM), 10), " km"...)
	}
	b = append(b, '\t')
	if at.ASN != 0 {
		b = strconv.AppendUint(append(b, "AS"...), uint64(at.ASN), 10)
		if at.ASOrg != "" {
			b = appendCell(append(b, ' '), at.ASOrg)
		}
	}
	b = append(append(b, '\t'), tags.cell...)
	b = appendCell(append(b, '\t'), source)
	return append(b, '\n')
}

// appendCell appends text as term.Clean leaves it.
func appendCell(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return append(b, term.Clean(s)...)
		}
	}
	return append(b, s...)
}
