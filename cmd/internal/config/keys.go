package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// key is one entry of the configuration.
type key struct {
	name   string // with dots, lower case
	preset any    // the default, as it would stand in the file
	value  value
	secret bool // never printed; may come from the file that PACKETHEAT_…_FILE names

	// later, where not "", says that the key's feature is not in this version. What
	// is set is checked all the same. promises says that ignoring the key would break
	// a promise (privacy, protection): then setting it is a mistake, else a warning.
	later    string
	promises bool
}

const (
	year  = 365 * 24 * time.Hour
	never = 100 * year
)

// keys binds every key to its field of c.
func (c *Config) keys() []key {
	var all []key
	for _, section := range [][]key{
		c.sensorKeys(), c.geoKeys(), c.storeKeys(), c.exportKeys(), c.dashboardKeys(), c.fleetKeys(), c.otherKeys(),
	} {
		all = append(all, section...)
	}
	return all
}

func (c *Config) sensorKeys() []key {
	s := &c.Sensor
	return []key{
		{name: "sensor.name", preset: "", value: text(&s.Name, checkSensorName)},
		{name: "sensor.interfaces", preset: []any{"default_route"}, value: texts(&s.Interfaces, checkInterface)},
		{name: "sensor.tick", preset: "10s", value: tick(&s.Tick)},
		{name: "sensor.local_networks", preset: []any{}, value: prefixes(&s.LocalNetworks)},
		{name: "sensor.include", preset: []any{}, value: conditions(&s.Include)},
		{name: "sensor.exclude", preset: []any{}, value: conditions(&s.Exclude)},
		{name: "sensor.bpf", preset: "", value: text(&s.BPF, checkBPF)},
		{name: "sensor.ring.total", preset: "256MiB|5%", value: amount(&s.RingTotal, 1<<20)},
		{name: "sensor.ring.block_size", preset: "1MiB", value: powerOfTwo(size(&s.BlockSize, 1<<16, 1<<26), &s.BlockSize)},
		{name: "sensor.ring.block_timeout", preset: "60ms", value: duration(&s.BlockTimeout, time.Millisecond, time.Second, "")},
		{name: "sensor.ring.snaplen", preset: 128, value: number(&s.Snaplen, 64, 65535)},
		{name: "sensor.shards", preset: 0, value: number(&s.Shards, 0, 256)},
		{name: "sensor.fanout", preset: "hash", value: choice(&s.Fanout, "hash", "cpu", "cbpf")},
		{name: "sensor.promiscuous", preset: false, value: boolean(&s.Promiscuous)},
		{name: "sensor.max_keys", preset: 1 << 17, value: number(&s.MaxKeys, 1024, 1<<24)},
		{name: "sensor.tunnels", preset: "inner", value: tunnels(&s.OuterTunnels)},
		{name: "sensor.user", preset: "", value: text(&s.User, nil)},
	}
}

func (c *Config) geoKeys() []key {
	g := &c.Geo
	return []key{
		{name: "geo.city", preset: "", value: text(&g.City, nil)},
		{name: "geo.asn", preset: "", value: text(&g.ASN, nil)},
		{name: "geo.cache", preset: 65536, value: number(&g.Cache, 0, 1<<24)},
		{name: "geo.networks", preset: []any{}, value: networks(&g.Networks)},
		{name: "geo.labels", preset: []any{}, value: labels(&g.Labels)},
		{name: "geo.place_anycast", preset: false, value: boolean(&g.PlaceAnycast)},
		{name: "geo.home", preset: nil, value: home(&g.Home)},
		{name: "geo.update.enabled", preset: false, value: boolean(&g.Update)},
		{name: "geo.update.interval", preset: "1d", value: duration(&g.UpdateInterval, time.Hour, never, "")},
		{name: "geo.update.dir", preset: "", value: text(&g.UpdateDir, nil)},
		{name: "geo.update.url", preset: "", value: text(&g.UpdateURL, checkURL)},
		{name: "geo.update.maxmind.account_id", preset: "", value: text(&g.AccountID, nil), secret: true},
		{name: "geo.update.maxmind.license_key", preset: "", value: text(&g.LicenseKey, nil), secret: true},
		{name: "geo.update.maxmind.editions", preset: []any{"GeoLite2-City", "GeoLite2-ASN"}, value: texts(&g.Editions, nil)},
		{name: "geo.update.maxmind.url", preset: "", value: text(&g.MaxMindURL, checkURL)},
		{name: "geo.max_age", preset: "60d", value: duration(&g.MaxAge, 24*time.Hour, never, "never")},
	}
}

func (c *Config) storeKeys() []key {
	s := &c.Store
	age := func(p *time.Duration) value { return duration(p, time.Hour, never, "forever") }
	return []key{
		{name: "store.path", preset: "data", value: text(&s.Path, nil)},
		{name: "store.retention.points", preset: "30d", value: age(&s.Points)},
		{name: "store.retention.views.10m", preset: "90d", value: age(&s.Views10m)},
		{name: "store.retention.views.1h", preset: "2y", value: age(&s.Views1h)},
		{name: "store.retention.views.1d", preset: "forever", value: age(&s.Views1d)},
		{name: "store.retention.addresses", preset: "points", value: addresses(&s.Addresses)},
		{name: "store.retention.size", preset: "10GiB", value: size(&s.Size, 16<<20, 1<<60)},
		{name: "store.retention.free", preset: "1GiB|5%", value: amount(&s.Free, 0)},
		{name: "store.anonymise.addresses", preset: "none", value: choice(&s.AnonymiseAddresses, "none", "peer", "both")},
		{name: "store.anonymise.ipv4", preset: 24, value: number(&s.AnonymiseIPv4, 0, 32)},
		{name: "store.anonymise.ipv6", preset: 48, value: number(&s.AnonymiseIPv6, 0, 128)},
	}
}

func (c *Config) exportKeys() []key {
	e := &c.Export
	return []key{
		{name: "export.dir", preset: "out", value: text(&e.Dir, nil)},
		{name: "export.window", preset: "1h", value: duration(&e.Window, time.Minute, never, "")},
		{name: "export.refresh", preset: "10s", value: duration(&e.Refresh, time.Second, 24*time.Hour, "")},
		{name: "export.formats", preset: []any{"html", "csv"}, value: choices(&e.Formats, fileFormats...)},
		{name: "export.budget.size", preset: "32MiB", value: size(&e.BudgetSize, 1<<20, 1<<40)},
		{name: "export.budget.cpu", preset: "5%", value: share(&e.BudgetCPU)},
		{name: "export.jobs", preset: []any{}, value: jobs(&e.Jobs)},
	}
}

func (c *Config) dashboardKeys() []key {
	d := &c.Dashboard
	return []key{
		{name: "dashboard.listen", preset: "127.0.0.1:8080", value: address(&d.Listen)},
		{name: "dashboard.token", preset: "", value: text(&d.Token, checkToken), secret: true},
		{name: "dashboard.read_token", preset: "", value: text(&d.ReadToken, checkToken), secret: true},
		{name: "dashboard.tls.certificate", preset: "", value: text(&d.Certificate, nil)},
		{name: "dashboard.tls.key", preset: "", value: text(&d.Key, nil)},
		{name: "dashboard.hosts", preset: []any{}, value: texts(&d.Hosts, checkHost)},
		{name: "dashboard.mask", preset: "off", value: choice(&d.Mask, "off", "networks", "gone")},
		{name: "dashboard.mask_k", preset: 5, value: number(&d.MaskLeast, 1, 1000)},
		{name: "dashboard.links", preset: []any{}, value: links(&d.Links)},
		{name: "dashboard.trusted_proxies", preset: []any{}, value: prefixes(&d.TrustedProxies)},
	}
}

func (c *Config) otherKeys() []key {
	a := &c.Alerts
	return []key{
		{name: "alerts.enabled", preset: true, value: boolean(&a.Enabled)},
		{name: "alerts.new", preset: []any{"as", "country", "place"}, value: texts(&a.New, checkNews)},
		{name: "alerts.filter", preset: "dir:out", value: text(&a.Filter, checkTerms)},
		{name: "alerts.allow", preset: []any{}, value: texts(&a.Allow, checkTerms)},
		{name: "alerts.labels", preset: []any{}, value: texts(&a.Labels, nil)},
		{name: "alerts.learning", preset: "7d", value: duration(&a.Learning, time.Minute, never, "")},
		{name: "alerts.trouble", preset: true, value: boolean(&a.Trouble)},
		{name: "alerts.webhook.url", preset: "", value: text(&a.WebhookURL, checkWebhook)},
		{name: "alerts.webhook.secret", preset: "", value: text(&a.WebhookSecret, nil), secret: true},
		{name: "log.level", preset: "info", value: choice(&c.Log.Level, "debug", "info", "warn", "error")},
		{name: "log.format", preset: "auto", value: choice(&c.Log.Format, "auto", "human", "json")},
	}
}

var fileFormats = []string{"html", "csv", "geojson", "ndjson", "sqlite"}

// envName returns the variable that sets the key: PACKETHEAT_STORE_PATH for store.path.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

const (
	envPrefix  = "PACKETHEAT_"
	fileSuffix = "_FILE"
)

// tunnels is "inner" or "outer".
func tunnels(outer *bool) value {
	word := "inner"
	v := choice(&word, "inner", "outer")
	set := v.set
	v.set = func(raw any) error {
		err := set(raw)
		*outer = word == "outer"
		return err
	}
	v.show = func() any {
		if *outer {
			return "outer"
		}
		return "inner"
	}
	return v
}

// powerOfTwo narrows a size; the kernel's rings take no other blocks (packet(7)).
func powerOfTwo(v value, p *int64) value {
	set := v.set
	v.set = func(raw any) error {
		if err := set(raw); err != nil {
			return err
		}
		if *p&(*p-1) != 0 {
			return fmt.Errorf("%s is no power of two: write 512KiB, 1MiB or 2MiB", formatSize(*p))
		}
		return nil
	}
	return v
}

// sensorName keeps names printable in file names, filters and labels of metrics.
var sensorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

func checkSensorName(s string) error {
	if !sensorName.MatchString(s) {
		return fmt.Errorf("%q is no sensor name: use up to 63 letters, digits, dots, dashes and underscores", s)
	}
	return nil
}

// checkInterface knows the limit of Linux: IFNAMSIZ is 16 with the final zero, and
// dev_valid_name refuses slashes, colons and blanks.
func checkInterface(s string) error {
	if s == "default_route" {
		return nil
	}
	if len(s) > 15 || strings.ContainsAny(s, "/: \t") {
		return fmt.Errorf("%q is no interface name: \"packetheat interfaces\" lists them; default_route and any are possible too", s)
	}
	return nil
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is no address of a web server: write https://mirror.example.net", s)
	}
	return nil
}

func checkHost(s string) error {
	u, err := url.Parse("//" + s)
	if err != nil || u.Hostname() == "" || u.Path != "" || net.ParseIP(u.Hostname()) == nil && strings.ContainsAny(s, " *") {
		return errors.New(s + " is no host name: write map.example.net")
	}
	return nil
}
