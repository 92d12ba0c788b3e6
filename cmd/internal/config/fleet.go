package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fleet is the section "fleet": a database that many sensors share.
type Fleet struct {
	Every      time.Duration // between shipments
	ClickHouse ClickHouse
}

// ClickHouse is the section "fleet.clickhouse".
type ClickHouse struct {
	DSN       string // "": this sensor ships to nobody
	Database  string // "": as the DSN says, else packetheat
	Cluster   string // "": one server
	User      string // "": default
	Password  string // secret
	CA        string // file, PEM; "": the system's
	Retention FleetRetention
}

// FleetRetention is how long the shared database keeps things, as Store has it; each may
// be Forever.
type FleetRetention struct {
	Points                     time.Duration
	Views10m, Views1h, Views1d time.Duration
}

func (c *Config) fleetKeys() []key {
	f := &c.Fleet
	s, r := &f.ClickHouse, &f.ClickHouse.Retention
	age := func(p *time.Duration) value { return duration(p, 24*time.Hour, never, "forever") }
	return []key{
		{name: "fleet.every", preset: "10s", value: duration(&f.Every, time.Second, time.Hour, "")},
		{name: "fleet.clickhouse.dsn", preset: "", value: text(&s.DSN, checkDSN)},
		{name: "fleet.clickhouse.database", preset: "", value: text(&s.Database, nil)},
		{name: "fleet.clickhouse.cluster", preset: "", value: text(&s.Cluster, nil)},
		{name: "fleet.clickhouse.user", preset: "", value: text(&s.User, nil)},
		{name: "fleet.clickhouse.password", preset: "", value: text(&s.Password, nil), secret: true},
		{name: "fleet.clickhouse.ca", preset: "", value: text(&s.CA, nil)},
		{name: "fleet.clickhouse.retention.points", preset: "30d", value: age(&r.Points)},
		{name: "fleet.clickhouse.retention.views.10m", preset: "90d", value: age(&r.Views10m)},
		{name: "fleet.clickhouse.retention.views.1h", preset: "2y", value: age(&r.Views1h)},
		{name: "fleet.clickhouse.retention.views.1d", preset: "forever", value: age(&r.Views1d)},
	}
}

// checkDSN accepts an address without user and password in it: it is printed, in messages
// and by config dump.
func checkDSN(s string) error {
	scheme, rest, ok := strings.Cut(s, "://")
	host, parameters, _ := strings.Cut(rest, "?")
	host, _, _ = strings.Cut(host, "/")
	switch {
	case !ok || !slices.Contains([]string{"clickhouse", "tcp", "http", "https"}, scheme) || host == "":
		return fmt.Errorf("%q is no address of ClickHouse: write clickhouse://db.example.net:9000 or https://db.example.net:8443", withoutUser(s))
	case strings.Contains(rest, "@"):
		return errors.New("the address has no user and password in it: fleet.clickhouse.user and fleet.clickhouse.password have them")
	}
	for parameter := range strings.SplitSeq(parameters, "&") {
		if name, _, _ := strings.Cut(parameter, "="); name == "password" || name == "username" {
			return fmt.Errorf("the address has no %s in it: fleet.clickhouse.user and fleet.clickhouse.password have them", name)
		}
	}
	return nil
}

// withoutUser takes what may be a password out of an address.
func withoutUser(s string) string {
	if i := strings.LastIndex(s, "@"); i >= 0 {
		return "…" + s[i:]
	}
	return s
}
