package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
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

	PointsFrom time.Time  `json:"points_from,omitzero"` // oldest points; before it there are sums only
	BlockBytes int64      `json:"block_bytes"`          // of points that are in no tier yet
	Tiers      []tierJSON `json:"tiers"`

	AddressDays  int64     `json:"address_days"` // that "seen" knows without points
	AddressBytes int64     `json:"address_bytes"`
	AddressFrom  time.Time `json:"addresses_from,omitzero"`

	Forecast *forecastJSON `json:"forecast"`
}

// tierJSON is what there is of the tiers of one length.
type tierJSON struct {
	Seconds     float64   `json:"seconds"`
	Tiers       int64     `json:"tiers"`
	Points      int64     `json:"points"` // that they are the sums of
	Keys        int64     `json:"keys"`
	KeyBytes    int64     `json:"key_bytes"`
	SampleBytes int64     `json:"sample_bytes"` // exact to the tick, with the keys
	ViewBytes   int64     `json:"view_bytes"`
	Oldest      time.Time `json:"oldest,omitzero"`
	Newest      time.Time `json:"newest,omitzero"`
}

func tiersToJSON(tiers []sqlite.TierStats) []tierJSON {
	out := []tierJSON{}
	for _, t := range tiers {
		out = append(out, tierJSON{t.Level.Seconds(), t.Tiers, t.Points, t.Keys, t.KeyBytes, t.SampleBytes, t.ViewBytes, t.Oldest, t.Newest})
	}
	return out
}

// addTiers adds a line for each length of tiers.
func addTiers(l *list, tiers []sqlite.TierStats) {
	for _, t := range tiers {
		if t.Tiers == 0 {
			continue
		}
		line := fmt.Sprintf("%s since %s: views %s, keys %s", counted(uint64(t.Tiers), "tier"), t.Oldest.Local().Format("2006-01-02 15:04"),
			term.Bytes(uint64(t.ViewBytes)), term.Bytes(uint64(t.KeyBytes)))
		if t.SampleBytes > 0 && t.Points > 0 {
			line += fmt.Sprintf(", samples %s; %.2f B a point", term.Bytes(uint64(t.SampleBytes)), float64(t.KeyBytes+t.SampleBytes)/float64(t.Points))
		}
		l.add(map[time.Duration]string{10 * time.Minute: "10m", time.Hour: "1h", 24 * time.Hour: "1d"}[t.Level], "%s", line)
	}
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
					st.Batches, st.Points, st.PerPoint, st.PerDay, st.Oldest, st.Newest, st.PointsFrom, st.Blocks, tiersToJSON(st.Tiers),
					st.Seen.Days, st.Seen.Bytes, st.Seen.Oldest, forecast})
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
			addTiers(&l, st.Tiers)
			if st.Seen.Days > 0 {
				l.add("seen", "addresses of %s since %s: %s", counted(uint64(st.Seen.Days), "day"), st.Seen.Oldest.Format("2006-01-02"), term.Bytes(uint64(st.Seen.Bytes)))
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
