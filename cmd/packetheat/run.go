package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/store"
)

// runOptions is what runSensor is told. Only config must be set; the demo sets
// listener and interfaces as well, because it runs in a network namespace of its own.
type runOptions struct {
	config *config.Loaded
	again  func() (*config.Loaded, error) // reads the configuration anew; nil: it stays

	interfaces []string      // to capture on; nil: sensor.interfaces
	listener   net.Listener  // of the dashboard, taken over; nil: made from dashboard.listen
	insecure   bool          // serve beyond this machine though nothing protects it
	duration   time.Duration // of capture, to stop after; 0: when ctx ends or a signal comes
	open       string        // auto, always or never: whether to open a browser
	print      bool          // also print points as they come
	owner      *desktop.User // whom files are given to; nil: nobody

	// started, where not nil, is called once the ready line has been written.
	started func(running)
}

// running is where a sensor that is ready is found.
type running struct {
	interfaces []string
	dashboard  string // URL or "off"
	out        string
}

// values of runOptions.open
const (
	openAuto   = "auto"
	openAlways = "always"
	openNever  = "never"
)

func (p *program) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Capture, store, keep the map's files fresh and serve the dashboard",
		Long: `Capture packets on the interface that leads to the internet (or on those named), locate
their public endpoints, and keep a point for each of them every ten seconds in the store.
While it runs, the dashboard is on http://127.0.0.1:8080, and the last hour's map lies in
out/ip_heatmap.html and out/ip_heatmap.csv; export.jobs keeps files of other windows there.

Capturing needs root, or the capability CAP_NET_RAW, which this gives once and for all:
  sudo setcap cap_net_raw+ep $(command -v packetheat)
The sensor gives it up before it sees a packet; a small process of its own keeps it, to open
packet sockets. Started by root, the sensor becomes the owner of the store, or sensor.user.

SIGINT (Ctrl+C) and SIGTERM store what has been seen and end; a second one ends at once.
SIGHUP reads the configuration anew (capture filters, networks, places, labels, GeoIP files, retention,
alerts, log level and all of dashboard change at once, without a gap; it names what needs a restart)
and opens the GeoIP databases again. A file with a mistake changes nothing.
SIGUSR1 writes statistics to the log.`,
		Example: `  sudo packetheat run
  packetheat run --interface eth0 --interface wg0 --data /var/lib/packetheat
  packetheat run --duration 10m --listen off --print`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.open != openAuto && o.open != openAlways && o.open != openNever:
				return usagef("--open %q is not possible: use auto, always or never", o.open)
			case o.duration < 0:
				return usagef("--duration %s is not possible: write for example 10m", o.duration)
			}
			o.again = func() (*config.Loaded, error) { return p.load(cmd) }
			c, err := o.again()
			if err != nil {
				return err
			}
			o.config = c
			if err := p.prepare(&o); err != nil {
				return err
			}
			return p.runSensor(cmd.Context(), o)
		},
	}
	addRunFlags(cmd, &o)
	return cmd
}

// addRunFlags adds the flags that run shares with the demo.
func addRunFlags(cmd *cobra.Command, o *runOptions) {
	f := cmd.Flags()
	f.StringArray("interface", nil, "capture on `NAME` (repeatable; default_route, any; configuration: sensor.interfaces)")
	f.String("listen", "", "serve the dashboard on `ADDRESS`, or off (configuration: dashboard.listen, default 127.0.0.1:8080)")
	f.String("out", "", "folder of the files that are kept fresh, `DIR` (configuration: export.dir, default out)")
	f.Var(&durationFlag{&o.duration}, "duration", "stop after `TIME` of capture")
	f.StringVar(&o.open, "open", openAuto, "open the map in a browser: `auto|always|never`")
	f.BoolVar(&o.print, "print", false, "also print points as they are stored")
	f.BoolVar(&o.insecure, "insecure", false, "serve on other addresses than loopback without TLS and token, readable by everybody who reaches them")
	complete(cmd, "open", openAuto, openAlways, openNever)
}

// durationFlag takes what store.ParseDuration takes, and no time at all.
type durationFlag struct{ d *time.Duration }

func (f *durationFlag) String() string { return "" }
func (f *durationFlag) Type() string   { return "duration" }
func (f *durationFlag) Set(s string) (err error) {
	if *f.d = 0; s == "0" || s == "0s" {
		return nil
	}
	*f.d, err = store.ParseDuration(s)
	return err
}

// runSensor captures until ctx ends, a signal comes or o.duration is over, and takes
// everything down in the order in which data flows: the sensor commits its last tick,
// the files are written once more, the dashboard closes, the store closes.
func (p *program) runSensor(ctx context.Context, o runOptions) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stopSignals := p.watchSignals(cancel)
	defer stopSignals()
	r := newRuntime(p, o)
	defer func() {
		err = errors.Join(err, r.close())
		r.log.end() // also what was logged before the ready line, if that never came
	}()
	if err := r.openAll(); err != nil {
		return p.heldBack(err)
	}
	switch err := r.start(ctx); {
	case errors.Is(err, errEarly):
		r.say("stopped before capture began: nothing was seen, and no file was written")
		return nil // as asked
	case err != nil:
		return p.explain(err)
	}
	if o.duration > 0 { // of capture: who asks for ten seconds gets them from a slow machine, too
		timer := time.AfterFunc(o.duration, func() { cancel(errEnough) })
		defer timer.Stop()
	}
	r.wait(ctx)
	return r.drain()
}

// errEnough ends a run that was asked for a duration.
var errEnough = errors.New("the time asked for is over")

// explain adds to an error of capture what gives the right to.
func (p *program) explain(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	self, e := os.Executable()
	if e != nil {
		self = "packetheat"
	}
	return fmt.Errorf("capture packets: the capability CAP_NET_RAW is missing: grant it with \"sudo setcap cap_net_raw+ep %s\", or start packetheat with sudo", self)
}
