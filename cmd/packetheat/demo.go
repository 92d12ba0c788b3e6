package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/demo"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/geo"
)

// demoOptions is a run on made-up traffic.
type demoOptions struct {
	runOptions
	seed   uint64
	inside bool // this is the process in the namespaces
}

// Where the demo stores, so that it never mixes with real traffic.
const (
	demoData = "data-demo"
	demoOut  = "out-demo"
)

func (p *program) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show all of it on made-up traffic of the whole world",
		Long: `Run the sensor on a network of its own that has the world's traffic on it: a veth pair in
a network namespace, a generator that writes frames to one end, and packetheat as it is at
the other. Places are real, who talks to whom is made up. Your own network is not seen and
nothing is sent to it; the dashboard is on this machine as always.

No root is needed where user namespaces are allowed. Everything goes to data-demo and
out-demo; nothing else is left behind.`,
		Example: `  packetheat demo
  packetheat demo --duration 1m --open never`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("interface") {
				return usagef("the demo has an interface of its own: use packetheat run for a real one")
			}
			var err error
			o.again = func() (*config.Loaded, error) { return p.loadDemo(cmd) }
			if o.config, err = o.again(); err != nil {
				return err
			}
			if o.inside {
				return p.demoInside(cmd.Context(), o)
			}
			return p.demoOutside(o)
		},
	}
	addRunFlags(cmd, &o.runOptions)
	f := cmd.Flags()
	f.Uint64Var(&o.seed, "seed", 1, "the same `NUMBER` makes the same traffic")
	f.BoolVar(&o.inside, "inside", false, "this process is the one in the namespaces")
	for _, name := range []string{"inside", "interface"} {
		_ = f.MarkHidden(name) // it fails for a flag that is not there
	}
	return cmd
}

// loadDemo is load for the demo, which keeps to itself.
func (p *program) loadDemo(cmd *cobra.Command) (*config.Loaded, error) {
	c, err := p.load(cmd)
	if err != nil {
		return nil, err
	}
	if !cmd.Flags().Changed("data") {
		c.Store.Path = demoData
	}
	if !cmd.Flags().Changed("out") {
		c.Export.Dir = demoOut
	}
	if !c.Moved("sensor.name") {
		c.Sensor.Name = "demo"
	}
	return c, nil
}

// Descriptors that the process inside finds open.
const (
	readyFile    = 3 // where it writes the ready line's facts to
	listenerFile = 4 // the dashboard's listener, unless it is off
)

// demoOutside keeps what belongs to the network outside: it opens the dashboard's
// listener, starts this program again in the namespaces, passes signals on, and opens
// the browser.
func (p *program) demoOutside(o demoOptions) error {
	owner := desktop.SudoUser(p.getenv, os.Geteuid())
	files, err := p.demoFiles(o)
	if err != nil {
		return err
	}
	ready, told, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start demo: %w", err)
	}
	defer ready.Close()
	cmd, err := demo.Command(append(os.Args[1:], "--inside"), append([]*os.File{told}, files...)...)
	if err != nil {
		return err
	}
	p.say("demo: made-up traffic between real places, on a network of its own; your own traffic is not seen")
	p.say("demo: the store is %s, the files are in %s", o.config.Store.Path, o.config.Export.Dir)

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, demoSignals()...)
	defer signal.Stop(signals)
	err = demo.Run(cmd, func() {
		told.Close() // the child has them now; the port must be free when it ends
		for _, f := range files {
			f.Close()
		}
		go passOn(signals, func(s os.Signal) { _ = cmd.Process.Signal(s) }) // it may have ended
		go p.demoOpen(o, owner, ready)
	})
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return errSilent // it has said why
	}
	return err
}

// demoFiles opens the dashboard's listener and returns it as a file.
func (p *program) demoFiles(o demoOptions) ([]*os.File, error) {
	if o.config.Dashboard.Listen == "off" {
		return nil, nil
	}
	if err := checkExposed(&o.config.Dashboard, o.insecure); err != nil {
		return nil, err
	}
	l, err := p.listen(o.config.Dashboard.Listen, o.config.Moved("dashboard.listen"))
	if err != nil {
		return nil, err
	}
	defer l.Close() // File duplicates it
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("start demo: cannot hand on a listener of type %T", l)
	}
	f, err := tcp.File()
	if err != nil {
		return nil, fmt.Errorf("start demo: %w", err)
	}
	return []*os.File{f}, nil
}

// echo is how soon after a signal the same one is taken for its echo: timeout(1) and
// some shells send it to the process and then to its group, and a second one that is
// meant, which ends the sensor at once, takes a finger longer.
const echo = 300 * time.Millisecond

// passOn gives signals to the process inside, which decides what they mean.
func passOn(signals <-chan os.Signal, inside func(os.Signal)) {
	var last os.Signal
	var at time.Time
	for s := range signals {
		if s == last && time.Since(at) < echo {
			continue
		}
		last, at = s, time.Now()
		inside(s)
	}
}

// demoInside makes the wire, and runs the sensor on one end of it and the generator
// on the other.
func (p *program) demoInside(ctx context.Context, o demoOptions) error {
	if p.handed == nil {
		if err := demo.Wire(); err != nil {
			return err
		}
	} else if err := demo.EndWithParent(); err != nil {
		return err
	}
	if err := p.prepare(&o.runOptions); err != nil {
		return err
	}
	told := os.NewFile(readyFile, "ready")
	defer told.Close()
	if o.config.Dashboard.Listen != "off" {
		f := os.NewFile(listenerFile, "listener")
		var err error
		if o.listener, err = net.FileListener(f); err != nil {
			return fmt.Errorf("take over the dashboard's listener: %w", err)
		}
		f.Close()
	}
	o.interfaces, o.open = []string{demo.Home}, openNever
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	playing := false
	o.started = func(r running) {
		playing = true
		fmt.Fprintf(told, "%s\n%s\n", r.dashboard, r.out)
		told.Close()
		go func() {
			err := p.play(ctx, o.seed)
			failed <- err
			stop() // nothing more will come
		}()
	}
	err := p.runSensor(ctx, o.runOptions)
	stop()
	if playing {
		err = errors.Join(err, <-failed)
	}
	return err
}

// play puts the traffic on the wire until ctx is done. Hosts come from the built-in
// places, whatever database the sensor uses: the same seed is the same demo anywhere.
func (p *program) play(ctx context.Context, seed uint64) error {
	db, err := geo.Open(geo.Config{Search: []string{}})
	if err != nil {
		return err
	}
	world, err := demo.NewWorld(seed, func(a netip.Addr) (demo.Host, bool) {
		l := db.Locate(a)
		return demo.Host{Addr: a, Country: l.Country, Lat: l.Latitude, Lon: l.Longitude}, l.HasCoordinates
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	_, err = demo.Play(ctx, demo.NewTraffic(seed, world), p.openSocket())
	return err
}

// demoOpen waits until the process inside is ready and opens the browser as run does:
// only out here is a network that a browser can use. (What is said is said inside.)
func (p *program) demoOpen(o demoOptions, owner *desktop.User, ready *os.File) {
	lines := bufio.NewScanner(ready)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if len(said) < 2 || o.open == openNever {
		return // or it ended before it was ready, and has said why
	}
	address := said[0]
	if address == "off" {
		file, err := filepath.Abs(filepath.Join(said[1], "ip_heatmap.html"))
		if err != nil {
			return
		}
		address = file
	}
	cmd, err := desktop.OpenCommand(p.getenv, exec.LookPath, owner, address)
	if err == nil {
		err = cmd.Run()
	}
	if err != nil && o.open == openAlways {
		p.say("no browser was opened for %s: %v", address, err)
	}
}
