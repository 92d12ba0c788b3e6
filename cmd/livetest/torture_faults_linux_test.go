package livetest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

const (
	faultsEnv = "PACKETHEAT_FAULT_MINUTES" // how long; 20 under PACKETHEAT_TORTURE=1, else one fault of each kind
	faultSeed = "PACKETHEAT_FAULT_SEED"    // of the order of the faults; else a new one each time
)

// fault is something that happens to a sensor, and is over when it returns.
type fault struct {
	name string
	do   func(*storm, *rand.Rand)
}

func faults() []fault {
	return []fault{
		{"interface down and up", (*storm).flap},
		{"interface deleted and made anew", (*storm).replug},
		{"disk full", (*storm).fill},
		{"GeoIP database swapped for garbage", (*storm).spoil},
		{"configuration swapped for garbage", (*storm).misconfigure},
		{"kill -9", (*storm).kill},
		{"stopped for a while", (*storm).freeze},
		{"reloaded", (*storm).reload},
		{"stopped and started", (*storm).restart},
		{"killed while the disk is full", (*storm).killFull},
		{"clock set ahead", (*storm).ahead},
		{"clock set back", (*storm).back},
		{"clock leaps by days, and returns", (*storm).leap},
	}
}

// between is a random time.
func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)))
}

// flap takes the sensor's end of the wire down for a while.
func (st *storm) flap(rng *rand.Rand) {
	st.cut(func() { st.link.Sensor.SetUp(st.t, false) })
	time.Sleep(between(rng, 50*time.Millisecond, 4*time.Second))
	st.cut(func() { st.link.Sensor.SetUp(st.t, true) })
}

// replug deletes the interface, as a PPPoE link does every day, and makes one of the same
// name. Frames are not sent meanwhile: there is nothing that would take them.
func (st *storm) replug(rng *rand.Rand) {
	st.cut(func() {
		st.link.Sensor.Delete(st.t)
		time.Sleep(between(rng, 10*time.Millisecond, 2*time.Second))
		st.link.Connect(st.t)
		st.epoch++
	})
}

// fill takes all that is left on the store's disk for a while.
func (st *storm) fill(rng *rand.Rand) {
	empty := fillDisk(st.t, st.data)
	time.Sleep(between(rng, 2*time.Second, 8*time.Second))
	empty()
}

// spoil puts garbage in the place of the GeoIP database, by rename or into the very file
// that is in use, and the good one back again.
func (st *storm) spoil(rng *rand.Rand) {
	garbage := make([]byte, 1+rng.IntN(5000))
	for i := range garbage {
		garbage[i] = byte(rng.Uint32())
	}
	name := st.city()
	if rng.IntN(2) == 0 {
		name += ".new"
	}
	if err := os.WriteFile(name, garbage, 0o644); err != nil {
		st.t.Fatal(err)
	}
	if name != st.city() {
		if err := os.Rename(name, st.city()); err != nil {
			st.t.Fatal(err)
		}
	}
	st.reload(rng)
	writeCity(st.t, st.city())
	st.reload(rng)
}

// misconfigure puts something into the configuration file that is none, or not whole, and
// has it read: the sensor refuses it and goes on as it was. Then it takes a good one.
func (st *storm) misconfigure(rng *rand.Rand) {
	garbage := []string{"\x00\xff\x01 not text at all", "log: {level: de", "sensor: {tikc: 5s}\n", "sensor: {include: [not a filter]}\n"}
	st.reread(garbage[rng.IntN(len(garbage))], "refused")
	st.reread(fmt.Sprintf(stormConfig, 1+rng.IntN(1000)), "taken")
}

// stormConfig is a configuration that is another each time, and changes nothing here.
const stormConfig = "alerts: {filter: 'port:%d'}\n"

// reread replaces the configuration file and wants a reload to have a result.
func (st *storm) reread(text, result string) {
	st.t.Helper()
	before := st.s.reloads(result)
	replace(st.t, filepath.Join(st.dir, "config.yaml"), text)
	st.s.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); st.s.reloads(result) == before; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			st.t.Fatalf("%q was not %s:\n%s", text, result, st.s.said())
		}
	}
}

// reloads is how often a reload of the configuration had a result: taken or refused.
func (s *sensor) reloads(result string) string {
	s.t.Helper()
	name := fmt.Sprintf("packetheat_config_reloads_total{result=%q} ", result)
	_, rest, ok := strings.Cut(string(s.get("/metrics")), "\n"+name)
	if !ok {
		s.t.Fatalf("there is no metric %s", name)
	}
	n, _, _ := strings.Cut(rest, "\n")
	return n
}

// kill ends the sensor without a warning and starts it again.
func (st *storm) kill(rng *rand.Rand) {
	at := st.now()
	_ = st.s.cmd.Process.Kill()
	<-st.s.exited
	time.Sleep(between(rng, 0, 2*time.Second))
	st.start(at)
}

func (st *storm) killFull(rng *rand.Rand) {
	empty := fillDisk(st.t, st.data)
	time.Sleep(between(rng, time.Second, 4*time.Second))
	at := st.now()
	_ = st.s.cmd.Process.Kill()
	<-st.s.exited
	empty()
	st.start(at)
}

// freeze stops the process for a while, as a machine that swaps does.
func (st *storm) freeze(rng *rand.Rand) {
	st.s.signal(syscall.SIGSTOP)
	time.Sleep(between(rng, 100*time.Millisecond, 4*time.Second))
	st.s.signal(syscall.SIGCONT)
}

func (st *storm) reload(rng *rand.Rand) {
	st.s.signal(syscall.SIGHUP)
	time.Sleep(between(rng, 0, time.Second))
}

// restart stops the sensor in good order, and starts it again.
func (st *storm) restart(rng *rand.Rand) {
	at := st.now()
	st.s.stop()
	time.Sleep(between(rng, 0, time.Second))
	st.start(at)
}

// TestFaults lets everything happen to a sensor under traffic that happens in years, at
// random, and then holds every second against what was sent: nothing is missing but what
// recorded gaps explain, nothing is counted twice, the books balance and the store is
// whole. In CI each fault happens once; for twenty minutes with PACKETHEAT_TORTURE=1.
func TestFaults(t *testing.T) {
	seed := tortured(1, uint64(time.Now().UnixNano()))
	if text := os.Getenv(faultSeed); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s=%q: %v", faultSeed, text, err)
		}
	}
	t.Logf("%s=%d", faultSeed, seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	st := newStorm(t, capturetest.Veth(t), 2000)
	happened := map[string]int{}
	begun, length := time.Now(), faultTime(t)
	for round := 0; round == 0 || time.Since(begun) < length; round++ {
		all := faults()
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, f := range all {
			time.Sleep(between(rng, 100*time.Millisecond, tortured(3*time.Second, 8*time.Second)))
			t.Logf("%s %s", time.Now().Format(time.StampMilli), f.name)
			f.do(st, rng)
			happened[f.name]++
		}
	}
	st.peace()
	data := st.end()
	if t.Failed() {
		return
	}
	r := st.reckon(data)
	if r.exact < tortured(3, r.slots/4) || r.gaps+r.cut == 0 {
		t.Errorf("%d of %d slots are exact, %d in gaps, %d cut: too little was proved", r.exact, r.slots, r.gaps, r.cut)
	}
	whole(t, data)
	booksAt(t, data, false, st.now())
	if out, errs, code := tell(t, st.dir, "db", "check", "--data", data); code != 0 {
		t.Errorf("db check: status %d\n%s%s", code, out, errs)
	}
	t.Logf("in %s: %v", time.Since(begun).Round(time.Second), happened)
}

// faultTime is how long faults happen.
func faultTime(t *testing.T) time.Duration {
	minutes := tortured(0.0, 20)
	if text := os.Getenv(faultsEnv); text != "" {
		var err error
		if minutes, err = strconv.ParseFloat(text, 64); err != nil || minutes <= 0 {
			t.Fatalf("%s=%q: a number of minutes is needed", faultsEnv, text)
		}
	}
	return time.Duration(minutes * float64(time.Minute))
}

// writeCity makes a GeoIP database of a few networks, in the place of what is there.
func writeCity(t *testing.T, name string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", RecordSize: 24, Languages: []string{"en"}, BuildEpoch: time.Now().Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		_, network, err := net.ParseCIDR(fmt.Sprintf("%d.0.0.0/8", i%200+11))
		if err != nil {
			t.Fatal(err)
		}
		if network.IP.IsLoopback() {
			continue
		}
		place := mmdbtype.Map{
			"country":  mmdbtype.Map{"iso_code": mmdbtype.String("FR")},
			"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(fmt.Sprintf("City %d", i))}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(40 + i%10), "longitude": mmdbtype.Float64(i % 20)},
		}
		if err := tree.Insert(network, place); err != nil {
			continue // reserved networks have no room in the tree
		}
	}
	f, err := os.Create(filepath.Join(filepath.Dir(name), "new.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		t.Fatal(err)
	}
}
