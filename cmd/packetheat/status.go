package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/health"
	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/keypair"
	"github.com/packetheat/packetheat/cmd/internal/metrics"
	"github.com/packetheat/packetheat/cmd/internal/netdev"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/sensor"
)

// statusJSON is what a sensor says about itself: over HTTP at /api/v1/status, and by
// "packetheat status --json".
type statusJSON struct {
	sensor.Status
	Version string                 `json:"version"`
	State   string                 `json:"state"`   // "capturing" or "silent"
	Message string                 `json:"message"` // why the map is empty; "" if it is not, or too early to say
	Tick    float64                `json:"tick"`    // seconds
	Store   storeJSON              `json:"store"`
	Geo     []sourceJSON           `json:"geo"`
	Faults  uint64                 `json:"geo_faults"`
	Export  export.RefreshStatus   `json:"export"`
	Jobs    []export.RefreshStatus `json:"export_jobs"`

	Health  []health.Check  `json:"health"`
	Reloads metrics.Reloads `json:"config_reloads"` // answers to SIGHUP
	Log     uint64          `json:"log_suppressed"` // messages of the log that were too many alike

	Alerts string `json:"alerts,omitempty"` // how many; /api/v1/alerts has them

	Fleet *shippingJSON `json:"fleet,omitempty"` // absent: the store is not shipped

	// Machine are all of the machine's interfaces, as long as nothing has come for the
	// map: whoever looks at an empty one sees where traffic is.
	Machine []machineJSON `json:"machine_interfaces,omitempty"`

	Dashboard *servedBy   `json:"dashboard,omitempty"`
	Rights    *rightsJSON `json:"rights,omitempty"`

	Masked bool `json:"masked,omitempty"` // the dashboard says no more than this
}

// machineJSON is an interface by the kernel's own counters, captured or not.
type machineJSON struct {
	Name     string `json:"name"`
	Captured bool   `json:"captured"`
	Packets  uint64 `json:"packets"` // in and out, since it was made
	Bytes    uint64 `json:"bytes"`
}

// machineInterfaces are in order of their names; none where the kernel does not tell.
func machineInterfaces(captured []string) []machineJSON {
	counters, err := netdev.Read()
	if err != nil {
		return nil // no Linux: the page then says what to run instead
	}
	var all []machineJSON
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		c := counters[name]
		all = append(all, machineJSON{name, slices.Contains(captured, name), c.PacketsIn + c.PacketsOut, c.BytesIn + c.BytesOut})
	}
	return all
}

type storeJSON struct {
	Path      string `json:"path"`
	Bytes     int64  `json:"bytes"`
	Recovered string `json:"recovered,omitempty"` // where a damaged file was set aside

	LogReaders []string `json:"log_readers,omitempty"` // who makes the write-ahead log grow

	Retention *retentionJSON `json:"retention,omitempty"`
}

func (r *live) status() statusJSON {
	s := r.sensor.Status()
	state, message := "capturing", ""
	if public := s.Books.Public(); public.Packets == 0 && time.Since(r.since) > silence {
		state, message = "silent", silenceMessage(s.Books, r.interfaceNames())
	}
	var machine []machineJSON
	if public := s.Books.Public(); public.Packets == 0 {
		machine = machineInterfaces(r.interfaceNames())
	}
	alerts := ""
	if w := r.alerts.Load(); w != nil {
		alerts = alertLine(w.List().Alerts, time.Now())
	}
	served := r.door.served()
	if served.Insecure {
		s.Warnings = append(slices.Clone(s.Warnings), sensor.Warning{Code: "insecure", Text: insecureText(served.Listen), Mend: insecureMend})
	}
	rights := r.rights()
	s.Warnings = append(slices.Clone(s.Warnings), openerWarning(rights)...)
	return statusJSON{
		Dashboard: served,
		Rights:    rights,
		Alerts:    alerts,
		Fleet:     r.shipping(),
		Health:    r.checks(),
		Reloads:   r.reloadCounts(),
		Log:       r.log.limit.Counts().Suppressed,
		Machine:   machine,
		Status:    s, Version: version(), State: state, Message: message, Tick: r.store.Tick().Seconds(),
		Store: storeJSON{r.c.Store.Path, storeBytes(r.c.Store.Path), r.store.Recovered(), logReaders(r.store), r.retentionStatus()},
		Geo:   geoJSON(r.geo, r.c), Faults: r.geo.Faults(), Export: r.refresher.Status(), Jobs: r.jobStatus(),
	}
}

func (p *program) statusCommand() *cobra.Command {
	var asJSON, onlyReady bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print what the running sensor is doing",
		Long: `Ask the sensor that writes to the store (--data) how it is: interfaces, packets, drops,
points, commits, databases and files. It ends with status 1 where none is running.

--ready prints only the checks that /healthz, /readyz and systemd's watchdog go by, and ends
with status 1 where one fails that keeps the sensor from its work: for health checks of
containers and for scripts. "packetheat help metrics" explains them.`,
		Example: `  packetheat status
  packetheat status --ready && echo it works`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			state, ok, err := instance.Find(c.Store.Path)
			switch {
			case err != nil:
				return err
			case !ok:
				return fmt.Errorf("no sensor writes to the store %q: start one with packetheat run, or name another store with --data", c.Store.Path)
			case state.Dashboard == "" || state.Dashboard == "off":
				return fmt.Errorf("the sensor (process %d) serves no dashboard, which answers for it: start it without --listen off, or send it SIGUSR1 and read its log", state.PID)
			}
			body, err := fetchStatus(cmd.Context(), state)
			if err != nil {
				return err
			}
			if asJSON && !onlyReady {
				_, err := p.out.Write(append(body, '\n'))
				return err
			}
			var s statusJSON
			if err := json.Unmarshal(body, &s); err != nil {
				return fmt.Errorf("read status of %s: %w", state.Dashboard, err)
			}
			if s.Masked {
				return fmt.Errorf("the dashboard is masked (dashboard.mask), and tells nobody of the sensor: send process %d SIGUSR1, and read its log", state.PID)
			}
			if onlyReady {
				return p.printChecks(s.Health, asJSON)
			}
			return p.printStatus(&s, state)
		},
	}
	addJSON(cmd, &asJSON)
	cmd.Flags().BoolVar(&onlyReady, "ready", false, "only print whether it does its work, and end with status 1 where it does not")
	return cmd
}

// statusLimit bounds the answer; it has a few lines for each interface.
const statusLimit = 8 << 20

// fetchStatus asks the sensor, with the key that it left where it stores.
func fetchStatus(ctx context.Context, state instance.State) (body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, state.Dashboard+"/api/v1/status", nil)
	if err != nil {
		return nil, fmt.Errorf("ask sensor: %w", err)
	}
	if state.Key != "" {
		request.Header.Set("Authorization", "Bearer "+state.Key)
	}
	transport := &http.Transport{Proxy: nil} // it is on this machine, whatever HTTP_PROXY says
	if state.Certificate != "" {
		transport.TLSClientConfig = keypair.Trust(state.Certificate)
	}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask sensor: %w", err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	body, err = io.ReadAll(io.LimitReader(answer.Body, statusLimit))
	if err != nil {
		return nil, fmt.Errorf("ask sensor: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask sensor: %s answers %s", state.Dashboard, answer.Status)
	}
	return body, nil
}

func (p *program) printStatus(s *statusJSON, state instance.State) error {
	b, public := s.Books, s.Books.Public()
	var l list
	l.add("health", "%s", healthLine(s.Health))
	l.add("sensor", "%s, version %s, process %d, since %s", s.Name, s.Version, state.PID, moment(s.Started))
	if s.Rights != nil {
		s.Rights.print(&l)
	}
	for _, i := range s.Interfaces {
		l.add("interface", "%s: %s, %d rings of %s together, %s frames, %d dropped", i.Name, i.State, i.Shards, term.Bytes(uint64(i.RingBytes)), term.Count(i.Books.Frames), i.Books.Drops)
	}
	l.add("captured", "%s packets, %s", term.Count(b.Captured.Packets), term.Bytes(b.Captured.Bytes))
	l.add("kernel drops", "%d in %d freezes", b.Drops, b.Freezes)
	l.add("lost before", "%d in full queues of cores; interfaces: %d dropped, %d missed, %d overrun",
		s.Losses.BacklogDrops, s.Losses.RxDropped, s.Losses.RxMissed, s.Losses.RxFIFO)
	l.add("on the map", "%s packets, %s; %s located", term.Count(public.Packets), term.Bytes(public.Bytes), located(s.Status))
	l.add("not on it", "local only %s, not IP %s, undecodable %s, filtered %s", term.Count(b.LocalOnly.Packets), term.Count(b.NonIP.Packets),
		term.Count(b.Undecodable.Packets), term.Count(b.Filtered.Packets))
	l.add("odd", "folded %s, late %s packets", term.Count(b.Folded.Packets), term.Count(b.Late.Packets))
	if !s.Capturing.IsZero() {
		l.add("without gap", "since %s", moment(s.Capturing))
	}
	l.add("last packet", "%s", moment(s.LastPacket))
	l.add("last commit", "%s; %d points in %d commits, %d failed", moment(s.LastCommit), s.Points, s.Commits, s.CommitErrors)
	if s.CommitError != "" {
		l.add("", "%s", s.CommitError)
	}
	if s.QueuedTicks+s.HeldTicks > 0 {
		l.add("waiting", "%d ticks for the store, %d for the clock; %d merged", s.QueuedTicks, s.HeldTicks, s.MergedTicks)
	}
	if s.RestampedTicks > 0 {
		l.add("", "%s were stored in the time in which they came: the clock had leapt ahead", counted(s.RestampedTicks, "tick"))
	}
	if s.Held != "" {
		l.add("", "%s", s.Held)
	}
	l.add("store", "%s, %s", s.Store.Path, term.Bytes(uint64(s.Store.Bytes)))
	if s.Store.Recovered != "" {
		l.add("", "a damaged file was set aside: %s", s.Store.Recovered)
	}
	if len(s.Store.LogReaders) > 0 {
		l.add("", "its log grows until this reader ends: %s", joined(s.Store.LogReaders))
	}
	if s.Store.Retention != nil {
		s.Store.Retention.print(&l)
	}
	for _, g := range s.Geo {
		if g.InUse {
			l.add("places by", "%s", strings.TrimSuffix(fmt.Sprintf("%s (%s), built %s, %d days ago; %s", g.Name, g.Kind, g.Built.UTC().Format(time.DateOnly), g.AgeDays, g.Warning), "; "))
		}
	}
	printFiles(&l, "", &s.Export)
	for i := range s.Jobs {
		printFiles(&l, " of job "+s.Jobs[i].Name, &s.Jobs[i])
	}
	if s.Faults > 0 {
		l.add("", "%s failed on damaged data: packetheat geo update fetches a new database", counted(s.Faults, "look-up"))
	}
	if s.Reloads.Failing {
		l.add("configuration", "the last reload was refused, and the log says why: packetheat config check")
	}
	if s.Log > 0 {
		l.add("log", "%s held back: too many alike in a minute", counted(s.Log, "message"))
	}
	if s.Fleet != nil {
		s.Fleet.print(&l)
	}
	if s.Alerts != "" {
		l.add("alerts", "%s", s.Alerts)
	}
	l.add("dashboard", "%s", state.Dashboard)
	if s.Dashboard != nil {
		l.add("", "%s", s.Dashboard.line())
	}
	for _, w := range s.Warnings {
		l.add("warning", "%s → %s", w.Text, w.Mend)
	}
	return l.print(p.out)
}

// printFiles lists what a refresher, or a job, has written.
func printFiles(l *list, whose string, s *export.RefreshStatus) {
	for _, f := range s.Files {
		l.add("file", "%s: %s, %s rows, written %s", f.Path, term.Bytes(uint64(f.Bytes)), term.Count(f.Rows), moment(f.Written))
		if f.Coarsened != "" {
			l.add("", "%s", f.Coarsened)
		}
	}
	if s.LastError != "" {
		l.add("files"+whose, "%s", s.LastError)
	}
}
