package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dashboardOf reads lines until the ready line and returns the address in it.
func dashboardOf(t *testing.T, s *sensorProcess) string {
	t.Helper()
	for {
		if found := regexp.MustCompile(`^ready .*dashboard=(\S+)`).FindStringSubmatch(s.next(t)); found != nil {
			return found[1]
		}
	}
}

// ask returns the answer of a running sensor.
func ask(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGeoFresh lets a sensor that begins with the built-in databases fetch newer ones
// from a mirror, and use them without being told.
func TestGeoFresh(t *testing.T) {
	mayCapture(t)
	t.Parallel()
	dir := t.TempDir()
	env := append([]string{"PACKETHEAT_GEO_UPDATE_URL=" + mirror(t).URL, "PACKETHEAT_GEO_UPDATE_ENABLED=true"}, noDatabases...)
	s := startRun(t, dir, env, "--listen", "127.0.0.1:0")
	url := dashboardOf(t, s)
	inUse := func() (names []string) {
		var status statusJSON
		if err := json.Unmarshal([]byte(ask(t, url+"/api/v1/status")), &status); err != nil {
			t.Fatal(err)
		}
		for _, g := range status.Geo {
			if g.InUse {
				names = append(names, g.Kind+" "+g.Name)
			}
		}
		return names
	}
	if got := strings.Join(inUse(), ", "); got != "city built-in, asn built-in" {
		t.Logf("at first: %s", got) // an update may have been as quick
	}
	month := time.Now().UTC().Format("2006-01")
	want := "city dbip-city-lite-" + month + ".mmdb, asn dbip-asn-lite-" + month + ".mmdb"
	for end := time.Now().Add(2 * time.Minute); strings.Join(inUse(), ", ") != want; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in use are %q, not %s", inUse(), want)
		}
	}
	if text := ask(t, url+"/metrics"); !strings.Contains(text, `packetheat_geo_lookups_total{result="miss"}`) || !strings.Contains(text, `name="dbip-city-lite-`) {
		t.Error("metrics do not tell")
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, status := s.end(t); status != exitDone {
		t.Errorf("status %d\n%s", status, said)
	}
}
