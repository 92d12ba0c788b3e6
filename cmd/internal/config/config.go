// Package config reads what the user wants from flags, environment, file and
// defaults, in this order of precedence, and checks all of it before anything runs.
//
// Every key is listed once, in keys.go: its name, its default and the field of
// Config that it fills. The file config.yaml at the top of the module is the
// reference for people; a test holds it to that list. Keys nobody knows, in the file
// or as PACKETHEAT_ variables, are mistakes, and all mistakes are reported together.
package config

import (
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Config is everything a user can set, typed and valid. Load makes one; the zero
// value is not useful. It is plain data: reading it from many goroutines is safe.
type Config struct {
	Sensor    Sensor
	Geo       Geo
	Store     Store
	Export    Export
	Dashboard Dashboard
	Alerts    Alerts
	Fleet     Fleet
	Log       Log
}

// Sensor is the section "sensor": what is captured, where and how.
type Sensor struct {
	Name          string         // of this sensor in every point
	Interfaces    []string       // names, "default_route" or "any"
	Tick          time.Duration  // length of a point in time
	LocalNetworks []netip.Prefix // ours, beside those found out
	Include       []Condition    // capture only what matches one; empty: everything
	Exclude       []Condition    // never capture what matches one
	BPF           string         // program as printed by tcpdump -ddd
	RingTotal     Amount         // memory of all rings together
	BlockSize     int64          // bytes
	BlockTimeout  time.Duration
	Snaplen       int // bytes of a frame that are looked at
	Shards        int // 0: one a core, 4 at most
	Fanout        string
	Promiscuous   bool
	MaxKeys       int // a shard and tick, above it keys are folded
	OuterTunnels  bool
	User          string
}

// Condition is one entry of sensor.include and sensor.exclude: all of its non-empty
// lists must match, each by one of its values.
type Condition struct {
	Networks  []netip.Prefix
	Ports     []store.Range
	Protocols []uint8
	VLANs     []uint16
}

// Geo is the section "geo": where addresses are.
type Geo struct {
	City, ASN      string // database files; "": found, else built in
	Cache          int    // entries a shard
	Networks       []Network
	Labels         []Label
	PlaceAnycast   bool  // known anycast networks are where the database says
	Home           *Home // nil: not set
	Update         bool
	UpdateInterval time.Duration
	UpdateDir      string        // "": geoip in the store's folder
	UpdateURL      string        // of a mirror of DB-IP; "": DB-IP
	AccountID      string        // MaxMind, secret
	LicenseKey     string        // MaxMind, secret
	Editions       []string      // of MaxMind
	MaxMindURL     string        // of a mirror; "": MaxMind
	MaxAge         time.Duration // Forever: never warn
}

// Network is one entry of geo.networks: a place for a network that no database knows.
type Network struct {
	Network             netip.Prefix
	Name, City, Country string
	Latitude, Longitude float64
	Map                 bool // on the map even where the network is private
}

// Label is one entry of geo.labels: a list of addresses, networks and AS numbers, and
// what they are called.
type Label struct{ File, Label string }

// Home is geo.home: where the sensor is, in degrees.
type Home struct {
	Latitude, Longitude float64
	Name                string // "" where it has none
}

// Forever is the duration that "forever" and "never" stand for.
const Forever = time.Duration(1<<63 - 1)

// Store is the section "store": where points are kept and for how long.
type Store struct {
	Path               string
	Points             time.Duration // retention, as the next three; may be Forever
	Views10m, Views1h  time.Duration
	Views1d            time.Duration
	Addresses          time.Duration // 0: as Points; may be Forever
	Size               int64         // bytes
	Free               Amount        // of the disk
	AnonymiseAddresses string        // none, peer or both
	AnonymiseIPv4      int           // bits of the address that masking keeps
	AnonymiseIPv6      int           // the same
}

// Export is the section "export": the files that run keeps fresh.
type Export struct {
	Dir        string
	Window     time.Duration
	Refresh    time.Duration
	Formats    []string
	BudgetSize int64   // bytes a file
	BudgetCPU  float64 // share of one core
	Jobs       []Job
}

// Job is one entry of export.jobs: other files kept fresh, or made once their window is
// over.
type Job struct {
	Name    string
	Window  store.WindowSpec
	Filter  string        // as typed: labels are known where the job runs
	Formats []string      // empty: as export.formats
	Refresh time.Duration // 0: as export.refresh
	Keep    int           // of files with a date in their names; 0: all
}

// Dashboard is the section "dashboard": the live page.
type Dashboard struct {
	Listen         string // host:port, or "off"
	Token          string // secret; "": nobody needs one
	ReadToken      string // secret; "": there is none
	Certificate    string // file, PEM
	Key            string // file, PEM
	Hosts          []string
	TrustedProxies []netip.Prefix
	Links          []Link
	Mask           string // off, networks or gone: what becomes of addresses in all answers
	MaskLeast      int    // addresses that a place needs to be shown
}

// Link is one entry of dashboard.links: a way from a card to another site.
type Link struct{ Name, URL string }

// Log is the section "log".
type Log struct {
	Level  string // debug, info, warn or error
	Format string // auto, human or json
}
