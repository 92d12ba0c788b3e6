package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"github.com/packetheat/packetheat/store"
)

// write makes a file named config.yaml and returns the options that read it.
func write(t *testing.T, text string) Options {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{File: name}
}

// nothing are options that read no file.
func nothing() Options { return Options{Files: []string{}} }

func load(t *testing.T, o Options) *Loaded {
	t.Helper()
	loaded, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestDefaults(t *testing.T) {
	c := load(t, nothing()).Config
	want := Config{
		Sensor: Sensor{
			Name: hostName(), Interfaces: []string{"default_route"}, Tick: 10 * time.Second,
			RingTotal: Amount{Bytes: 256 << 20, Share: 0.05}, BlockSize: 1 << 20, BlockTimeout: 60 * time.Millisecond,
			Snaplen: 128, Fanout: "hash", MaxKeys: 131072,
		},
		Geo: Geo{Cache: 65536, UpdateInterval: 24 * time.Hour, Editions: []string{"GeoLite2-City", "GeoLite2-ASN"}, MaxAge: 60 * 24 * time.Hour},
		Store: Store{
			Path: "data", Points: 30 * 24 * time.Hour, Views10m: 90 * 24 * time.Hour, Views1h: 2 * year, Views1d: Forever,
			Size: 10 << 30, Free: Amount{Bytes: 1 << 30, Share: 0.05},
			AnonymiseAddresses: "none", AnonymiseIPv4: 24, AnonymiseIPv6: 48,
		},
		Export: Export{
			Dir: "out", Window: time.Hour, Refresh: 10 * time.Second, Formats: []string{"html", "csv"},
			BudgetSize: 32 << 20, BudgetCPU: 0.05,
		},
		Dashboard: Dashboard{Listen: "127.0.0.1:8080", Mask: "off", MaskLeast: 5},
		Alerts:    Alerts{Enabled: true, New: []string{"as", "country", "place"}, Filter: "dir:out", Learning: 7 * 24 * time.Hour, Trouble: true},
		Fleet: Fleet{Every: 10 * time.Second, ClickHouse: ClickHouse{Retention: FleetRetention{
			Points: 30 * 24 * time.Hour, Views10m: 90 * 24 * time.Hour, Views1h: 2 * year, Views1d: Forever}}},
		Log: Log{Level: "info", Format: "auto"},
	}
	if diff := cmp.Diff(want, c, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestFile(t *testing.T) {
	loaded := load(t, write(t, `
sensor:
  name: gw1
  interfaces: [eth0, wg0]
  tick: 1s
  local_networks: [198.51.100.7, "2001:db8::1/32"]
  ring: {total: 5%}
  tunnels: outer
geo:
  max_age: never
  networks:
    - {network: 10.20.0.0/16, latitude: 48.14, longitude: 11.58, city: Munich, country: DE, map: true}
  labels: [{file: devices.txt, label: my devices}]
  home: {latitude: -33.9, longitude: 18.4}
store:
  retention: {views: {1d: 3y}, size: 500MB}
export:
  jobs:
    - {name: ssh, last: 24h, filter: "port:22", refresh: 10m}
`))
	c := loaded.Config
	if c.Sensor.Name != "gw1" || !c.Sensor.OuterTunnels || c.Sensor.Tick != time.Second || c.Geo.MaxAge != Forever {
		t.Errorf("scalars are wrong: %+v %+v", c.Sensor, c.Geo)
	}
	prefixes := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	checks := []struct {
		name      string
		got, want any
	}{
		{"interfaces", c.Sensor.Interfaces, []string{"eth0", "wg0"}},
		{"local networks", c.Sensor.LocalNetworks, []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8::/32")}},
		{"share alone", c.Sensor.RingTotal, Amount{Share: 0.05}},
		{"networks", c.Geo.Networks, []Network{{Network: netip.MustParsePrefix("10.20.0.0/16"), Latitude: 48.14, Longitude: 11.58, City: "Munich", Country: "DE", Map: true}}},
		{"labels", c.Geo.Labels, []Label{{"devices.txt", "my devices"}}},
		{"home", c.Geo.Home, &Home{-33.9, 18.4, ""}},
		{"views", []time.Duration{c.Store.Views10m, c.Store.Views1d}, []time.Duration{90 * 24 * time.Hour, 3 * year}},
		{"decimal size", c.Store.Size, int64(500e6)},
		{"job window", c.Export.Jobs[0].Window, store.WindowSpec{Last: "24h"}},
		{"job filter", c.Export.Jobs[0].Filter, "port:22"},
		{"sources", []Source{loaded.Sources["sensor.name"], loaded.Sources["store.retention.views.1d"], loaded.Sources["store.path"]}, []Source{File, File, Default}},
	}
	for _, check := range checks {
		if diff := cmp.Diff(check.want, check.got, prefixes); diff != "" {
			t.Errorf("%s: %s", check.name, diff)
		}
	}
	if len(loaded.Warnings) != 0 {
		t.Errorf("warnings are %q", loaded.Warnings)
	}
}

// TestMistakes shows that every mistake is found, all at once, with its line.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"several at once", "sensor:\n  tick: 7s\n  shards: many\nstore:\n  paht: x\n", []string{
			`config.yaml:2: sensor.tick: tick 7s is not possible: use 1s, 2s, 5s, 10s, 15s, 30s or 60s`,
			`config.yaml:3: sensor.shards: "many" is not possible: write a whole number from 0 to 256`,
			`config.yaml:5: store.paht: unknown key; did you mean store.path?`}},
		{"unknown section", "sesnor:\n  name: x\n", []string{`config.yaml:1: sesnor: unknown key; did you mean sensor?`}},
		{"nothing near", "quux: 1\n", []string{`config.yaml:1: quux: unknown key`}},
		{"value for a section", "sensor: eth0\n", []string{`config.yaml:1: sensor: this is a section: write its keys below it, indented`}},
		{"section for a value", "store:\n  path:\n    a: b\n", []string{`config.yaml:2: store.path: a section is not possible here: write a single value`}},
		{"list for a value", "store: {path: [a, b]}\n", []string{`config.yaml:1: store.path: a list is not possible here: write a single value`}},
		{"twice", "log:\n  level: info\n  level: warn\n", []string{`config.yaml:3: log.level: set twice, first on line 2`}},
		{"no YAML", "sensor: [\n", []string{`config.yaml: is not readable as YAML: line 1: did not find expected node content`}},
		{"no unit", "export: {refresh: 10}\n", []string{`config.yaml:1: export.refresh: duration "10" is not one: write 30m, 24h, 7d, 2w or 1y`}},
		{"not forever", "geo: {max_age: forever}\n", []string{`config.yaml:1: geo.max_age: duration "forever" is not one: write 30m, 24h, 7d, 2w or 1y, or never`}},
		{"size", "sensor: {ring: {total: 5 bananas}}\n", []string{`config.yaml:1: sensor.ring.total: "5 bananas" is no size: write a number and a unit, for example 256MiB or 10GiB (256MiB, 5%, or both as 256MiB|5%, then the smaller counts)`}},
		{"block", "sensor: {ring: {block_size: 3MiB}}\n", []string{`config.yaml:1: sensor.ring.block_size: 3MiB is no power of two: write 512KiB, 1MiB or 2MiB`}},
		{"range", "export: {budget: {cpu: 500%}}\n", []string{`config.yaml:1: export.budget.cpu: "500%" is no share: write a percentage, for example 5%`}},
		{"network", "sensor:\n  local_networks: [10.0.0.0/33]\n", []string{`config.yaml:2: sensor.local_networks: "10.0.0.0/33" is no network: write 192.0.2.0/24 or 2001:db8::/32`}},
		{"choice", "log: {level: loud}\n", []string{`config.yaml:1: log.level: "loud" is not possible: write debug, info, warn or error`}},
		{"choices", "export: {formats: [html, pdf]}\n", []string{`config.yaml:1: export.formats: "pdf" is not possible: write a list of html, csv, geojson, ndjson or sqlite`}},
		{"boolean", "sensor: {promiscuous: maybe}\n", []string{`config.yaml:1: sensor.promiscuous: "maybe" is neither true nor false`}},
		{"address", "dashboard: {listen: 8080}\n", []string{`config.yaml:1: dashboard.listen: "8080" is no address to listen on: write 127.0.0.1:8080, [::1]:8080 or off`}},
		{"name", "sensor: {name: a b}\n", []string{`config.yaml:1: sensor.name: "a b" is no sensor name: use up to 63 letters, digits, dots, dashes and underscores`}},
		{"interface", "sensor: {interfaces: [a/b]}\n", []string{`config.yaml:1: sensor.interfaces: "a/b" is no interface name: "packetheat interfaces" lists them; default_route and any are possible too`}},
		{"inside of lists", "geo:\n  networks:\n    - {network: 10.0.0.0/8, latitude: 91, longitude: 0}\n    - {network: x, latitude: 0, longitude: 0, naem: y}\n    - 5\n", []string{
			`config.yaml:3: geo.networks[0].latitude: "91" is not possible: write a number from -90 to 90`,
			`config.yaml:4: geo.networks[1].network: "x" is no network: write 192.0.2.0/24 or 2001:db8::/32`,
			`config.yaml:4: geo.networks[1].naem: unknown key; did you mean name?`,
			`config.yaml:5: geo.networks[2]: write keys and values, for example {name: x}`}},
		{"missing", "export:\n  jobs:\n    - {filter: 'prot:tcp', last: 1h, from: yesterday}\n", []string{
			`config.yaml:3: export.jobs[0].name: missing`,
			`config.yaml:3: export.jobs[0].last: a window is either last, or from and to, or at and for: give one of them`,
			`config.yaml:3: export.jobs[0].filter: filter key "prot" is unknown: use one of ` + strings.Join(store.Keys(), ", ")}},
		{"jobs", "export:\n  jobs:\n    - {name: a/b, last: 1h}\n    - {name: x, to: today}\n    - {name: x, at: yesterday, keep: -1}\n    - {name: ip_heatmap, last: 1d, filter: 'label:x'}\n", []string{
			`config.yaml:3: export.jobs[0].name: "a/b" is no name for files: use up to 63 letters, digits, dots, dashes and underscores`,
			`config.yaml:4: export.jobs[1].last: a job needs a window that begins: write last: 24h, at: yesterday, or from and to`,
			`config.yaml:5: export.jobs[2].name: "x" names the files of something else: choose another name`,
			`config.yaml:5: export.jobs[2].keep: "-1" is not possible: write a whole number from 0 to 100000`,
			`config.yaml:6: export.jobs[3].name: "ip_heatmap" names the files of something else: choose another name`}},
		{"labels", "geo:\n  labels:\n    - {file: x}\n    - {file: x, label: 0123456789012345678901234567890123456789x}\n", []string{
			`config.yaml:3: geo.labels[0].label: missing`,
			`config.yaml:4: geo.labels[1].label: "0123456789012345678901234567890123456789x" is no name: write a short one, for example tor or "my devices"`}},
		{"half a home", "geo:\n  home:\n    latitude: 1\n", []string{`config.yaml:2: geo.home.longitude: missing`}},
		{"half a pair", "dashboard:\n  tls:\n    key: x.pem\n", []string{
			`config.yaml:3: dashboard.tls.key: a key needs its certificate, too: set dashboard.tls.certificate`}},
		{"the other half", "dashboard:\n  tls:\n    certificate: x.pem\n", []string{
			`config.yaml:3: dashboard.tls.certificate: a certificate needs its key, too: set dashboard.tls.key`}},
		{"tokens", "dashboard:\n  token: short\n  read_token: 0123456789 abcdefgh\n", []string{
			`config.yaml:2: dashboard.token: 5 characters are too few for a token: use 16 at least (packetheat config token makes one)`,
			`config.yaml:3: dashboard.read_token: a token has letters, digits and signs of ASCII only, no blanks (packetheat config token makes one)`}},
		{"readers only", "dashboard:\n  read_token: 0123456789abcdef\n", []string{
			`config.yaml:2: dashboard.read_token: a token for readers needs one for you, too: set dashboard.token`}},
		{"one token for all", "dashboard:\n  token: 0123456789abcdef\n  read_token: 0123456789abcdef\n", []string{
			`config.yaml:3: dashboard.read_token: it is the same as dashboard.token: readers would be admins`}},
		{"conditions", "sensor:\n  exclude:\n    - {ports: [99999], vlans: [4095], protocols: [tpc]}\n", []string{
			`config.yaml:3: sensor.exclude[0].ports: "99999" is no port: write 443 or 1-1024`,
			`config.yaml:3: sensor.exclude[0].protocols: protocol "tpc" is unknown: use tcp, udp, icmp, icmpv6, sctp … or a number from 0 to 255`,
			`config.yaml:3: sensor.exclude[0].vlans: "4095" is no VLAN: write a number from 0 to 4094`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := write(t, c.text)
			_, err := Load(o)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Load returned %v", err)
			}
			got := strings.Split(strings.ReplaceAll(err.Error(), filepath.Dir(o.File)+"/", ""), "\n")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if problems.Usage() {
				t.Error("a mistake in a file counts as wrong usage")
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PACKETHEAT_STORE_PATH", "/srv/env")
	t.Setenv("PACKETHEAT_SENSOR_INTERFACES", "eth0, eth1")
	t.Setenv("PACKETHEAT_STORE_RETENTION_VIEWS_10M", "30d")
	t.Setenv("PACKETHEAT_GEO_NETWORKS", "[{network: 10.0.0.0/8, latitude: 1, longitude: 2}]")
	t.Setenv("PACKETHEAT_GEO_HOME", "{latitude: 1, longitude: 2}")
	t.Setenv("PACKETHEAT_LOG_LEVEL", "") // empty is not set
	loaded := load(t, write(t, "store: {path: fromfile}\nlog: {level: warn}\n"))
	got := []any{loaded.Store.Path, loaded.Sensor.Interfaces, loaded.Store.Views10m, len(loaded.Geo.Networks),
		*loaded.Geo.Home, loaded.Log.Level, loaded.Sources["store.path"]}
	want := []any{"/srv/env", []string{"eth0", "eth1"}, 30 * 24 * time.Hour, 1, Home{1, 2, ""}, "warn", Env}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Setenv("PACKETHEAT_STORE_PAHT", "x")
	t.Setenv("PACKETHEAT_STORE_PATH_FILE", "x") // no secret
	t.Setenv("PACKETHEAT_SENSOR_TICK", "7s")
	t.Setenv("PACKETHEAT_REQUIRE_CAPTURE", "1") // belongs to the tests
	t.Setenv("PACKETHEAT_REQUIRE_CLICKHOUSE", "1")
	_, err := Load(nothing())
	want := "PACKETHEAT_SENSOR_TICK: sensor.tick: tick 7s is not possible: use 1s, 2s, 5s, 10s, 15s, 30s or 60s\n" +
		"PACKETHEAT_STORE_PAHT: unknown variable; did you mean PACKETHEAT_STORE_PATH?\n" +
		"PACKETHEAT_STORE_PATH_FILE: unknown variable; did you mean PACKETHEAT_STORE_PATH?"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestFlags(t *testing.T) {
	t.Setenv("PACKETHEAT_STORE_PATH", "/srv/env")
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.String("data", "", "")
	flags.StringArray("interface", nil, "")
	flags.String("listen", "", "")
	o := write(t, "store: {path: fromfile}\ndashboard: {listen: 127.0.0.1:9}\n")
	o.Flags = map[string]*pflag.Flag{
		"store.path": flags.Lookup("data"), "sensor.interfaces": flags.Lookup("interface"), "dashboard.listen": flags.Lookup("listen"),
	}
	if err := flags.Parse([]string{"--data", "/srv/flag", "--interface", "eth0", "--interface", "eth1"}); err != nil {
		t.Fatal(err)
	}
	loaded := load(t, o)
	got := []any{loaded.Store.Path, loaded.Sensor.Interfaces, loaded.Dashboard.Listen}
	if diff := cmp.Diff([]any{"/srv/flag", []string{"eth0", "eth1"}, "127.0.0.1:9"}, got); diff != "" {
		t.Error(diff)
	}
	if err := flags.Parse([]string{"--listen", "nowhere"}); err != nil {
		t.Fatal(err)
	}
	_, err := Load(o)
	var problems Problems
	if !errors.As(err, &problems) || !problems.Usage() || !strings.HasPrefix(err.Error(), "command line: dashboard.listen: ") {
		t.Errorf("a wrong flag gives %v", err)
	}
}

// TestSecrets cannot load one, since no feature that needs one is there; it checks
// that the file is read and that dump masks.
func TestSecrets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte("  s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PACKETHEAT_GEO_UPDATE_MAXMIND_LICENSE_KEY_FILE", name)
	loaded := load(t, nothing())
	if loaded.Geo.LicenseKey != "s3cret" || loaded.Sources["geo.update.maxmind.license_key"] != Env {
		t.Errorf("key is %q from %s", loaded.Geo.LicenseKey, loaded.Sources["geo.update.maxmind.license_key"])
	}
	for _, dump := range []func(*strings.Builder) error{
		func(b *strings.Builder) error { return loaded.Dump(b, true) },
		func(b *strings.Builder) error { return loaded.DumpJSON(b) },
	} {
		var b strings.Builder
		if err := dump(&b); err != nil || strings.Contains(b.String(), "s3cret") || !strings.Contains(b.String(), masked) {
			t.Errorf("dump shows the secret: %v\n%s", err, &b)
		}
	}
	t.Setenv("PACKETHEAT_GEO_UPDATE_MAXMIND_LICENSE_KEY", "other")
	if _, err := Load(nothing()); err == nil || !strings.Contains(err.Error(), "are both set: unset one") {
		t.Errorf("secret from two places gives %v", err)
	}
	t.Setenv("PACKETHEAT_GEO_UPDATE_MAXMIND_LICENSE_KEY", "")
	t.Setenv("PACKETHEAT_GEO_UPDATE_MAXMIND_LICENSE_KEY_FILE", name+"x")
	if _, err := Load(nothing()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing file gives %v", err)
	}
}

func TestFind(t *testing.T) {
	here := write(t, "sensor: {name: here}\n").File
	there := write(t, "sensor: {name: there}\n").File
	missing := filepath.Join(t.TempDir(), "none.yaml")
	for _, c := range []struct {
		name string
		o    Options
		env  string
		want string
	}{
		{"named", Options{File: there, Files: []string{here}}, here, "there"},
		{"by variable", Options{Files: []string{here}}, there, "there"},
		{"first", Options{Files: []string{here, there}}, "", "here"},
		{"second", Options{Files: []string{missing, there}}, "", "there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PACKETHEAT_CONFIG", c.env)
			if got := load(t, c.o).Sensor.Name; got != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
	if _, err := Load(Options{File: missing}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is missing gives %v", err)
	}
	if loaded := load(t, Options{Files: []string{missing}}); loaded.File != "" {
		t.Errorf("read %q", loaded.File)
	}
}
