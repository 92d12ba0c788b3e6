package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// plan is how a question is answered.
type plan struct {
	store    *Store
	filter   *filter
	kept     kept
	from, to int64  // widened to what is kept
	kind     string // of rollup; "": none knows enough

	onlySensors bool // the filter asks about nothing else
}

// plan translates a filter for a question about properties of traffic.
func (s *Store) plan(ctx context.Context, f *store.Filter, asks props) (*plan, error) {
	if err := f.Window.Check(); err != nil {
		return nil, err
	}
	k, err := s.keeps(ctx)
	if err != nil {
		return nil, err
	}
	p := &plan{store: s, kept: *k}
	p.from, p.to = k.widen(tickRange(f.Window))
	p.filter = newFilter(f.Terms, func(terms []store.Term) (from, where string) {
		return s.table("points"), newFilter(terms, nil).where(between("time", max(p.from, k.begin[withPoints]), p.to))
	})
	p.onlySensors = !slices.ContainsFunc(f.Terms, func(t store.Term) bool { return t.Key != store.KeySensor })
	if s.caps.Tokens && len(p.filter.rest) == 0 {
		p.kind = rollupOf(asks | p.filter.props)
	}
	return p, nil
}

// parts cuts the window: see kept.cover.
func (p *plan) parts(step int64, fine bool) []part {
	return p.kept.cover(p.from, p.to, step, p.kind != "", fine)
}

// sums is the query for the sums of packets, bytes and opens by expressions, which may
// depend on the table that a part is read from. Where there are several parts, each is
// summed by itself first, on the shards that have it. It is "" where there are no parts.
func (p *plan) sums(parts []part, by func(*relation) []string) string {
	var all []string
	n := 0
	for i := range parts {
		from := p.store.relationOf(&parts[i], p.kind)
		keys := by(&from)
		n = len(keys)
		all = append(all, "SELECT "+numbered(keys)+", sum(packets) AS p, sum(bytes) AS b, sum(opens) AS o FROM "+from.sql+
			" WHERE "+p.filter.where(between(from.time, parts[i].from, parts[i].to))+" GROUP BY "+numbers(n))
	}
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	}
	return "SELECT " + numbers(n) + ", sum(p), sum(b), sum(o) FROM (" + strings.Join(all, " UNION ALL ") + ") GROUP BY " + numbers(n)
}

// numbered gives expressions the names k0, k1 …, which no column has.
func numbered(keys []string) string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = fmt.Sprintf("%s AS k%d", k, i)
	}
	return strings.Join(list, ", ")
}

func numbers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("k%d", i)
	}
	return strings.Join(list, ", ")
}

// classSQL is the protocol layer: see store.ClassOf.
const classSQL = "multiIf(proto = 6, toUInt8(0), proto = 17, toUInt8(1), proto IN (1, 58), toUInt8(2), toUInt8(3))"

// placeSQL are the columns of a place, in the order in which placeRow has them.
var placeSQL = [...]string{"latitude", "longitude", "country", "region", "city", "precision", "accuracy_km"}

// placeRow is a place as the server tells it.
type placeRow struct {
	latitude, longitude   float64
	country, region, city string
	precision             uint8
	accuracy              uint16
}

// into returns where a row is scanned to.
func (r *placeRow) into() []any {
	return []any{&r.latitude, &r.longitude, &r.country, &r.region, &r.city, &r.precision, &r.accuracy}
}

func (r *placeRow) place() store.Place {
	return store.Place{Latitude: r.latitude, Longitude: r.longitude, Country: r.country, Region: r.region, City: r.city,
		Precision: store.Precision(r.precision), AccuracyKM: r.accuracy}
}

// checkStep refuses steps that no tick fits into; least is the least step allowed.
func (s *Store) checkStep(ctx context.Context, step, least time.Duration) error {
	tick, err := s.tick(ctx)
	if err != nil {
		return err
	}
	if step < 0 || least > 0 && step < tick || step%tick != 0 {
		return fmt.Errorf("step %s is not possible: use a multiple of the tick, %s", step, tick)
	}
	return nil
}
