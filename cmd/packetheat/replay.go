package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/sensor/capture"
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
	keep  bool // --data was given: into that store

	geo      *geo.DB
	networks []netip.Prefix
	auto     bool
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
proposes the one that most packets have in common.`,
		Example: `  packetheat replay traffic.pcap
  packetheat replay --local 198.51.100.0/24 --out maps mon.pcap tue.pcap
  tcpdump -w - | packetheat replay - --data data`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r.files = args
			r.keep = cmd.Flags().Changed("data")
			if err := r.check(); err != nil {
				return err
			}
			if r.c, err = p.load(cmd, "out"); err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	r.q.flags(cmd)
	cmd.Flags().StringArrayVar(&r.local, "local", nil, "`NETWORK` that is ours (repeatable), or auto")
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
	_, _, err := r.q.resolve(time.Now())
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
		if err := r.guessLocal(ctx); err != nil {
			return err
		}
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
	s, err := sqlite.Open(dir, sqlite.Options{Tick: tick, Logger: r.logger(r.c)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	start := time.Now()
	status, err := r.feed(ctx, s)
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

// feed runs the files through a sensor into a store.
func (r *replay) feed(ctx context.Context, s *sqlite.Store) (sensor.Status, error) {
	sources, err := openCaptures(r.files)
	if err != nil {
		return sensor.Status{}, err
	}
	cfg := sensorConfig(r.c, r.geo, s, r.logger(r.c), s.Tick())
	cfg.Networks = append(append([]netip.Prefix{}, cfg.Networks...), r.networks...)
	if !r.c.Moved("sensor.name") {
		cfg.Name = sensorNameOf(r.files[0])
	}
	replaying, err := sensor.New(cfg)
	if err != nil {
		return sensor.Status{}, errors.Join(err, closeCaptures(sources))
	}
	var named []sensor.Named
	for _, source := range sources {
		named = append(named, sensor.Named{Name: source.Name(), Source: source})
	}
	done := r.showProgress(sources)
	err = replaying.Replay(ctx, named)
	done()
	if errors.Is(err, context.Canceled) {
		err = nil // said elsewhere; what was read is committed
	}
	for _, source := range sources {
		if warning := source.Warning(); warning != "" {
			r.say("warning: %s: %s", source.Name(), warning)
		}
	}
	return replaying.Status(), err
}

func openCaptures(names []string) (sources []*capture.File, err error) {
	for _, name := range names {
		source, err := capture.OpenFile(name)
		if err != nil {
			return nil, errors.Join(err, closeCaptures(sources))
		}
		sources = append(sources, source)
	}
	return sources, nil
}

func closeCaptures(sources []*capture.File) error {
	var errs []error
	for _, source := range sources {
		errs = append(errs, source.Close())
	}
	return errors.Join(errs...)
}

// showProgress moves a bar on until the function it returns is called.
func (r *replay) showProgress(sources []*capture.File) (done func()) {
	at := func() (read, size int64) {
		for _, source := range sources {
			n, all := source.Progress()
			read += n
			size += all
		}
		return read, size
	}
	_, size := at()
	bar := term.NewBar(r.err, "reading", size)
	if bar == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				bar.Done()
				return
			case <-ticker.C:
				read, _ := at()
				bar.Set(read)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// guessLocal finds the address of each IP version that most packets between public
// addresses have in common, by replaying the files into a store that is thrown away.
func (r *replay) guessLocal(ctx context.Context) error {
	return r.aside(func(dir string) (err error) {
		s, err := sqlite.Open(dir, sqlite.Options{Tick: time.Minute, Logger: r.logger(r.c)})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if _, err := r.feed(ctx, s); err != nil {
			return err
		}
		// Every packet between public addresses is in the points of both, so an
		// address that has half of one version's sum is an end of each of its packets.
		top, err := s.Top(ctx, store.Filter{}, store.ByIP, 0)
		if err != nil {
			return fmt.Errorf("look for local addresses: %w", err)
		}
		var sums [2]uint64
		for i := range top.Rows {
			sums[versionOf(top.Rows[i].Key)] += top.Rows[i].Total().Packets
		}
		for i := range top.Rows {
			row := &top.Rows[i]
			addr, err := netip.ParseAddr(row.Key)
			packets, all := row.Total().Packets, sums[versionOf(row.Key)]
			// Two ends that talk to nobody else: nothing tells which one is ours.
			if err != nil || 20*packets < 9*all || row.Addresses > 1 || all < 4 || alone(top.Rows, i) {
				continue
			}
			r.networks = append(r.networks, netip.PrefixFrom(addr, addr.BitLen()))
			r.say("taking %s for local: it is an end of %s of the packets between public addresses (--local %s says the same)",
				addr, term.Share(2*packets, all), addr)
		}
		if len(r.networks) == 0 {
			r.say("no address stands out as local: the map shows both ends of packets between public addresses")
		}
		return nil
	})
}

// versionOf is 0 for an IPv4 address, 1 for an IPv6 one.
func versionOf(key string) int {
	if addr, err := netip.ParseAddr(key); err == nil && addr.Is6() {
		return 1
	}
	return 0
}

// alone reports whether another address has as many packets as row i.
func alone(rows []store.Row, i int) bool {
	for j := range rows {
		if j != i && versionOf(rows[j].Key) == versionOf(rows[i].Key) && 20*rows[j].Total().Packets >= 9*(rows[i].Total().Packets*2) {
			return true
		}
	}
	return false
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
	filter, _, err := r.q.resolve(time.Now())
	if err != nil {
		return err
	}
	dir, base := filepath.Split(r.files[0])
	if r.files[0] == "-" {
		base = "stdin"
	}
	if r.out != "" {
		dir = r.out
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("make output folder: %w (choose another with --out)", err)
		}
	}
	for _, format := range []export.Format{export.HTML, export.CSV} {
		name := filepath.Join(dir, base+"."+format.String())
		report, err := export.WriteFile(ctx, name, s, format, export.Options{Filter: filter, Version: version()})
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
