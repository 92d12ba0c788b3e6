package update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/geo"
)

// Where the publishers are, unless Config names other places.
const (
	dbipURL    = "https://download.db-ip.com"
	maxmindURL = "https://updates.maxmind.com"
)

// Config says what is fetched and where it is put.
type Config struct {
	// Dir is the folder that is kept. It is made where it does not exist.
	Dir string

	// AccountID and LicenseKey are those of MaxMind. Both empty: DB-IP.
	AccountID, LicenseKey string
	// Editions of MaxMind, one of places and one of autonomous systems at most.
	// Empty: GeoLite2-City and GeoLite2-ASN.
	Editions []string
	// DBIP and MaxMind are where their files are, without the path. Empty: theirs.
	DBIP, MaxMind string

	// Interval is the time between two questions to a publisher in [Updater.Run],
	// give or take a tenth. Zero: a day.
	Interval time.Duration
	// MaxBytes bounds a database, packed and unpacked. Zero: 2 GiB.
	MaxBytes int64
	// UserAgent is what the publishers see. Empty: "packetheat".
	UserAgent string
	// Transport makes the requests. Nil: the usual one, which heeds HTTPS_PROXY,
	// HTTP_PROXY and NO_PROXY.
	Transport http.RoundTripper

	// Progress, where not nil, is called when a download begins, with its size or
	// -1; what it returns is written all that arrives, and closed at the end.
	Progress func(file string, size int64) io.WriteCloser
	// Logger hears of what Run does. Nil: nobody.
	Logger *slog.Logger
}

// Updater fetches databases. [New] makes one; it needs no closing. Its methods may be
// called at the same time, by several processes too: one works, the others are told.
type Updater struct {
	Config
	client   *http.Client
	now      func() time.Time
	jitter   func(time.Duration) time.Duration // a random part of it
	stall    time.Duration                     // without a byte, after which a download is given up
	deadline time.Duration                     // of a download
}

// Result is what came of one database.
type Result struct {
	Edition string     // the publisher's name for it, or that of the file
	Path    string     // where it is, empty if nowhere
	Source  geo.Source // what was found in it, zero if there is none
	Changed bool       // it was put there now
	Note    string     // why nothing was done, empty otherwise
}

// ErrBusy is returned while another process or goroutine updates the same folder.
var ErrBusy = errors.New("another update is under way in this folder")

// New checks the configuration and returns an Updater.
func New(cfg Config) (*Updater, error) {
	if (cfg.AccountID == "") != (cfg.LicenseKey == "") {
		return nil, errors.New("MaxMind wants an account id and a licence key (set geo.update.maxmind.account_id and .license_key, or neither)")
	}
	cfg.Dir = cmp.Or(cfg.Dir, ".")
	cfg.DBIP, cfg.MaxMind = cmp.Or(cfg.DBIP, dbipURL), cmp.Or(cfg.MaxMind, maxmindURL)
	cfg.Interval, cfg.MaxBytes = cmp.Or(cfg.Interval, 24*time.Hour), cmp.Or(cfg.MaxBytes, 2<<30)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "packetheat")
	if len(cfg.Editions) == 0 {
		cfg.Editions = []string{"GeoLite2-City", "GeoLite2-ASN"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	for _, base := range [...]*string{&cfg.DBIP, &cfg.MaxMind} {
		u, err := url.Parse(*base)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("%q is no address of databases (write https://mirror.example.net)", *base)
		}
		*base = strings.TrimSuffix(*base, "/")
	}
	if cfg.LicenseKey != "" && !private(cfg.MaxMind) {
		return nil, fmt.Errorf("the licence key is not sent unencrypted to %s (use https)", cfg.MaxMind)
	}
	kinds := make(map[string]bool)
	for _, e := range cfg.Editions {
		if strings.ContainsAny(e, "/\\") || kinds[kindOf(e)] {
			return nil, fmt.Errorf("geo.update.maxmind.editions %q: name one of places and one of autonomous systems at most, such as GeoLite2-City and GeoLite2-ASN", cfg.Editions)
		}
		kinds[kindOf(e)] = true
	}
	u := &Updater{Config: cfg, now: time.Now, jitter: jitter, stall: time.Minute, deadline: 2 * time.Hour}
	u.client = newClient(cfg.Transport)
	return u, nil
}

// The kinds of databases, as in geo.Source.
const (
	kindCity = "city"
	kindASN  = "asn"
)

// kindOf tells the kind of an edition by its name.
func kindOf(edition string) string {
	if name := strings.ToLower(edition); strings.Contains(name, "asn") || strings.Contains(name, "isp") {
		return kindASN
	}
	return kindCity
}

// edition is a database that a publisher offers.
type edition struct {
	name, kind string
	fetch      func(context.Context, edition, *state) (fetched, error)
}

// editions are those that the configuration asks for.
func (u *Updater) editions() (list []edition) {
	if u.AccountID == "" {
		return []edition{{"dbip-city-lite", kindCity, u.fetchDBIP}, {"dbip-asn-lite", kindASN, u.fetchDBIP}}
	}
	for _, name := range u.Editions {
		list = append(list, edition{name, kindOf(name), u.fetchMaxMind})
	}
	return list
}

// Update asks the publishers now, unless one of them asked to be left alone or the
// last attempt failed a short while ago, which force overrides. Every database is
// tried; the error tells of all that failed. What was there stays in that case.
func (u *Updater) Update(ctx context.Context, force bool) ([]Result, error) {
	return u.update(ctx, func(e *attempt) bool { return e.Failures == 0 || force && !e.Asked })
}

// begin takes the lock and reads what is noted, without the leftovers of who was killed.
// It is unlocked by unlock.
func (u *Updater) begin() (s *state, unlock func(), err error) {
	unlock, err = u.open()
	if err != nil {
		return nil, nil, err
	}
	if s, err = u.load(); err != nil {
		unlock()
		return nil, nil, err
	}
	u.clean(s)
	return s, unlock, nil
}

// update tries the databases of which ask says so, and those whose time has come.
func (u *Updater) update(ctx context.Context, ask func(*attempt) bool) (results []Result, err error) {
	s, unlock, err := u.begin()
	if err != nil {
		return nil, err
	}
	defer unlock()
	editions := u.editions()
	maps.DeleteFunc(s.Attempts, func(name string, _ *attempt) bool { // what nobody asks for any more
		return !slices.ContainsFunc(editions, func(e edition) bool { return e.name == name })
	})
	var failed []error
	for _, e := range editions {
		a := s.attempt(e.name, u.settings())
		if u.now().Before(a.notBefore(u.now())) && !ask(a) {
			results = append(results, Result{Edition: e.name, Note: a.waiting()})
			continue
		}
		result, err := u.one(ctx, e, s, a)
		results = append(results, result)
		if err != nil {
			failed = append(failed, fmt.Errorf("update %s: %w", e.name, err))
		}
		if err := u.save(s); err != nil {
			return results, errors.Join(append(failed, err)...)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return results, errors.Join(failed...)
}

// one tries one edition and notes what came of it.
func (u *Updater) one(ctx context.Context, e edition, s *state, a *attempt) (Result, error) {
	f, err := e.fetch(ctx, e, s)
	if err == nil && f.temp != "" {
		defer os.Remove(f.temp) // gone already where it was renamed
		if err = u.place(&f, e.kind, s, false); err == nil {
			err = u.replace(s, e.kind, []string{f.name})
		}
	}
	if err != nil && ctx.Err() != nil { // it was us who stopped
		return Result{Edition: e.name, Note: "stopped"}, context.Cause(ctx)
	}
	if err != nil {
		u.failed(a, err)
		return Result{Edition: e.name, Note: err.Error()}, err
	}
	u.succeeded(a)
	if f.source.Path == "" { // it was there: say what it is
		f.source, err = geo.Inspect(filepath.Join(u.Dir, e.kind, f.name))
	}
	return Result{Edition: e.name, Path: f.source.Path, Source: f.source, Changed: f.temp != "", Note: f.note}, err
}

// open makes the folder and takes its lock.
func (u *Updater) open() (unlock func(), err error) {
	for _, kind := range [...]string{kindCity, kindASN} {
		if err := os.MkdirAll(filepath.Join(u.Dir, kind), 0o755); err != nil {
			return nil, fmt.Errorf("make folder of geo databases: %w (choose another with geo.update.dir)", err)
		}
	}
	return lock(filepath.Join(u.Dir, ".lock"))
}

// clean removes what an update left that was killed. The lock is held.
func (u *Updater) clean(s *state) {
	for _, kind := range [...]string{kindCity, kindASN} {
		left, _ := filepath.Glob(filepath.Join(u.Dir, kind, tempPattern)) // the pattern is good
		for _, name := range left {
			_ = os.Remove(name) // the next run tries again
		}
	}
	for _, name := range s.Stale {
		if !slices.Contains(s.Files[filepath.Dir(name)], filepath.Base(name)) {
			_ = os.Remove(filepath.Join(u.Dir, name))
		}
	}
	s.Stale = nil
}
