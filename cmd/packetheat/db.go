package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
)

func (p *program) dbCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Look after the store's file: statistics, check, prune, backup, merge, forget",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.dbStatsCommand(), p.dbCheckCommand(), p.dbPruneCommand(), p.dbBackupCommand(), p.dbMergeCommand(), p.dbForgetCommand())
	return cmd
}

// statsJSON is what "db stats --json" prints.
type statsJSON struct {
	Path          string    `json:"path"`
	Format        int       `json:"format"`
	TickSeconds   float64   `json:"tick_seconds"`
	Sensors       []string  `json:"sensors"`
	Bytes         int64     `json:"bytes"`
	Batches       int64     `json:"batches"`
	Points        int64     `json:"points"`
	BytesPerPoint float64   `json:"bytes_per_point"`
	BytesPerDay   float64   `json:"bytes_per_day"`
	Oldest        time.Time `json:"oldest,omitzero"`
	Newest        time.Time `json:"newest,omitzero"`

	Forecast *forecastJSON `json:"forecast"`
}

func (p *program) dbStatsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Print how much the store holds, since when, and how fast it grows",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			s, err := p.openStore(c.Store.Path)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			st, err := s.Stats(cmd.Context())
			if err != nil {
				return err
			}
			retention := retentionOf(c)
			f, err := s.Forecast(cmd.Context(), retention)
			if err != nil {
				return err
			}
			forecast := newForecast(&f, retention)
			if asJSON {
				return p.printJSON(statsJSON{st.Path, st.Format, st.Tick.Seconds(), append([]string{}, st.Sensors...), st.Bytes,
					st.Batches, st.Points, st.PerPoint, st.PerDay, st.Oldest, st.Newest, forecast})
			}
			var l list
			l.add("file", "%s (format %d)", st.Path, st.Format)
			l.add("size", "%s", term.Bytes(uint64(st.Bytes)))
			l.add("sensors", "%s", joined(st.Sensors))
			l.add("tick", "%s", st.Tick)
			if st.Batches > 0 {
				l.add("from", "%s", moment(st.Oldest))
				l.add("to", "%s", moment(st.Newest))
			}
			l.add("points", "%s in %s batches", term.Count(uint64(st.Points)), term.Count(uint64(st.Batches)))
			if st.Points > 0 {
				l.add("a point", "%.1f B", st.PerPoint)
				l.add("a day", "%s at the last day's rate", term.Bytes(uint64(st.PerDay)))
			}
			if st.Batches > 0 {
				forecast.print(&l)
			}
			return l.print(p.out)
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}
