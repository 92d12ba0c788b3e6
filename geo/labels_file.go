package geo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// The limits of a list: beyond them it is refused.
const (
	maxLabelBytes = 64 << 20
	maxLabelLine  = 4 << 10
)

// readLabelFile reads a list from a file.
func readLabelFile(path string) (*labelSet, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	defer f.Close() // it was only read
	s, err := parseLabels(f, path)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	s.peers = true
	return s, nil
}

// parseLabels reads a list: on each line an address, a network, a range of addresses or
// the number of an autonomous system, with or without AS before it. What follows on the
// line is not looked at; # and ; begin a comment. Errors name file and line.
func parseLabels(r io.Reader, name string) (*labelSet, error) {
	s := &labelSet{}
	limited := &io.LimitedReader{R: r, N: maxLabelBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, maxLabelLine), maxLabelLine)
	n := 0
	for lines.Scan() {
		n++
		text, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\ufeff"), "#")
		text, _, _ = strings.Cut(text, ";")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) > 2 && fields[1] == "-" {
			fields[0] += "-" + fields[2]
		}
		if err := s.addText(fields[0]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s:%d: line is longer than %d bytes: write one address, network or AS number a line", name, n+1, maxLabelLine)
	case err != nil:
		return nil, err
	case limited.N <= 0:
		return nil, fmt.Errorf("%s: file is larger than %d MiB", name, maxLabelBytes>>20)
	}
	s.seal()
	return s, nil
}

// addText adds one entry of a list.
func (s *labelSet) addText(text string) error {
	if first, second, ok := strings.Cut(text, "-"); ok {
		a, err1 := netip.ParseAddr(first)
		b, err2 := netip.ParseAddr(second)
		if err1 != nil || err2 != nil || a.Is4() != b.Is4() || b.Less(a) || a.Zone() != "" || b.Zone() != "" {
			return fmt.Errorf("%q is no range of addresses: write 192.0.2.1-192.0.2.9", text)
		}
		s.add(a, b)
		return nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		s.add(p.Masked().Addr(), last(p))
		return nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		s.add(a, a)
		return nil
	}
	number := text
	if len(text) > 2 && strings.EqualFold(text[:2], "AS") {
		number = text[2:]
	}
	if n, err := strconv.ParseUint(number, 10, 32); err == nil && n > 0 {
		s.addSystem(uint32(n))
		return nil
	}
	return fmt.Errorf("%.60q is no address, network or AS number: write 192.0.2.1, 192.0.2.0/24, 192.0.2.1-192.0.2.9 or AS64500", text)
}
