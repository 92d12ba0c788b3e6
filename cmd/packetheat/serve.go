package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/merge"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (p *program) serveCommand() *cobra.Command {
	var o runOptions
	var folders []string
	var fleet bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the dashboard of an existing store, without capturing",
		Long: `Serve the dashboard of a store, live or copied, without capturing. It needs no rights but
to read the store, and may stand beside a sensor that writes to it. Several --data put
the stores of several sensors on one map; the filter sensor:NAME, in the page's box, picks
one. A store that cannot be read any more is left out, its sensors are off, and the
status (/api/v1/status) has the error.

--fleet serves, in place of stores, what the ClickHouse of fleet.clickhouse has of all sensors
(packetheat fleet --help).

Beyond loopback it wants TLS and a token (dashboard.tls, dashboard.token), as run does. SIGHUP
reads the configuration anew: all of dashboard, labels, networks and the log's level.

--mask serves it to others: all answers are masked before they are filtered, as files of
"export --mask" are, and are about whole hours that are over.`,
		Example: `  packetheat serve --data /backup/data --listen 127.0.0.1:9000
  packetheat serve --data berlin --data tokyo
  packetheat serve --fleet`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.again = func() (*config.Loaded, error) { return p.load(cmd, "data") }
			c, err := o.again()
			if err != nil {
				return err
			}
			o.config = c
			if fleet {
				if len(folders) > 0 {
					return usagef("--fleet and --data are two things to serve: give one of them")
				}
				return p.serveFleet(cmd.Context(), o)
			}
			if len(folders) == 0 {
				folders = []string{c.Store.Path}
			}
			return p.serve(cmd.Context(), o, folders)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&folders, "data", nil, "folder of a store, `DIR` (repeatable; configuration: store.path, default data)")
	f.BoolVar(&fleet, "fleet", false, "serve the sensors of fleet.clickhouse in place of stores")
	f.String("listen", "", "serve on `ADDRESS` (configuration: dashboard.listen, default 127.0.0.1:8080)")
	f.StringVar(&o.open, "open", openNever, "open the map in a browser: `auto|always|never`")
	f.String("mask", "", "answer as for others: addresses become networks, or are gone, `networks|gone` (configuration: dashboard.mask)")
	f.Lookup("mask").NoOptDefVal = maskNetworks
	f.Int("mask-k", 0, "with --mask: `ADDRESSES` that a place, AS or country needs to be shown (configuration: dashboard.mask_k, default 5)")
	complete(cmd, "mask", maskNetworks, maskGone)
	f.BoolVar(&o.insecure, "insecure", false, "serve on other addresses than loopback without TLS and token, readable by everybody who reaches them")
	complete(cmd, "open", openAuto, openAlways, openNever)
	return cmd
}

// serve serves stores.
func (p *program) serve(ctx context.Context, o runOptions, folders []string) error {
	return p.serveWith(ctx, o, func(ctx context.Context, r *live, cfg *dashboard.Config) (func() error, error) {
		reader, closeAll, err := p.openStores(ctx, folders)
		if err != nil {
			return nil, err
		}
		cfg.Reader = reader
		cfg.Alerts = func() any { return servedAlerts(folders) }
		cfg.Status = func() any { return servedStores(r, reader, folders) }
		return closeAll, nil
	})
}

// serveWith serves what open puts into the configuration of the dashboard, until ctx is
// done or a signal comes. What open returns closes that again.
func (p *program) serveWith(ctx context.Context, o runOptions, open func(context.Context, *live, *dashboard.Config) (func() error, error)) (err error) {
	c := o.config
	if c.Dashboard.Listen == "off" {
		return usagef("nothing to serve: dashboard.listen is off")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer p.watchSignals(cancel)()
	o.owner = desktop.SudoUser(p.getenv, os.Geteuid())
	r := newRuntime(p, o)
	var cfg dashboard.Config
	closeAll, err := open(ctx, r, &cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	labels, err := readLabels(c, nil)
	if err != nil {
		return err
	}
	if r.door, err = p.openDoor(c, o.insecure, nil, r.log.Logger); err != nil {
		return err
	}
	defer r.door.close()
	r.labels = labels
	go labels.Run(ctx)
	go r.door.run(ctx, func() {})
	requests, ignore := catchRequests()
	defer ignore()
	go watchRequests(ctx, requests, r.reloadServed, func() {})
	answers := newAnswering(cfg.Reader)
	go answers.run(ctx)
	cfg.Health, cfg.Ready = answers.alive, answers.ready
	where := running{dashboard: r.door.url()}
	p.say("ready dashboard=%s", where.dashboard)
	r.door.sayInsecure()
	r.log.release()
	r.system.ready("dashboard " + where.dashboard)
	go r.system.watch(ctx, answers.alive, func() string { return answers.text(r.door.url()) })
	r.sayPlace(where)
	cfg.Version, cfg.Logger, cfg.Guard, cfg.TLS, cfg.Home, cfg.Links, cfg.Own = version(), r.log.Logger, r.door.guard, r.door.tls, r.home.Load, r.ways, r.own
	cfg.Mask, cfg.Labels = r.served, r.labels
	server := dashboard.New(cfg)
	if err := r.door.serve(ctx, server); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// servedStores is the status of stores that are served.
func servedStores(r *live, reader export.Reader, folders []string) any {
	var stores []servedJSON
	lost := map[string]error{}
	if several, ok := reader.(*merge.Reader); ok {
		lost = several.Lost()
	}
	for _, dir := range folders {
		one := servedJSON{storeJSON: storeJSON{Path: dir, Bytes: storeBytes(dir)}}
		if err := lost[dir]; err != nil {
			one.Error = err.Error()
		}
		stores = append(stores, one)
	}
	return map[string]any{"state": "stored", "stores": stores, "dashboard": r.door.served()}
}

// servedJSON is a store in the status of serve.
type servedJSON struct {
	storeJSON
	Error string `json:"error,omitempty"` // why it is left out of answers
}

// openStores opens one store, or several as one.
func (p *program) openStores(ctx context.Context, folders []string) (reader export.Reader, closeAll func() error, err error) {
	var stores []*sqlite.Store
	closeAll = func() error {
		var errs []error
		for _, s := range stores {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	}
	var readers []merge.Store
	seen := map[string]string{}
	for _, dir := range folders {
		real, err := filepath.EvalSymlinks(dir)
		if other, twice := seen[real]; err == nil && twice {
			return nil, nil, errors.Join(usagef("%q and %q are the same store: name it once", other, dir), closeAll())
		}
		seen[real] = dir
		s, err := p.openStore(dir)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		stores = append(stores, s)
		readers = append(readers, merge.Store{Name: dir, Reader: s})
	}
	if len(readers) == 1 {
		return stores[0], closeAll, nil
	}
	merged, err := merge.New(ctx, readers...)
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	return merged, closeAll, nil
}
