package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
)

func (p *program) geoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "geo",
		Short: "Find out where addresses are, and which databases say so",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.geoLookupCommand(), p.geoStatusCommand())
	return cmd
}

// openGeo opens the databases that the configuration names, those found, or the built-in.
func openGeo(c *config.Loaded, log *slog.Logger) (*geo.DB, error) {
	var networks []geo.Network
	for _, n := range c.Geo.Networks {
		networks = append(networks, geo.Network{Prefix: n.Network, Name: n.Name, City: n.City, Country: n.Country,
			Latitude: n.Latitude, Longitude: n.Longitude})
	}
	return geo.Open(geo.Config{City: c.Geo.City, ASN: c.Geo.ASN, Networks: networks, Logger: log})
}

// withGeo calls do with the databases that the configuration of a command leads to.
func (p *program) withGeo(cmd *cobra.Command, do func(*config.Loaded, *geo.DB) error) (err error) {
	c, err := p.load(cmd)
	if err != nil {
		return err
	}
	db, err := openGeo(c, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(c, db)
}

func (p *program) geoStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print the GeoIP databases in use, with their age and what they lack",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withGeo(cmd, func(c *config.Loaded, db *geo.DB) error {
				if asJSON {
					return p.printJSON(geoJSON(db, c.Geo.MaxAge))
				}
				return p.printGeo(db, c.Geo.MaxAge)
			})
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

// sourceJSON is a database as "geo status --json" and the sensor's status print it.
type sourceJSON struct {
	Kind        string    `json:"kind"`
	Name        string    `json:"name"`
	Type        string    `json:"type,omitempty"`
	Path        string    `json:"path,omitempty"` // empty: built in
	Built       time.Time `json:"built,omitzero"`
	InUse       bool      `json:"in_use"`
	Missing     []string  `json:"missing,omitempty"`
	Warning     string    `json:"warning,omitempty"`
	Attribution string    `json:"attribution,omitempty"`
	URL         string    `json:"url,omitempty"`
}

func geoJSON(db *geo.DB, maxAge time.Duration) []sourceJSON {
	list := []sourceJSON{}
	for _, s := range db.Sources() {
		list = append(list, sourceJSON{Kind: s.Kind, Name: s.Name, Type: s.Type, Path: s.Path, Built: s.Built, InUse: s.InUse,
			Missing: s.Missing, Warning: sourceWarning(s, maxAge), Attribution: s.Attribution, URL: s.AttributionURL})
	}
	return list
}

// sourceWarning is what is wrong with a database, its age included.
func sourceWarning(s geo.Source, maxAge time.Duration) string {
	if age := time.Since(s.Built); s.Warning == "" && s.InUse && !s.Built.IsZero() && age > maxAge {
		where := "put a newer file there"
		if s.Path == "" {
			where = "put a file of GeoLite2 or DB-IP into /var/lib/GeoIP"
		}
		return fmt.Sprintf("%d days old, more than geo.max_age: %s, or name one in geo.%s", int(age.Hours()/24), where, s.Kind)
	}
	return s.Warning
}

func (p *program) printGeo(db *geo.DB, maxAge time.Duration) error {
	var t term.Table
	t.Head("kind", "database", "built", "in use", "missing", "from", "warning")
	var credits []string
	for _, s := range db.Sources() {
		path, built, inUse := s.Path, "", "no"
		if path == "" {
			path = "built in"
		}
		if !s.Built.IsZero() {
			built = s.Built.UTC().Format(time.DateOnly)
		}
		if s.InUse {
			inUse = "yes"
		}
		t.Row(s.Kind, s.Name, built, inUse, strings.Join(s.Missing, ", "), path, sourceWarning(s, maxAge))
	}
	for _, credit := range db.Attribution() {
		credits = append(credits, strings.TrimSpace(credit.Text+" "+credit.URL))
	}
	if _, err := t.WriteTo(p.out); err != nil {
		return err
	}
	if len(credits) > 0 {
		_, err := fmt.Fprintln(p.out, term.Clean(strings.Join(credits, "; ")))
		return err
	}
	return nil
}

func (p *program) geoLookupCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS…|-",
		Short: "Print where addresses are",
		Long: `Print where addresses are. With - they are read from standard input, one a line (the
first word counts), and answered as they come: a line each, or with --json an object each.`,
		Example: `  packetheat geo lookup 9.9.9.9 2620:fe::fe
  packetheat geo lookup - --json < addresses.txt`,
		Args: atLeastOne("addresses, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withGeo(cmd, func(_ *config.Loaded, db *geo.DB) error {
				l := &lookup{program: p, db: db, asJSON: asJSON}
				for _, s := range db.Sources() {
					if s.InUse && s.Kind == "city" && l.source == "" {
						l.source = s.Name
					}
				}
				if len(args) == 1 && args[0] == "-" {
					return l.stream(p.in)
				}
				return l.table(args)
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
	source string
	asJSON bool
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
	Source     string   `json:"source"`
}

func (l *lookup) answer(text string, find func(netip.Addr) geo.Location) (foundJSON, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return foundJSON{}, usagef("%q is no IP address: write 192.0.2.1 or 2001:db8::1", text)
	}
	at := find(addr)
	f := foundJSON{IP: addr.String(), Country: at.Country, Region: at.Region, City: at.City, Precision: at.Precision.String(),
		AccuracyKM: at.AccuracyKM, ASN: at.ASN, ASOrg: at.ASOrg, Source: l.source}
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
		precision = "unlocated"
	}
	return []string{f.IP, where, f.Country, f.Region, f.City, precision, radius, as}
}

func (l *lookup) table(addresses []string) error {
	var t term.Table
	var all []foundJSON
	t.Head("ip", "coordinates", "country", "region", "city", "precision", "radius", "network")
	for _, text := range addresses {
		found, err := l.answer(text, l.db.Locate)
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

// stream answers line by line. A line that is no address is said, and does not end
// the work; the exit status tells.
func (l *lookup) stream(in io.Reader) error {
	cache := geo.NewCache(l.db, 0)
	out := bufio.NewWriter(l.out)
	encoder := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	wrong := 0
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		found, err := l.answer(words[0], cache.Locate)
		if err != nil {
			if wrong++; wrong <= 10 {
				l.complain(err)
			}
			continue
		}
		if l.asJSON {
			err = encoder.Encode(found)
		} else {
			_, err = out.WriteString(tabbed(found.cells()) + "\n")
		}
		if err != nil {
			return err
		}
	}
	err := errors.Join(lines.Err(), out.Flush())
	if err == nil && wrong > 0 {
		return fmt.Errorf("%d lines were no addresses", wrong)
	}
	return err
}

// tabbed joins cells by tabs, each cleaned.
func tabbed(cells []string) string {
	clean := make([]string, len(cells))
	for i, cell := range cells {
		clean[i] = term.Clean(cell)
	}
	return strings.Join(clean, "\t")
}
