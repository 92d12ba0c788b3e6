package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFleet(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PACKETHEAT_FLEET_CLICKHOUSE_DSN", "https://a.example.net:8443,b.example.net:8443?compress=zstd")
	t.Setenv("PACKETHEAT_FLEET_CLICKHOUSE_PASSWORD_FILE", secret)
	t.Setenv("PACKETHEAT_FLEET_CLICKHOUSE_RETENTION_POINTS", "7d")
	c := load(t, nothing())
	s := c.Fleet.ClickHouse
	if s.Password != "hunter2" || s.Retention.Points != 7*24*time.Hour || s.Retention.Views1d != Forever || c.Fleet.Every != 10*time.Second {
		t.Errorf("%+v", c.Fleet)
	}
	var dump strings.Builder
	if err := c.Dump(&dump, false); err != nil || strings.Contains(dump.String(), "hunter2") || !strings.Contains(dump.String(), "b.example.net") {
		t.Errorf("%v: %s", err, dump.String())
	}
}

func TestCheckDSN(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                                    "",
		"clickhouse://db:9000":                "",
		"http://db:8123/map":                  "",
		"tcp://[::1]:9000?secure=true":        "",
		"db:9000":                             "no address of ClickHouse",
		"mysql://db":                          "no address of ClickHouse",
		"clickhouse://":                       "no address of ClickHouse",
		"clickhouse:///map":                   "no address of ClickHouse",
		"clickhouse://me:secret@db":           "fleet.clickhouse.user",
		"clickhouse://db?password=secret":     "no password in it",
		"mysql://me:secret@db":                "no address",
		"https://db:8443/?a=b&username=root#": "no username in it",
	} {
		err := checkDSN(dsn)
		if dsn == "" {
			continue // text does not ask
		}
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: %v, want %q", dsn, err, want)
		}
	}
}
