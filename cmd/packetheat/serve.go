package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/export/dashboard"
)

func (p *program) serveCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the dashboard of an existing store, without capturing",
		Long: `Serve the dashboard of a store, live or copied, without capturing. It needs no rights but
to read the store, and may stand beside a sensor that writes to it.`,
		Example: "  packetheat serve --data /backup/data --listen 127.0.0.1:9000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			o.config = c
			return p.serve(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.String("listen", "", "serve on `ADDRESS` (configuration: dashboard.listen, default 127.0.0.1:8080)")
	f.StringVar(&o.open, "open", openNever, "open the map in a browser: `auto|always|never`")
	f.BoolVar(&o.insecure, "insecure", false, "serve on other addresses than loopback, readable by everybody who reaches them")
	complete(cmd, "open", openAuto, openAlways, openNever)
	return cmd
}

func (p *program) serve(ctx context.Context, o runOptions) (err error) {
	c := o.config
	if c.Dashboard.Listen == "off" {
		return usagef("nothing to serve: dashboard.listen is off")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer p.watchSignals(cancel)()
	s, err := p.openStore(c.Store.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	listener, err := p.listen(c.Dashboard.Listen, c.Moved("dashboard.listen"), o.insecure)
	if err != nil {
		return err
	}
	o.owner = desktop.SudoUser(p.getenv, os.Geteuid())
	r := newRuntime(p, o)
	r.listener = listener
	where := running{dashboard: dashboardURL(listener.Addr())}
	p.say("ready dashboard=%s", where.dashboard)
	r.log.release()
	r.sayPlace(where)
	server := dashboard.New(dashboard.Config{Reader: s, Version: version(), Logger: r.log.Logger, Hosts: c.Dashboard.Hosts,
		Status: func() any {
			return map[string]any{"tick": s.Tick().Seconds(), "state": "stored",
				"store": storeJSON{Path: c.Store.Path, Bytes: storeBytes(c.Store.Path)}}
		}})
	if err := server.Serve(ctx, listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
