package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/alert"
	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/fleet"
	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/metrics"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/geo/update"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// live is a sensor with all that stands around it while it runs.
type live struct {
	*program
	runOptions
	c      *config.Loaded // it was started with
	latest *config.Loaded // that SIGHUP has read; of the goroutine that answers signals
	log    *heldLog
	system *service

	home      atomic.Pointer[page.Home]   // may change on SIGHUP
	links     atomic.Pointer[[]page.Link] // the same
	mask      atomic.Pointer[export.Mask] // of what is ours; the same
	geo       *geo.DB
	labels    *geo.Labels
	updater   *update.Updater // nil: geo.update.enabled is false
	door      *door           // nil: there is no dashboard
	store     *sqlite.Store
	sensor    *sensor.Sensor
	files     export.RefresherConfig // of refresher
	refresher *export.Refresher
	jobs      []exporter // of export.jobs
	server    *dashboard.Server
	rules     atomic.Pointer[config.Alerts] // in force; may change on SIGHUP
	alerts    atomic.Pointer[alert.Watcher] // nil: alerts.enabled is false; may change on SIGHUP
	shipper   *fleet.Shipper                // nil: the store is not shipped
	since     time.Time
	landlock  int // its version, 0: none

	mu        sync.Mutex
	names     []string // of the interfaces captured on
	announced bool     // other commands can find us
	kept      sqlite.Retention
	forecast  *forecastJSON // nil: none yet
	reloads   metrics.Reloads

	captured chan error // the sensor's answer
	tasks    []*task    // in the order in which they end

	requests       <-chan os.Signal // reload and report, caught since before the ready line
	ignoreRequests func()
}

// task is something that runs beside the sensor until it is told to end.
type task struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

func newRuntime(p *program, o runOptions) *live {
	c := o.config
	if o.interfaces == nil {
		o.interfaces = c.Sensor.Interfaces
	}
	r := &live{program: p, runOptions: o, c: c, latest: c, captured: make(chan error, 1),
		log: newHeldLog(p.err, c.Log.Level, c.Log.Format)}
	r.system = newService(r.log.Warn)
	r.setOwn(c)
	return r
}

// openAll opens what can fail before a packet is captured.
func (r *live) openAll() (err error) {
	if err := r.tryOpener(); err != nil { // before anything is made or waited for
		return r.explain(fmt.Errorf("open packet socket: %w", err))
	}
	for _, warning := range r.c.Warnings {
		r.log.Warn(warning)
	}
	if r.handed != nil && r.handed.Note != "" {
		r.log.Info("root's rights are given up, but for packet sockets", "runs as", r.handed.Note)
	}
	if err := r.confine(); err != nil {
		return err
	}
	if err := r.checkOut(); err != nil {
		return err
	}
	if r.door, err = r.openDoor(r.c, r.insecure, r.listener, r.log.Logger); err != nil {
		return err
	}
	if r.geo, err = openGeo(r.c, r.log.Logger); err != nil {
		return err
	}
	if err := r.prepareGeo(); err != nil {
		return err
	}
	if r.labels, err = readLabels(r.c, r.log.Logger); err != nil {
		return err
	}
	if err := r.owner.MakeFolder(r.c.Store.Path, 0o750); err != nil {
		return fmt.Errorf("make folder of the store: %w (choose another with --data or store.path)", err)
	}
	if r.store, err = sqlite.Open(r.c.Store.Path, sqlite.Options{Tick: r.tick(), Retention: retentionOf(r.c), Logger: r.log.Logger}); err != nil {
		return err
	}
	r.tidy()
	r.setRetention(r.c)
	r.giveFiles()
	r.files = r.refresherConfig()
	if r.jobs, err = newJobs(r.c, &r.files); err != nil {
		return err
	}
	if r.sensor, err = sensor.New(r.sensorConfig(r.store.Tick())); err != nil {
		return err
	}
	r.shipper = r.newShipper()
	w, err := r.newAlerts(r.c)
	r.alerts.Store(w)
	return err
}

// tick is the one asked for; 0, which means the store's own, where nobody asked.
func (r *live) tick() time.Duration {
	if r.c.Moved("sensor.tick") {
		return r.c.Sensor.Tick
	}
	return 0
}

func (r *live) sensorConfig(tick time.Duration) sensor.Config {
	return sensorConfig(r.c, r.geo, r.store, r.log.Logger, tick)
}

// sensorConfig is what live sensors and replays have in common.
func sensorConfig(c *config.Loaded, db *geo.DB, sink sensor.Sink, log *slog.Logger, tick time.Duration) sensor.Config {
	return sensor.Config{
		Name: c.Sensor.Name, Tick: tick, Networks: c.Sensor.LocalNetworks, Mapped: mappedNetworks(c), Mask: storeMask(c), MaxKeys: c.Sensor.MaxKeys,
		Outer: c.Sensor.OuterTunnels, Filter: c.Sensor.CaptureFilter(), Sink: sink, Logger: log,
		NewLocator: func() sensor.Locator { return geo.NewCache(db, c.Geo.Cache) },
		Geo:        func() []store.GeoSource { return geoSources(db) },
	}
}

// geoSources is what batches say about the databases that their points were located by.
func geoSources(db *geo.DB) (list []store.GeoSource) {
	for _, s := range db.Sources() {
		if s.InUse {
			list = append(list, store.GeoSource{Kind: s.Kind, Name: s.Name, Built: s.Built, Attribution: s.Attribution, URL: s.AttributionURL})
		}
	}
	return list
}

// checkOut makes sure that the standing files can be written, before hours of
// capture find out that they cannot.
func (r *live) checkOut() error {
	dir := r.c.Export.Dir
	if err := r.owner.MakeFolder(dir, 0o750); err != nil {
		return fmt.Errorf("make output folder: %w (choose another with --out or export.dir)", err)
	}
	probe, err := os.CreateTemp(dir, ".packetheat-*")
	if err != nil {
		return fmt.Errorf("write to output folder %q: %w (choose another with --out or export.dir)", dir, errors.Unwrap(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// chosen is called by the sensor whenever the set of interfaces changes.
func (r *live) chosen(names []string, reason string, fallback bool) {
	r.mu.Lock()
	r.names = names
	announced := r.announced
	r.mu.Unlock()
	if fallback {
		r.log.Warn("capturing everywhere", "reason", reason, "interfaces", strings.Join(names, ","))
	} else if reason != "" {
		r.log.Info("capturing", "reason", reason)
	}
	if announced { // the default route has moved
		r.announce()
	}
}

func (r *live) interfaceNames() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names
}

// errEarly ends a run that was told to before it had begun.
var errEarly = errors.New("stopped before the sensor was ready")

// start begins to capture and returns once the sensor is ready and everything around
// it runs, with the ready line written.
func (r *live) start(ctx context.Context) error {
	if ctx.Err() != nil {
		return errEarly
	}
	rings := ringsOf(r.c, r.interfaces, r.log.Logger)
	rings.OnChoice = r.chosen
	rings.Ring.OpenSocket = r.openSocket()
	limitMemory(rings.Ring.Shards)
	go func() { r.captured <- r.sensor.Run(ctx, rings) }()
	select {
	case <-r.sensor.Ready():
		r.since = time.Now()
	case err := <-r.captured:
		if err == nil {
			err = errEarly
		}
		return err
	}
	r.refresher = export.NewRefresher(r.files)
	r.task("standing files", r.refresher.Run)
	for _, job := range r.jobs {
		r.task("job "+job.Status().Name, job.Run)
	}
	r.server = dashboard.New(dashboard.Config{
		Reader: r.store, Version: version(), Sensor: r.c.Sensor.Name, Logger: r.log.Logger,
		Status: func() any { return r.status() }, Alerts: func() any { return r.alertList() }, Fleet: r.fleetAnswer, Ready: r.healthy, Health: r.alive, Metrics: r.metrics(),
		Guard: r.door.guard, TLS: r.door.tls, Home: r.home.Load, Links: r.ways, Own: r.own, Mask: r.served, Labels: r.labels,
	})
	r.task("dashboard", func(ctx context.Context) error { return r.door.serve(ctx, r.server) })
	r.startAlerts()
	if r.shipper != nil {
		r.task("fleet", r.shipper.Run)
	}
	r.startGeo()
	r.requests, r.ignoreRequests = catchRequests()
	r.sayReady()
	return nil
}

func (r *live) refresherConfig() export.RefresherConfig {
	e := r.c.Export
	cfg := export.RefresherConfig{Reader: r.store.Alone(), Dir: e.Dir, Window: e.Window, Every: e.Refresh, Budget: e.BudgetSize, Share: e.BudgetCPU,
		Options: export.Options{Version: version(), Labels: r.labels}, Home: r.home.Load, Links: r.ways, Logger: r.log.Logger,
		Formats: formatsOf(e.Formats), Now: time.Now}
	if r.owner != nil {
		cfg.Owner = &export.Owner{UID: r.owner.UID, GID: r.owner.GID}
	}
	return cfg
}

// task runs f until close, or the drain, ends it.
func (r *live) task(name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{name, cancel, make(chan error, 1)}
	r.tasks = append(r.tasks, t)
	go func() { t.done <- f(ctx) }()
}

// sayReady writes the lines that scripts and people wait for.
func (r *live) sayReady() {
	where := running{interfaces: r.interfaceNames(), dashboard: r.dashboard(), out: r.c.Export.Dir}
	r.announce() // who reads the line may ask for status
	r.say("ready interface=%s dashboard=%s out=%s", strings.Join(where.interfaces, ","), where.dashboard, where.out)
	r.door.sayInsecure()
	r.sayMissing()
	r.log.release()
	r.system.ready(r.statusText())
	r.sayPlace(where)
	if r.started != nil {
		r.started(where)
	}
}

// sayMissing tells who waits for an interface that does not exist: it may be a slip.
func (r *live) sayMissing() {
	resolution, _ := capture.ResolveInterfaces(r.interfaces) // an error says the same
	if len(resolution.Missing) == 0 {
		return
	}
	var names []string
	for _, i := range resolution.All {
		names = append(names, i.Name)
	}
	r.say("waiting for %s, which does not exist yet; there are %s (packetheat interfaces shows their traffic)", joined(resolution.Missing), joined(names))
}

// dashboardURL is where a browser on this machine finds the dashboard.
func dashboardURL(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// announce tells other commands where this sensor is.
func (r *live) announce() {
	state := instance.State{Version: version(), Sensor: r.c.Sensor.Name, Started: r.since.UTC(), Interfaces: r.interfaceNames(), Dashboard: r.door.address()}
	if out, err := filepath.Abs(r.c.Export.Dir); err == nil {
		state.Out = out
	}
	if state.Dashboard != "off" {
		state.Key = r.door.key
	}
	if pair := r.door.certificate(); pair != nil {
		state.Certificate = pair.Fingerprint()
	}
	r.mu.Lock()
	r.announced = true
	r.mu.Unlock()
	name, err := instance.Announce(r.c.Store.Path, state)
	if err == nil {
		err = r.owner.Own(name)
	}
	if err != nil {
		r.log.Warn("packetheat status will not find this sensor", "error", err)
	}
}

func (r *live) metrics() http.Handler {
	return metrics.New(version(), metrics.Sources{
		Sensor: r.sensor.Status, Refresher: r.exports, Faults: r.geo.Faults, Geo: r.geo.Stats,
		Databases:  func() []store.GeoSource { return geoSources(r.geo) },
		StoreBytes: func() int64 { return storeBytes(r.c.Store.Path) }, Store: r.storeMetrics, Fleet: r.fleetMetrics,
		Health: r.checks, Dashboard: r.traffic, Alerts: func() alert.Counts { return r.alerts.Load().Counts() }, Log: r.log.limit.Counts, Reloads: r.reloadCounts, Updates: r.updates,
	})
}

// storeBytes is the size of the store's files.
func storeBytes(dir string) (bytes int64) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(dir, sqlite.FileName+suffix)); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}
