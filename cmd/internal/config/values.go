package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// value fills one field of a Config. set takes what viper found, which is a string
// where it comes from the environment, and says what would be right where it is
// wrong; show returns it as config dump prints it.
type value struct {
	set  func(raw any) error
	show func() any
}

// text is any text; check, where not nil, refuses some.
func text(p *string, check func(string) error) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err == nil && check != nil && s != "" {
				err = check(s)
			}
			*p = s
			return err
		},
		show: func() any { return *p },
	}
}

// choice is one of some words.
func choice(p *string, words ...string) value {
	return text(p, func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("%q is not possible: write %s", s, orList(words))
		}
		return nil
	})
}

// texts is a list of texts; in the environment, and as a lone text, split at commas.
func texts(p *[]string, check func(string) error) value {
	return value{
		set: func(raw any) error {
			list, err := list(raw)
			if err != nil {
				return err
			}
			*p = list
			for _, s := range list {
				if check != nil && err == nil {
					err = check(s)
				}
			}
			return err
		},
		show: func() any { return *p },
	}
}

// choices is a list of some words.
func choices(p *[]string, words ...string) value {
	return texts(p, func(s string) error {
		if !slices.Contains(words, s) {
			return fmt.Errorf("%q is not possible: write a list of %s", s, orList(words))
		}
		return nil
	})
}

// prefixes is a list of networks; a bare address is a network of its own.
func prefixes(p *[]netip.Prefix) value {
	return value{
		set: func(raw any) error {
			list, err := list(raw)
			if err != nil {
				return err
			}
			for _, s := range list {
				prefix, err := parsePrefix(s)
				if err != nil {
					return err
				}
				*p = append(*p, prefix)
			}
			return nil
		},
		show: func() any { return *p },
	}
}

func parsePrefix(s string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix.Masked(), nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	return netip.Prefix{}, fmt.Errorf("%q is no network: write 192.0.2.0/24 or 2001:db8::/32", s)
}

// boolean is true or false.
func boolean(p *bool) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err != nil {
				return err
			}
			if s != "true" && s != "false" {
				return fmt.Errorf("%q is neither true nor false", s)
			}
			*p = s == "true"
			return nil
		},
		show: func() any { return *p },
	}
}

// number is a whole number from low to high.
func number(p *int, low, high int) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(s)
			if err != nil || n < low || n > high {
				return fmt.Errorf("%q is not possible: write a whole number from %d to %d", s, low, high)
			}
			*p = n
			return nil
		},
		show: func() any { return *p },
	}
}

// duration is a length of time from low to high, in words of store.ParseDuration;
// forever, where not "", is the word that stands for Forever.
func duration(p *time.Duration, low, high time.Duration, forever string) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err != nil {
				return err
			}
			if forever != "" && s == forever {
				*p = Forever
				return nil
			}
			d, err := store.ParseDuration(s)
			switch {
			case err != nil && forever != "":
				return fmt.Errorf("%w, or %s", err, forever)
			case err != nil:
				return err
			case d < low || d > high:
				return fmt.Errorf("%s is not possible: write a duration from %s to %s", s, formatDuration(low), formatDuration(high))
			}
			*p = d
			return nil
		},
		show: func() any {
			if *p == Forever {
				return forever
			}
			return formatDuration(*p)
		},
	}
}

// addresses is a duration as long as that of points, 0, or longer.
func addresses(p *time.Duration) value {
	v := duration(p, time.Hour, never, "forever")
	set, show := v.set, v.show
	v.set = func(raw any) error {
		if s, err := scalar(raw); err == nil && s == "points" {
			*p = 0
			return nil
		}
		if err := set(raw); err != nil {
			return fmt.Errorf("%w, or points", err)
		}
		return nil
	}
	v.show = func() any {
		if *p == 0 {
			return "points"
		}
		return show()
	}
	return v
}

// tick is a duration that store.CheckTick accepts.
func tick(p *time.Duration) value {
	v := duration(p, time.Second, time.Minute, "")
	set := v.set
	v.set = func(raw any) error {
		if err := set(raw); err != nil {
			return err
		}
		return store.CheckTick(*p)
	}
	return v
}

// address is a host:port to listen on, or "off". The host may be empty: everywhere.
func address(p *string) value {
	return text(p, func(s string) error {
		if s == "off" {
			return nil
		}
		_, port, err := net.SplitHostPort(s)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("%q is no address to listen on: write 127.0.0.1:8080, [::1]:8080 or off", s)
		}
		return nil
	})
}

// scalar returns a single value as text.
func scalar(raw any) (string, error) {
	switch v := raw.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case nil:
		return "", nil
	case []any, []string:
		return "", errors.New("a list is not possible here: write a single value")
	case time.Time:
		return v.Format(time.RFC3339), nil
	}
	return "", errors.New("a section is not possible here: write a single value")
}

// list returns a list of texts; a lone text is split at commas.
func list(raw any) ([]string, error) {
	var items []string
	switch v := raw.(type) {
	case nil:
		return []string{}, nil
	case []string:
		items = v
	case []any:
		for _, item := range v {
			s, err := scalar(item)
			if err != nil {
				return nil, errors.New("write a list of plain values, for example [a, b]")
			}
			items = append(items, s)
		}
	case map[string]any:
		return nil, errors.New("a section is not possible here: write a list, for example [a, b]")
	default:
		s, _ := scalar(v)
		items = strings.Split(s, ",")
	}
	list := []string{}
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list, nil
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// formatDuration prints whole days, hours, minutes and seconds without zero parts.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		if days := d / day; days%365 == 0 {
			return fmt.Sprintf("%dy", days/365)
		}
		return fmt.Sprintf("%dd", d/day)
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}
