package sqlite

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestTopWords is about what rows say beside sums: label, place, AS.
func TestTopWords(t *testing.T) {
	s := openNew(t, Options{})
	berlin, texas, paris, finland, brazil := randomPlaces[1], randomPlaces[3], randomPlaces[2], randomPlaces[7], randomPlaces[8]
	second := 0
	add := func(addr string, place store.Place, asn uint32, org string, port uint16, packets uint64) {
		b := mini("gw1", second, 0, 1)
		second += 10
		p := &b.Points[0]
		*p = store.Point{Time: b.Tick, Interval: s.Tick(), Sensor: "gw1", Addr: netip.MustParsePrefix(addr), Proto: 6,
			Peer: netip.MustParsePrefix("10.0.0.1/32"), Port: port, HasPort: port != 0, Place: place, ASN: asn, ASOrg: org, Packets: packets}
		appendAll(t, s, b)
	}
	add("192.0.2.1/32", berlin, 1, "Old name", 443, 5)
	add("192.0.2.1/32", berlin, 1, "New name", 443, 5)
	add("192.0.2.2/32", texas, 2, "Two", 443, 4)
	add("192.0.2.3/32", paris, 2, "Two", 80, 3)
	add("192.0.2.0/24", finland, 0, "", 0, 2)
	add("192.0.2.9/32", brazil, 3, "", 0, 1)
	add("192.0.2.10/32", store.Place{}, 0, "", 0, 100)
	country := func(c string) store.Place { return store.Place{Country: c} }
	tests := []struct {
		by   store.Dimension
		want []store.Row
	}{
		{store.ByPlace, []store.Row{
			{Label: "unknown", Addresses: 1},
			{Key: "52.5244,13.4105", Label: "Berlin, DE", Place: berlin, Addresses: 1},
			{Key: "33.6609,-95.5555", Label: "Paris, US", Place: texas, Addresses: 1},
			{Key: "48.8534,2.3488", Label: "Paris, FR", Place: paris, Addresses: 1},
			{Key: "60.1000,24.9000", Label: "Uusimaa, FI", Place: finland, Addresses: 1},
			{Label: "BR (country only)", Place: country("BR"), Addresses: 1},
		}},
		{store.ByCountry, []store.Row{
			{Label: "unknown", Addresses: 1}, {Key: "DE", Label: "DE", Place: country("DE"), Addresses: 1}, {Key: "US", Label: "US", Place: country("US"), Addresses: 1},
			{Key: "FR", Label: "FR", Place: country("FR"), Addresses: 1}, {Key: "FI", Label: "FI", Place: country("FI"), Addresses: 1}, {Key: "BR", Label: "BR", Place: country("BR"), Addresses: 1},
		}},
		{store.ByCity, []store.Row{
			{Label: "unknown", Addresses: 3}, {Key: "Berlin", Label: "Berlin, DE", Place: berlin, Addresses: 1},
			{Key: "Paris", Label: "Paris (several countries)", Place: paris, Addresses: 2},
		}},
		{store.ByASN, []store.Row{
			{Label: "unknown", Addresses: 2}, {Key: "1", Label: "New name", ASN: 1, ASOrg: "New name", Place: country("DE"), Addresses: 1},
			{Key: "2", Label: "Two", ASN: 2, ASOrg: "Two", Addresses: 2}, {Key: "3", Label: "3", ASN: 3, Place: country("BR"), Addresses: 1},
		}},
		{store.ByIP, []store.Row{
			{Key: "192.0.2.10", Label: "192.0.2.10", Addresses: 1}, {Key: "192.0.2.1", Label: "192.0.2.1", Place: berlin, ASN: 1, ASOrg: "New name", Addresses: 1},
			{Key: "192.0.2.2", Label: "192.0.2.2", Place: texas, ASN: 2, ASOrg: "Two", Addresses: 1}, {Key: "192.0.2.3", Label: "192.0.2.3", Place: paris, ASN: 2, ASOrg: "Two", Addresses: 1},
			{Key: "192.0.2.0/24", Label: "192.0.2.0/24", Place: finland, Addresses: 1}, {Key: "192.0.2.9", Label: "192.0.2.9", Place: brazil, ASN: 3, Addresses: 1},
		}},
		{store.ByPeer, []store.Row{{Key: "10.0.0.1", Label: "10.0.0.1", Addresses: 6}}},
		{store.ByPort, []store.Row{
			{Label: "unknown", Proto: 6, Addresses: 3}, {Key: "443", Label: "443/tcp", Proto: 6, Addresses: 2}, {Key: "80", Label: "80/tcp", Proto: 6, Place: country("FR"), Addresses: 1},
		}},
		{store.ByProto, []store.Row{{Key: "tcp", Label: "tcp", Addresses: 6}}},
		{store.ByDirection, []store.Row{{Key: "in", Label: "in", Addresses: 6}}},
		{store.BySensor, []store.Row{{Key: "gw1", Label: "gw1", Addresses: 6}}},
	}
	for _, test := range tests {
		top, err := s.Top(context.Background(), store.Filter{}, test.by, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range top.Rows { // sums and times are compared with brute force elsewhere
			row := &top.Rows[i]
			row.In, row.Out, row.First, row.Last = store.Sum{}, store.Sum{}, time.Time{}, time.Time{}
		}
		same(t, test.by.String(), test.want, top.Rows)
	}
}

// TestTopKeyFindsRow puts each row's key into a filter and gets the row's traffic.
func TestTopKeyFindsRow(t *testing.T) {
	s := openNew(t, Options{})
	r := newRandom(40)
	for i := range 6 {
		appendAll(t, s, r.batch(pick(r, randomSensors...), benchStart.Add(time.Duration(i)*s.Tick()), s.Tick(), 0, 60))
	}
	ctx := context.Background()
	for by := store.ByPlace; by <= store.BySensor; by++ {
		top, err := s.Top(ctx, store.Filter{}, by, 8)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range top.Rows {
			if row.Key == "" {
				continue
			}
			text := by.String() + `:` + quoteForTest(row.Key)
			if by == store.ByPort {
				text += " proto:" + store.ProtoName(row.Proto)
			}
			f, err := store.ParseFilter(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			found, err := s.Top(ctx, f, store.BySensor, 0)
			if err != nil {
				t.Fatal(err)
			}
			// A network also contains the addresses in it.
			if want := row.Total(); found.Total != want && !(by == store.ByIP || by == store.ByPeer) {
				t.Errorf("%s finds %v, the row has %v", text, found.Total, want)
			} else if found.Total.Packets < want.Packets {
				t.Errorf("%s finds %v, the row has %v", text, found.Total, want)
			}
		}
	}
}

// quoteForTest quotes a value for the filter language.
func quoteForTest(v string) string {
	quoted := `"`
	for _, c := range v {
		if c == '"' || c == '\\' {
			quoted += `\`
		}
		quoted += string(c)
	}
	return quoted + `"`
}

// TestAddressesTooMany: counts are exact or not there at all.
func TestAddressesTooMany(t *testing.T) {
	const limit = 1000
	c := newAddressCounter(limit)
	a := netip.MustParseAddr("::")
	for range limit + 1 {
		a = a.Next()
		c.add(0, netip.PrefixFrom(a, 128))
	}
	full := newAddressCounter(limit)
	full.add(0, netip.PrefixFrom(a, 128))
	full.merge(&c, nil)
	rows := []*tally{{}}
	full.count(rows)
	if !c.full || !full.full || rows[0].addrs != 0 {
		t.Errorf("full %v, merged %v, counted %d", c.full, full.full, rows[0].addrs)
	}
}

func TestStats(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	st, err := s.Stats(ctx)
	if err != nil || st.Batches != 0 || st.PerDay != 0 || !st.Oldest.IsZero() {
		t.Errorf("empty store: %+v, %v", st, err)
	}
	r := newRandom(50)
	for i := range 100 {
		appendAll(t, s, r.batch("gw1", benchStart.Add(time.Duration(i)*s.Tick()), s.Tick(), 0, 40))
	}
	appendAll(t, s, r.batch("old", time.Unix(0, 0).UTC(), s.Tick(), 0, 40))
	if st, err = s.Stats(ctx); err != nil {
		t.Fatal(err)
	}
	perDay := st.PerPoint * 40 * 8640
	if st.Path != s.path || int64(st.Format) != newestFormat(t) || st.Tick != s.Tick() || len(st.Sensors) != 2 || st.Sensors[1] != "old" ||
		st.Batches != 101 || st.Points != 4040 || !st.Oldest.Equal(time.Unix(0, 0)) || !st.Newest.Equal(benchStart.Add(1000*time.Second)) ||
		st.Bytes < 40000 || st.PerPoint != float64(st.Bytes)/4040 || st.PerDay < perDay*0.99 || st.PerDay > perDay*1.01 {
		t.Errorf("%+v, want %.0f a day", st, perDay)
	}
}
