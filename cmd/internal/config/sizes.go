package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a part of something: a number of bytes, a share of the whole, or both,
// of which the smaller counts. The zero value is nothing.
type Amount struct {
	Bytes int64   // 0: not given
	Share float64 // of 1; 0: not given
}

// Of returns the amount of a whole of total bytes.
func (a Amount) Of(total int64) int64 {
	share := int64(a.Share * float64(total))
	switch {
	case a.Share == 0:
		return a.Bytes
	case a.Bytes == 0:
		return share
	}
	return min(a.Bytes, share)
}

// String returns the amount as it is written in the file: "256MiB|5%".
func (a Amount) String() string {
	var parts []string
	if a.Bytes > 0 {
		parts = append(parts, formatSize(a.Bytes))
	}
	if a.Share > 0 {
		parts = append(parts, formatShare(a.Share))
	}
	return strings.Join(parts, "|")
}

// units of sizes, longest names first within a magnitude. As everywhere in this
// program, MiB are 1024 based and MB are 1000 based.
var units = []struct {
	name  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1},
}

// size is a number of bytes from low to high.
func size(p *int64, low, high int64) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err != nil {
				return err
			}
			n, err := parseSize(s)
			if err == nil && (n < low || n > high) {
				err = fmt.Errorf("%s is not possible: write a size from %s to %s", s, formatSize(low), formatSize(high))
			}
			*p = n
			return err
		},
		show: func() any { return formatSize(*p) },
	}
}

// amount is a size, a share, or both joined by a bar.
func amount(p *Amount, low int64) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err != nil {
				return err
			}
			*p, err = parseAmount(s, low)
			return err
		},
		show: func() any { return p.String() },
	}
}

// share is a percentage.
func share(p *float64) value {
	return value{
		set: func(raw any) error {
			s, err := scalar(raw)
			if err == nil {
				*p, err = parseShare(s)
			}
			return err
		},
		show: func() any { return formatShare(*p) },
	}
}

func parseAmount(s string, low int64) (a Amount, err error) {
	for part := range strings.SplitSeq(s, "|") {
		part = strings.TrimSpace(part)
		switch {
		case strings.HasSuffix(part, "%"):
			a.Share, err = parseShare(part)
		default:
			a.Bytes, err = parseSize(part)
			if err == nil && a.Bytes < low {
				err = fmt.Errorf("%s is too little: write %s or more", part, formatSize(low))
			}
		}
		if err != nil {
			return a, fmt.Errorf("%w (256MiB, 5%%, or both as 256MiB|5%%, then the smaller counts)", err)
		}
	}
	return a, nil
}

func parseSize(s string) (int64, error) {
	lower := strings.ToLower(strings.TrimSpace(s))
	for _, unit := range units {
		digits, ok := strings.CutSuffix(lower, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(n >= 0 && n*unit.bytes < math.MaxInt64) { // also refuses NaN
			break
		}
		return int64(n * unit.bytes), nil
	}
	return 0, fmt.Errorf("%q is no size: write a number and a unit, for example 256MiB or 10GiB", s)
}

func parseShare(s string) (float64, error) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if !ok || err != nil || n <= 0 || n > 100 {
		return 0, fmt.Errorf("%q is no share: write a percentage, for example 5%%", s)
	}
	return n / 100, nil
}

func formatShare(share float64) string {
	return strconv.FormatFloat(share*100, 'f', -1, 64) + "%"
}

// formatSize prints the largest 1024-based unit that leaves a whole number.
func formatSize(n int64) string {
	for i := 3; i >= 0; i-- {
		if unit := int64(units[i].bytes); n >= unit && n%unit == 0 {
			return strconv.FormatInt(n/unit, 10) + [...]string{"KiB", "MiB", "GiB", "TiB"}[i]
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
