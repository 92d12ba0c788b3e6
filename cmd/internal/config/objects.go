package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/packetheat/packetheat/store"
)

// object is one entry of a list of objects while it is read. It remembers what is
// wrong with it, and which of its keys somebody asked for.
type object struct {
	fields map[string]any
	asked  []string
	errs   []error // each an *itemError
}

// objects reads a list of objects, each by read. In the environment the list is
// written as YAML: [{network: 10.0.0.0/8, city: Paris}].
func objects(raw any, read func(*object)) error {
	raw, err := fromYAML(raw)
	if err != nil || raw == nil {
		return err
	}
	entries, ok := raw.([]any)
	if !ok {
		return errors.New("write a list, each entry with a dash and keys of its own")
	}
	var errs []error
	for i, entry := range entries {
		fields, ok := entry.(map[string]any)
		if !ok {
			errs = append(errs, &itemError{item: fmt.Sprintf("[%d]", i), err: errors.New("write keys and values, for example {name: x}")})
			continue
		}
		o := &object{fields: fields}
		read(o)
		o.checkUnknown()
		for _, err := range o.errs {
			item := err.(*itemError)
			item.item = strings.TrimSuffix(fmt.Sprintf("[%d].%s", i, item.item), ".")
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// fromYAML reads what comes from the environment as text.
func fromYAML(raw any) (any, error) {
	s, ok := raw.(string)
	if !ok {
		return raw, nil
	}
	var read any
	if err := yaml.Unmarshal([]byte(s), &read); err != nil {
		return nil, fmt.Errorf("%q is not readable as YAML: %w", s, err)
	}
	return read, nil
}

// itemError is a mistake in a part of a value, such as "[1].latitude".
type itemError struct {
	item string
	err  error
}

func (e *itemError) Error() string { return e.item + ": " + e.err.Error() }
func (e *itemError) Unwrap() error { return e.err }

func (o *object) fail(name string, err error) {
	if err != nil {
		o.errs = append(o.errs, &itemError{item: name, err: err})
	}
}

// read gives the field name to v where it is set, and reports whether it is.
func (o *object) read(name string, v value) bool {
	o.asked = append(o.asked, name)
	raw := o.fields[name]
	if raw == nil {
		return false
	}
	o.fail(name, v.set(raw))
	return true
}

// need is read for a field that must be there.
func (o *object) need(name string, v value) {
	if !o.read(name, v) {
		o.fail(name, errors.New("missing"))
	}
}

func (o *object) checkUnknown() {
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if !slices.Contains(o.asked, name) {
			o.fail(name, unknown("key", name, o.asked))
		}
	}
}

// decimal is a number from low to high, with or without a fraction.
func decimal(p *float64, low, high float64) value {
	return value{set: func(raw any) error {
		s, err := scalar(raw)
		if err != nil {
			return err
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || !(n >= low && n <= high) {
			return fmt.Errorf("%q is not possible: write a number from %g to %g", s, low, high)
		}
		*p = n
		return nil
	}}
}

func country(p *string) value {
	return text(p, func(s string) error {
		if len(s) != 2 || strings.ToUpper(s) != s {
			return fmt.Errorf("%q is no country: write two capital letters, for example DE", s)
		}
		return nil
	})
}

// networks reads geo.networks.
func networks(p *[]Network) value {
	set := func(raw any) error {
		return objects(raw, func(o *object) {
			var n Network
			var list []netip.Prefix
			o.need("network", prefixes(&list))
			o.read("name", text(&n.Name, nil))
			o.need("latitude", decimal(&n.Latitude, -90, 90))
			o.need("longitude", decimal(&n.Longitude, -180, 180))
			o.read("city", text(&n.City, nil))
			o.read("country", country(&n.Country))
			o.read("map", boolean(&n.Map))
			if len(list) > 0 {
				n.Network = list[0]
			}
			if len(list) > 1 {
				o.fail("network", errors.New("write one network an entry"))
			}
			*p = append(*p, n)
		})
	}
	return value{set: set, show: func() any {
		return shown(*p, func(n Network) []any {
			return []any{"network", n.Network.String(), "name", n.Name, "latitude", n.Latitude, "longitude", n.Longitude,
				"city", n.City, "country", n.Country, "map", n.Map}
		})
	}}
}

// labels reads geo.labels.
func labels(p *[]Label) value {
	set := func(raw any) error {
		return objects(raw, func(o *object) {
			var l Label
			o.need("file", text(&l.File, nil))
			o.need("label", text(&l.Label, checkLabel))
			*p = append(*p, l)
		})
	}
	return value{set: set, show: func() any {
		return shown(*p, func(l Label) []any { return []any{"file", l.File, "label", l.Label} })
	}}
}

func checkLabel(s string) error {
	if s == "" || s != strings.TrimSpace(s) || strings.ContainsFunc(s, unicode.IsControl) || utf8.RuneCountInString(s) > 40 {
		return fmt.Errorf("%q is no name: write a short one, for example tor or \"my devices\"", s)
	}
	return nil
}

// home reads geo.home.
func home(p **Home) value {
	set := func(raw any) error {
		raw, err := fromYAML(raw)
		if err != nil || raw == nil {
			return err
		}
		fields, ok := raw.(map[string]any)
		if !ok {
			return errors.New("write {latitude: 52.52, longitude: 13.40}")
		}
		o, h := &object{fields: fields}, new(Home)
		o.need("latitude", decimal(&h.Latitude, -90, 90))
		o.need("longitude", decimal(&h.Longitude, -180, 180))
		o.read("name", text(&h.Name, checkLabel))
		o.checkUnknown()
		for _, err := range o.errs {
			err.(*itemError).item = "." + err.(*itemError).item
		}
		*p = h
		return errors.Join(o.errs...)
	}
	return value{set: set, show: func() any {
		if *p == nil {
			return nil
		}
		m := map[string]any{"latitude": (*p).Latitude, "longitude": (*p).Longitude}
		if (*p).Name != "" {
			m["name"] = (*p).Name
		}
		return m
	}}
}

// conditions reads sensor.include and sensor.exclude.
func conditions(p *[]Condition) value {
	set := func(raw any) error {
		return objects(raw, func(o *object) {
			var c Condition
			o.read("networks", prefixes(&c.Networks))
			o.read("ports", each(func(s string) error {
				low, high, isRange := strings.Cut(s, "-")
				if !isRange {
					high = low
				}
				a, err1 := strconv.ParseUint(low, 10, 16)
				b, err2 := strconv.ParseUint(high, 10, 16)
				if err1 != nil || err2 != nil || a > b {
					return fmt.Errorf("%q is no port: write 443 or 1-1024", s)
				}
				c.Ports = append(c.Ports, store.Range{Low: uint32(a), High: uint32(b)})
				return nil
			}))
			o.read("protocols", each(func(s string) error {
				proto, err := store.ParseProto(strings.ToLower(s))
				c.Protocols = append(c.Protocols, proto)
				return err
			}))
			o.read("vlans", each(func(s string) error {
				n, err := strconv.ParseUint(s, 10, 16)
				if err != nil || n > 4094 {
					return fmt.Errorf("%q is no VLAN: write a number from 0 to 4094", s)
				}
				c.VLANs = append(c.VLANs, uint16(n))
				return nil
			}))
			if len(c.Networks)+len(c.Ports)+len(c.Protocols)+len(c.VLANs) == 0 && len(o.errs) == 0 {
				o.errs = append(o.errs, &itemError{err: errors.New("it would match every packet: write networks, ports, protocols or vlans")})
			}
			*p = append(*p, c)
		})
	}
	return value{set: set, show: func() any {
		return shown(*p, func(c Condition) []any {
			var networks, ports, protocols []string
			for _, n := range c.Networks {
				networks = append(networks, n.String())
			}
			for _, r := range c.Ports {
				ports = append(ports, fmt.Sprintf("%d-%d", r.Low, r.High))
			}
			for _, proto := range c.Protocols {
				protocols = append(protocols, store.ProtoName(proto))
			}
			return []any{"networks", networks, "ports", ports, "protocols", protocols, "vlans", c.VLANs}
		})
	}}
}

// each is a list of texts that are read one by one.
func each(read func(string) error) value {
	return value{set: func(raw any) error {
		items, err := list(raw)
		for _, item := range items {
			if err == nil {
				err = read(item)
			}
		}
		return err
	}}
}

// shown turns entries into maps, without the fields that are empty.
func shown[T any](entries []T, fields func(T) []any) []any {
	list := []any{}
	for _, entry := range entries {
		m := map[string]any{}
		pairs := fields(entry)
		for i := 0; i < len(pairs); i += 2 {
			if v := reflect.ValueOf(pairs[i+1]); (v.Kind() == reflect.String || v.Kind() == reflect.Slice) && v.Len() == 0 {
				continue
			}
			m[pairs[i].(string)] = pairs[i+1]
		}
		list = append(list, m)
	}
	return list
}
