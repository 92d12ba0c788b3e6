package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/config"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]rate{
		"500Mbit": {bits: 5e8}, "10Gbit": {bits: 1e10}, "1.5 Gbps": {bits: 1.5e9}, "100kbit/s": {bits: 1e5}, "9600bit": {bits: 9600},
		"200kpps": {packets: 2e5}, "1Mpps": {packets: 1e6}, "50pps": {packets: 50},
		"": {}, "fast": {}, "500": {}, "500MB": {}, "-1Mbit": {}, "0Mbit": {}, "1e9bit": {}, "1.2.3Mbit": {}, "9999999Tbit": {},
	} {
		got, err := parseRate(text)
		if got != want || (err != nil) != (want == rate{}) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}

func TestPlanFor(t *testing.T) {
	a := assumptions{PacketBytes: 500, PacketsAPoint: 100, BytesAPoint: 10, RingBytes: 200, CPUSeconds: 0.25, BusyCore: 0.5,
		StallSeconds: 2, Tick: 10, PagesACommit: 10, FileBytes: 1 << 20, RefreshSeconds: 10, Files: 2}
	p := planFor(rate{bits: 4e9}, a)
	for name, c := range map[string][2]float64{
		"packets": {p.Packets, 1e6}, "shards": {float64(p.Shards), 1}, "ring": {p.Ring, 400e6}, "points": {p.Points, 1e5},
		"day": {p.Day, 1e5 * 10 * 8640}, "year": {p.Year, 365 * 1e6 * 8640},
		"writes": {p.Writes, 2 * (1e6 + 40960) * 8640}, "files": {p.Files, 2 * (1 << 20) * 8640},
	} {
		if math.Abs(c[0]-c[1]) > 1e-6*c[1] {
			t.Errorf("%s: %g, want %g", name, c[0], c[1])
		}
	}
	same := planFor(rate{packets: 1e6}, a)
	if same.Bits != 4e9 || same.Ring != p.Ring {
		t.Errorf("the same load in packets gives %+v", same)
	}
	if few := planFor(rate{packets: 1}, a); few.Shards != 1 || few.Files >= p.Files/100 {
		t.Errorf("next to nothing gives %+v", few)
	}
	if many := planFor(rate{packets: 10e6}, a); many.Shards != 5 {
		t.Errorf("ten million packets give %d shards", many.Shards)
	}
}

func TestPlan(t *testing.T) {
	out := packetheat(t, sharedStore(t), "doctor", "--plan", "500Mbit").out
	for _, want := range []string{"sensor.ring.total  ", "a year", "a day by the store", "assumed; a store", "89.3 k packets/s"} {
		if !strings.Contains(out, want) {
			t.Errorf("plan does not say %q:\n%s", want, out)
		}
	}
	var p planned
	if err := json.Unmarshal([]byte(packetheat(t, "", "doctor", "--plan", "1Mpps", "--json").out), &p); err != nil || p.Packets != 1e6 || p.Year <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if a := assume(&config.Config{Sensor: config.Sensor{Snaplen: 128}}); a.RingBytes != 224 {
		t.Errorf("a packet is said to take %g bytes", a.RingBytes)
	}
	if r := (call{args: []string{"doctor", "--plan", "much"}}).run(t); r.status != exitUsage || strings.Count(r.err, "\n") != 1 {
		t.Errorf("status %d\n%s", r.status, r.err)
	}
}
