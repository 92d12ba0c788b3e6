package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/replayed"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// replay is one run of the command.
type replay struct {
	*program
	c     *config.Loaded
	q     question
	files []string
	local []string // as typed: networks, or "auto"
	out   string
	speed float64       // 1: as it was captured; 0: as fast as possible
	keep  bool          // --data was given: into that store
	again bool          // even what it has already
	owner *desktop.User // whom files are given to; nil: nobody

	geo      *geo.DB
	labels   *geo.Labels
	networks []netip.Prefix
	auto     bool
	guessing bool // what is local: a first pass over the files
}

func (p *program) replayCommand() *cobra.Command {
	r := &replay{program: p}
	cmd := &cobra.Command{
		Use:   "replay FILE…",
		Short: "Make a map of capture files, or add them to a store",
		Long: `Read pcap and pcapng files (also .gz, .zst, and - for standard input) and write
FILE.html and FILE.csv beside the first of them, or into the folder --out. With --data
the packets go into that store instead, at the time they were captured.

Nothing of this machine counts as local, since the files may come from another one. If
packets in them have two public ends, --local says which addresses are yours; auto
proposes the address, or network, that most of these packets have in common.

Several files are read together, in the order of their packets' times. A store remembers
what files it was given and refuses them the second time, unless --again is given. The
capture filters of the configuration (sensor.include …) act here as well.`,
		Example: `  packetheat replay traffic.pcap
  packetheat replay --local 198.51.100.0/24 --out maps mon.pcap tue.pcap
  packetheat replay traffic.pcap --data data --speed 60    a minute of it each second
  tcpdump -w - | packetheat replay - --data data`,
		Args: atLeastOne("capture files, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r.files = args
			r.owner = desktop.SudoUser(p.getenv, os.Geteuid())
			r.keep = cmd.Flags().Changed("data")
			switch {
			case cmd.Flags().Changed("speed") && !(r.speed > 0 && r.speed <= 1e6):
				return usagef("--speed %v is not possible: write 1 for the time it took, 60 for a minute a second; without it files are read as fast as possible", r.speed)
			case r.again && !r.keep:
				return usagef("--again goes with --data: without it there is no store that has the packets already")
			}
			if err := r.check(); err != nil {
				return err
			}
			if r.c, err = p.load(cmd, "out"); err != nil {
				return err
			}
			if r.labels, err = readLabels(r.c, nil); err != nil {
				return err
			}
			if _, _, err := r.q.resolve(time.Now(), r.labels); err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	r.q.flags(cmd)
	cmd.Flags().StringArrayVar(&r.local, "local", nil, "`NETWORK` that is ours (repeatable), or auto")
	cmd.Flags().Float64Var(&r.speed, "speed", 0, "as fast as it was captured, times `FACTOR` (default: as fast as possible)")
	cmd.Flags().BoolVar(&r.again, "again", false, "also what the store of --data has been given before")
	cmd.Flags().StringVar(&r.out, "out", "", "folder for the files, `DIR` (default: beside the first capture file)")
	return cmd
}

// check finds what is wrong with the arguments before anything is read.
func (r *replay) check() error {
	for _, text := range r.local {
		if text == "auto" {
			r.auto = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, e := netip.ParseAddr(text)
			if e != nil {
				return usagef("--local %q is no network: write 198.51.100.0/24, an address, or auto", text)
			}
			network = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		r.networks = append(r.networks, network.Masked())
	}
	stdin := 0
	for _, name := range r.files {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case stdin > 1:
		return usagef("standard input can be read only once")
	case stdin > 0 && r.auto:
		return usagef("--local auto reads the files twice, which standard input cannot be: name your networks")
	}
	if strings.Contains(r.q.filter, "label:") {
		return nil // with the configuration, which names them
	}
	_, _, err := r.q.resolve(time.Now(), nil)
	return err
}

func (r *replay) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer r.watchSignals(cancel)()
	if r.geo, err = openGeo(r.c, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.geo.Close()) }()
	if r.auto {
		r.guessing = true
		if err := r.guessLocal(ctx); err != nil {
			return err
		}
		r.guessing = false
	}
	if r.keep {
		return r.into(ctx, r.c.Store.Path, func(s *sqlite.Store) error {
			if r.out == "" {
				return nil
			}
			return r.write(ctx, s)
		})
	}
	return r.aside(func(dir string) error {
		return r.into(ctx, dir, func(s *sqlite.Store) error { return r.write(ctx, s) })
	})
}

// aside calls f with a folder that is gone afterwards.
func (r *replay) aside(f func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "packetheat-replay-")
	if err != nil {
		return fmt.Errorf("make temporary store: %w (TMPDIR names another folder)", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return f(dir)
}

// into replays the files into the store in dir, says how it went, and calls then.
func (r *replay) into(ctx context.Context, dir string, then func(*sqlite.Store) error) (err error) {
	var tick time.Duration
	if r.c.Moved("sensor.tick") {
		tick = r.c.Sensor.Tick
	}
	if err := r.owner.MakeFolder(dir, 0o750); err != nil {
		return fmt.Errorf("make folder of the store: %w (choose another with --data or store.path)", err)
	}
	_, missing := os.Stat(filepath.Join(dir, sqlite.FileName))
	s, err := sqlite.Open(dir, sqlite.Options{Tick: tick, NoMaintenance: !r.keep, Logger: r.logger(r.c)})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.Close())
		if r.keep {
			err = errors.Join(err, r.owner.Own(dir))
		}
	}()
	var list *replayed.List
	if r.keep {
		if list, err = replayed.Open(dir, missing != nil); err != nil {
			return err
		}
	}
	start := time.Now()
	status, err := r.feed(ctx, s, list)
	if err != nil {
		return err
	}
	r.sayLines(summary(status, time.Since(start)))
	if err := r.sayOddTimes(ctx, s); err != nil {
		return err
	}
	b := status.Books
	if b.TwoPublic.Packets > b.OnePublic.Packets && len(r.networks) == 0 {
		r.say("hint: %s of %s packets have two public ends and are on the map at both: --local NETWORK or --local auto says which end is yours",
			term.Count(b.TwoPublic.Packets), term.Count(b.Decoded.Packets))
	}
	if public := b.Public(); public.Packets == 0 {
		r.say("nothing for the map: no packet has a public address")
	}
	if ctx.Err() != nil {
		return errors.New("replay was interrupted: what had been read until then is all there is")
	}
	return then(s)
}

// feed runs the files through a sensor into a store. Where there is a list, it refuses
// files that are on it, and adds them.
func (r *replay) feed(ctx context.Context, s *sqlite.Store, list *replayed.List) (status sensor.Status, err error) {
	files, err := openCaptures(r.files, list != nil)
	if err != nil {
		return sensor.Status{}, err
	}
	replaying, err := r.prepare(s, files, list)
	if err != nil {
		return sensor.Status{}, errors.Join(err, closeCaptures(files))
	}
	var named []sensor.Named
	for _, f := range files {
		named = append(named, sensor.Named{Name: f.Name(), Source: f})
	}
	var options []sensor.ReplayOption
	if r.speed > 0 && !r.guessing {
		options = append(options, sensor.Speed(r.speed))
	}
	done := r.showProgress(files)
	err = replaying.Replay(ctx, named, options...)
	done()
	if errors.Is(err, context.Canceled) {
		err = nil // said elsewhere; what was read is committed
	}
	for _, f := range files {
		if warning := f.Warning(); warning != "" && !r.guessing {
			r.say("warning: %s: %s", f.Name(), warning)
		}
	}
	if list != nil {
		err = errors.Join(err, list.End(remembered(files, ctx.Err() == nil)...))
	}
	return replaying.Status(), err
}

// prepare makes the sensor, and the list ready for what comes.
func (r *replay) prepare(s *sqlite.Store, files []*captureFile, list *replayed.List) (*sensor.Sensor, error) {
	if list != nil && !r.again {
		if err := refuseAgain(list, files, r.c.Store.Path); err != nil {
			return nil, err
		}
	}
	cfg := sensorConfig(r.c, r.geo, s, r.logger(r.c), s.Tick())
	cfg.Networks = append(append([]netip.Prefix{}, cfg.Networks...), r.networks...)
	if r.guessing {
		cfg.Mask = store.Mask{} // whole addresses are compared, in a store that is thrown away
	}
	if !r.c.Moved("sensor.name") {
		cfg.Name = sensorNameOf(r.files[0])
	}
	replaying, err := sensor.New(cfg)
	if err == nil && list != nil {
		err = list.Begin(remembered(files, false)...)
	}
	return replaying, err
}

// sayOddTimes lists packets whose time cannot be right; they are kept all the same.
func (r *replay) sayOddTimes(ctx context.Context, s *sqlite.Store) error {
	early := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, odd := range []struct {
		name   string
		window store.Window
	}{
		{"before 1990", store.Window{To: early}},
		{"in the future", store.Window{From: time.Now().Add(24 * time.Hour)}},
	} {
		coverage, err := s.Coverage(ctx, odd.window)
		if err != nil {
			return fmt.Errorf("read coverage: %w", err)
		}
		if n := coverage.Books.Captured.Packets; n > 0 {
			r.say("warning: %s packets have a time %s (%s); they are kept", term.Count(n), odd.name, coverage.Window)
		}
	}
	return nil
}

// write makes the page and the CSV of the replayed files.
func (r *replay) write(ctx context.Context, s *sqlite.Store) error {
	filter, _, err := r.q.resolve(time.Now(), r.labels)
	if err != nil {
		return err
	}
	dir, base := filepath.Split(r.files[0])
	if r.files[0] == "-" {
		base = "stdin"
	}
	if r.out != "" {
		dir = r.out
		if err := r.owner.MakeFolder(dir, 0o750); err != nil {
			return fmt.Errorf("make output folder: %w (choose another with --out)", err)
		}
	}
	for _, format := range []export.Format{export.HTML, export.CSV} {
		name := filepath.Join(dir, base+"."+format.String())
		report, err := export.WriteFile(ctx, name, s, format, export.Options{Filter: filter, Version: version(), Home: homeOf(r.c), Links: linksOf(r.c), Labels: r.labels})
		if err == nil {
			err = r.owner.Own(name)
		}
		if err != nil {
			return err
		}
		r.sayReport(name, report)
	}
	return nil
}

// sensorNameOf makes a name for points out of the name of a capture file.
func sensorNameOf(file string) string {
	if file == "-" {
		return "stdin"
	}
	return config.SensorName(baseName(file))
}
