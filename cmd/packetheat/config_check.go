package main

import (
	"fmt"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/keypair"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/store"
)

// examine opens what a configuration names and run would open: what it could not start
// with. insecure is run's flag.
func (p *program) examine(c *config.Loaded, insecure bool) (problems []error) {
	add := func(key string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
		}
	}
	d := &c.Dashboard
	add("dashboard.listen", checkExposed(d, insecure))
	if d.Certificate != "" {
		pair, err := keypair.Open(d.Certificate, d.Key, nil)
		if err == nil && time.Now().After(pair.Leaf().NotAfter) {
			p.say("warning: dashboard.tls.certificate: %q ended on %s: browsers will refuse it", d.Certificate, pair.Leaf().NotAfter.Format(time.DateOnly))
		}
		add("dashboard.tls", err)
	}
	labels, err := readLabels(c, nil)
	add("geo.labels", err)
	if err == nil && c.Alerts.Enabled {
		_, err = readRules(&c.Alerts, labels)
		add("alerts", err)
	}
	if err == nil {
		for i, job := range c.Export.Jobs {
			_, err := store.ParseFilterWith(job.Filter, labels)
			add(fmt.Sprintf("export.jobs[%d].filter", i), err)
		}
	}
	if c.Geo.City != "" || c.Geo.ASN != "" {
		db, err := geo.Open(geo.Config{City: c.Geo.City, ASN: c.Geo.ASN, Search: []string{}})
		if err == nil {
			err = db.Close()
		}
		add("geo.city, geo.asn", err)
	}
	return problems
}

// check says what is wrong with a configuration, one a line.
func (p *program) check(c *config.Loaded, insecure bool) error {
	problems := p.examine(c, insecure)
	if len(problems) == 0 {
		return nil
	}
	for _, problem := range problems {
		p.complain(problem)
	}
	return errSilent
}
