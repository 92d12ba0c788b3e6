package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
)

func (p *program) geoLookupCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS…|-",
		Short: "Print where addresses are",
		Long: `Print where addresses are. With - they are read from standard input, one a line (the
first word counts), and answered as they come: a line each, or with --json an object each.
The address inside 6to4, Teredo and NAT64 addresses is looked up. Labels are the built-in
ones, those of geo.labels, and the names of geo.networks.`,
		Example: `  packetheat geo lookup 9.9.9.9 2620:fe::fe
  packetheat geo lookup - --json < addresses.txt`,
		Args: atLeastOne("addresses, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withGeo(cmd, func(c *config.Loaded, db *geo.DB) error {
				labels, err := readLabels(c, nil)
				if err != nil {
					return err
				}
				l := &lookup{program: p, db: db, tags: newLabelling(labels), asJSON: asJSON}
				if len(args) == 1 && args[0] == "-" {
					defer l.credit()
					return l.stream(p.in)
				}
				if err := l.table(args); err != nil {
					return err
				}
				l.credit()
				return nil
			})
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// lookup answers for addresses.
type lookup struct {
	*program
	db     *geo.DB
	tags   *labelling
	asJSON bool
}

// credit names the sources, as their licences ask for. It goes to standard error, where
// it is in nobody's way.
func (l *lookup) credit() {
	if line := creditLine(l.db); line != "" {
		l.say("%s", line)
	}
}

// foundJSON is the answer for one address.
type foundJSON struct {
	IP         string   `json:"ip"`
	Latitude   *float64 `json:"latitude"`
	Longitude  *float64 `json:"longitude"`
	Country    string   `json:"country"`
	Region     string   `json:"region"`
	City       string   `json:"city"`
	Precision  string   `json:"precision"`
	AccuracyKM uint16   `json:"accuracy_km"`
	ASN        uint32   `json:"asn"`
	ASOrg      string   `json:"as_org"`
	Labels     []string `json:"labels"`
	Source     string   `json:"source"` // the database asked
}

// noAddress says what is wrong with a word.
func noAddress(text string) error {
	return usagef("%q is no IP address: write 192.0.2.1 or 2001:db8::1", text)
}

func (l *lookup) answer(text string) (foundJSON, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return foundJSON{}, noAddress(text)
	}
	at := l.db.Locate(addr)
	f := foundJSON{IP: addr.String(), Country: at.Country, Region: at.Region, City: at.City, Precision: at.Precision.String(),
		AccuracyKM: at.AccuracyKM, ASN: at.ASN, ASOrg: at.ASOrg, Labels: l.tags.of(addr, at.ASN).names, Source: l.db.SourceOf(addr)}
	if at.HasCoordinates {
		f.Latitude, f.Longitude = &at.Latitude, &at.Longitude
	}
	return f, nil
}

// cells are the columns of an answer for people.
func (f foundJSON) cells() []string {
	where, as, radius := "", "", ""
	if f.Latitude != nil {
		where = fmt.Sprintf("%.4f,%.4f", *f.Latitude, *f.Longitude)
	}
	if f.ASN != 0 {
		as = strings.TrimSpace(fmt.Sprintf("AS%d %s", f.ASN, f.ASOrg))
	}
	if f.AccuracyKM > 0 {
		radius = fmt.Sprintf("%d km", f.AccuracyKM)
	}
	precision := f.Precision
	if precision == "" {
		precision = unlocated
	}
	return []string{f.IP, where, f.Country, f.Region, f.City, precision, radius, as, strings.Join(f.Labels, ", "), f.Source}
}

// unlocated is what people read where there is no precision.
const unlocated = "unlocated"

func (l *lookup) table(addresses []string) error {
	var t term.Table
	var all []foundJSON
	t.Head("ip", "coordinates", "country", "region", "city", "precision", "radius", "network", "labels", "source")
	for _, text := range addresses {
		found, err := l.answer(text)
		if err != nil {
			return err
		}
		all = append(all, found)
		t.Row(found.cells()...)
	}
	if l.asJSON {
		return l.printJSON(all)
	}
	_, err := t.WriteTo(l.out)
	return err
}

// Limits of stream: of a line, and of the mistakes that are said.
const (
	longestLine = 1 << 16
	mostSaid    = 10
)

// stream answers line by line, and writes when it has to wait for more. A line that is
// no address is said, and does not end the work; the exit status tells.
func (l *lookup) stream(in io.Reader) error {
	cache := geo.NewCache(l.db, 0)
	lines, out := bufio.NewReaderSize(in, longestLine), bufio.NewWriterSize(l.out, longestLine)
	write := appendRow
	if l.asJSON {
		write = appendObject
	}
	var line []byte
	for wrong := 0; ; {
		if lines.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		text, rest, err := lines.ReadLine()
		for more := rest; more && err == nil; { // only the first word counts
			_, more, err = lines.ReadLine()
		}
		if errors.Is(err, io.EOF) {
			if err := out.Flush(); err != nil || wrong == 0 {
				return err
			}
			return fmt.Errorf("%d lines were no addresses", wrong)
		} else if err != nil {
			return errors.Join(err, out.Flush())
		}
		word := firstWord(text)
		if len(word) == 0 {
			continue
		}
		addr, ok := parseAddr(word)
		if !ok {
			if wrong++; wrong <= mostSaid {
				l.complain(noAddress(string(word)))
			}
			continue
		}
		at := cache.Locate(addr)
		line = write(line[:0], addr, &at, l.tags.of(addr, at.ASN), l.db.SourceOf(addr))
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
}
