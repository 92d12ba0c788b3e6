// Package netdev measures what crosses the network interfaces, without capturing, by
// the counters in /proc/net/dev (see proc_net(5)).
package netdev

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// Counters are those of one interface since it was made.
type Counters struct{ PacketsIn, PacketsOut, BytesIn, BytesOut uint64 }

// Rates are per second.
type Rates struct {
	PacketsIn  float64 `json:"packets_in"`
	PacketsOut float64 `json:"packets_out"`
	BytesIn    float64 `json:"bytes_in"`
	BytesOut   float64 `json:"bytes_out"`
}

// Read returns the counters of every interface in this network namespace.
func Read() (map[string]Counters, error) {
	f, err := os.Open("/proc/self/net/dev") // of this process, not of whoever mounted /proc
	if err != nil {
		return nil, fmt.Errorf("read interface counters: %w", err)
	}
	defer f.Close()
	return parse(f)
}

// parse reads the table: two lines of titles, then "name: 16 numbers", of which the
// first two are bytes and packets received, the ninth and tenth those sent.
func parse(r io.Reader) (map[string]Counters, error) {
	all := map[string]Counters{}
	lines := bufio.NewScanner(r)
	for n := 0; lines.Scan(); n++ {
		name, rest, ok := strings.Cut(lines.Text(), ":")
		if n < 2 || !ok {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 10 {
			return nil, fmt.Errorf("read interface counters: line %q is too short", lines.Text())
		}
		var c Counters
		for _, column := range []struct {
			to *uint64
			at int
		}{{&c.BytesIn, 0}, {&c.PacketsIn, 1}, {&c.BytesOut, 8}, {&c.PacketsOut, 9}} {
			x, err := strconv.ParseUint(fields[column.at], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read interface counters: %w", err)
			}
			*column.to = x
		}
		all[strings.TrimSpace(name)] = c
	}
	return all, lines.Err()
}

// Measure reads the counters, waits, and reads them again.
func Measure(ctx context.Context, wait time.Duration) (map[string]Rates, error) {
	before, err := Read()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(wait):
	}
	after, err := Read()
	if err != nil {
		return nil, err
	}
	return rates(before, after, time.Since(start).Seconds()), nil
}

func rates(before, after map[string]Counters, seconds float64) map[string]Rates {
	all := map[string]Rates{}
	for name, b := range after {
		a, ok := before[name]
		if !ok {
			continue
		}
		per := func(x, y uint64) float64 { return float64(x-min(x, y)) / seconds } // a new interface of the name counts from 0
		all[name] = Rates{per(b.PacketsIn, a.PacketsIn), per(b.PacketsOut, a.PacketsOut), per(b.BytesIn, a.BytesIn), per(b.BytesOut, a.BytesOut)}
	}
	return all
}
