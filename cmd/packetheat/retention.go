package main

import (
	"context"
	"fmt"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/metrics"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store/sqlite"
)

// retentionOf is the section store.retention as the store takes it.
func retentionOf(c *config.Loaded) sqlite.Retention {
	s := &c.Store
	age := func(d time.Duration) time.Duration {
		if d == config.Forever {
			return 0
		}
		return d
	}
	r := sqlite.Retention{Points: age(s.Points), Views10m: age(s.Views10m), Views1h: age(s.Views1h), Views1d: age(s.Views1d), Size: s.Size}
	if r.Addresses = s.Addresses; s.Addresses == config.Forever {
		r.Addresses = -1
	}
	if _, total, err := diskFree(existing(s.Path)); err == nil { // not known on this system: the size must do
		r.Free = s.Free.Of(total)
	}
	return r
}

// retentionJSON is what status says about what is kept.
type retentionJSON struct {
	Points       time.Time     `json:"points_from,omitzero"` // absent: nothing has been deleted
	Views10m     time.Time     `json:"views_10m_from,omitzero"`
	Views1h      time.Time     `json:"views_1h_from,omitzero"`
	Views1d      time.Time     `json:"views_1d_from,omitzero"`
	Oldest       time.Time     `json:"oldest_points,omitzero"`
	PrunedPoints int64         `json:"pruned_points"` // since the start, as the bytes
	PrunedBytes  int64         `json:"pruned_bytes"`
	Unused       int64         `json:"unused_bytes"`
	Log          int64         `json:"log_bytes"`
	Open         int64         `json:"unsealed_intervals"`
	Message      string        `json:"message,omitempty"` // why less is kept than asked for
	Forecast     *forecastJSON `json:"forecast,omitempty"`
}

// forecastJSON is sqlite.Forecast in JSON, and in words.
type forecastJSON struct {
	Rests   float64  `json:"rests_on_seconds"`
	Points  float64  `json:"points_bytes_per_day"`
	Views   float64  `json:"views_bytes_per_day"`
	Need    float64  `json:"need_bytes"` // after horizon
	Horizon float64  `json:"horizon_seconds"`
	Room    int64    `json:"room_bytes,omitempty"`
	Limit   string   `json:"limit,omitempty"`
	Full    float64  `json:"full_after_seconds,omitempty"`
	Kept    float64  `json:"points_kept_seconds,omitempty"`
	Text    []string `json:"text"`
	Warning string   `json:"warning,omitempty"`
}

func newForecast(f *sqlite.Forecast, r sqlite.Retention) *forecastJSON {
	j := &forecastJSON{Rests: f.Rests.Seconds(), Points: f.Points, Views: f.Views10m + f.Views1h + f.Views1d, Need: f.Need,
		Horizon: f.Horizon.Seconds(), Room: f.Room, Limit: f.Limit, Full: f.Full.Seconds(), Kept: f.Kept.Seconds()}
	j.Text, j.Warning = forecastText(f, r)
	return j
}

// forecastText says in a few lines how long what is kept lasts, and, where room ends
// before age does, what to do.
func forecastText(f *sqlite.Forecast, r sqlite.Retention) (lines []string, warning string) {
	if f.Rests == 0 {
		return []string{"not known yet: twenty minutes of capturing tell"}, ""
	}
	size := func(x float64) string { return term.Bytes(uint64(x)) }
	views := f.Views10m + f.Views1h + f.Views1d
	if r.Points > 0 {
		lines = append(lines, fmt.Sprintf("points of %s take %s, %s a day", long(r.Points), size(f.Points*r.Points.Hours()/24), size(f.Points)))
	} else {
		lines = append(lines, fmt.Sprintf("points take %s a day and are kept for ever", size(f.Points)))
	}
	lines = append(lines, fmt.Sprintf("sums without addresses take %s a day at first; after %s there are %s of all together", size(views), long(f.Horizon), size(f.Need)))
	switch {
	case f.Room == 0:
	case f.Full == 0:
		lines = append(lines, fmt.Sprintf("%s has room for it: %s", f.Limit, size(float64(f.Room))))
	default:
		lines = append(lines, fmt.Sprintf("%s leaves %s, which are full after %s", f.Limit, size(float64(f.Room)), long(f.Full)))
		asked := "for ever"
		if r.Points > 0 {
			asked = long(r.Points)
		}
		warning = fmt.Sprintf("points will be kept %s, not %s: ", long(f.Kept), asked)
		if f.Limit == "store.retention.size" {
			warning += fmt.Sprintf("raise store.retention.size to %d GiB, or ask for less", int(f.Need*1.1/(1<<30))+1)
		} else {
			warning += "the disk is too small (store.path names another, store.retention.free what must stay free)"
		}
	}
	if f.Rests < 12*time.Hour {
		lines = append(lines, fmt.Sprintf("going by %s of capturing only", long(f.Rests)))
	}
	return lines, warning
}

// long prints long times roughly: 2 years, 30 days, 7 hours, 40 minutes.
func long(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{365 * day, "year"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := (d + unit.length/20) / unit.length; n >= 2 || n == 1 && d < unit.length+unit.length/2 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "less than a minute"
}

// forecastEvery is how often a sensor looks how long its store lasts.
const forecastEvery = 10 * time.Minute

// watchForecast tells how long the store lasts: at the start where there is traffic to
// go by, else after the first hour; and again where room runs short.
func (r *live) watchForecast(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	said, warned := false, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(forecastEvery)
		}
		retention := r.retention()
		f, err := r.store.Forecast(ctx, retention)
		if err != nil {
			continue // the next commit says what is wrong with the store
		}
		j := newForecast(&f, retention)
		r.mu.Lock()
		r.forecast = j
		r.mu.Unlock()
		if f.Rests < time.Hour {
			continue
		}
		if !said {
			for _, line := range j.Text {
				r.log.Info("store: " + line)
			}
			said = true
		}
		if (j.Warning == "") != (warned == "") && j.Warning != "" {
			r.log.Warn("store: " + j.Warning)
		}
		warned = j.Warning
	}
}

// retention is what the store keeps now; SIGHUP changes it.
func (r *live) retention() sqlite.Retention {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept
}

func (r *live) setRetention(c *config.Loaded) {
	kept := retentionOf(c)
	r.mu.Lock()
	r.kept = kept
	r.mu.Unlock()
	r.store.SetRetention(kept)
}

// keptTimeout bounds what status and metrics ask the store.
const keptTimeout = 2 * time.Second

// retentionStatus is what is kept now; nil if the store does not answer.
func (r *live) retentionStatus() *retentionJSON {
	ctx, cancel := context.WithTimeout(context.Background(), keptTimeout)
	defer cancel()
	k, err := r.store.Kept(ctx)
	if err != nil {
		return nil
	}
	j := &retentionJSON{Points: k.Points, Views10m: k.Views10m, Views1h: k.Views1h, Views1d: k.Views1d, PrunedPoints: k.PrunedPoints,
		PrunedBytes: k.PrunedBytes, Unused: k.Unused, Log: k.Log, Open: k.Open, Message: k.Message}
	if k.Oldest != 0 {
		j.Oldest = time.Unix(k.Oldest, 0).UTC()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	j.Forecast = r.forecast
	return j
}

// print adds the lines of status.
func (j *retentionJSON) print(l *list) {
	if !j.Oldest.IsZero() {
		l.add("points since", "%s", moment(j.Oldest))
	}
	if j.PrunedPoints > 0 {
		l.add("deleted", "%s points, %s, since the start", term.Count(uint64(j.PrunedPoints)), term.Bytes(uint64(j.PrunedBytes)))
	}
	if j.Message != "" {
		l.add("", "%s", j.Message)
	}
	if j.Forecast != nil {
		j.Forecast.print(l)
	}
}

func (j *forecastJSON) print(l *list) {
	name := "lasts"
	for _, line := range j.Text {
		l.add(name, "%s", line)
		name = ""
	}
	if j.Warning != "" {
		l.add("warning", "%s", j.Warning)
	}
}

// storeMetrics are the store's figures for Prometheus.
func (r *live) storeMetrics() (m metrics.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), keptTimeout)
	defer cancel()
	m = metrics.Store{Free: freeBytes(r.c.Store.Path), Recovered: r.store.Recovered() != ""}
	k, err := r.store.Kept(ctx)
	if err != nil {
		return m
	}
	u := r.store.Maintenance()
	return metrics.Store{Free: m.Free, Recovered: m.Recovered, Known: true, Sealed: u.Sealed[0] + u.Sealed[1] + u.Sealed[2], Resealed: u.Resealed, Failed: u.Failed, UpkeepSeconds: u.Time.Seconds(),
		Unused: k.Unused, Log: k.Log, Tiers: k.Tiers, Open: k.Open, Late: k.Late, Oldest: k.Oldest,
		PrunedPoints: k.PrunedPoints, PrunedBytes: k.PrunedBytes, PruneSeconds: k.Seconds}
}
