package livetest

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // what pmacctd writes

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// pmacctd counts by addresses, ports and protocol, and finds coordinates in a MaxMind
// database: the nearest that there is to what packetheat stores. Debian's package has
// GeoIP and SQLite compiled in. Its smallest span of time is a minute.
const (
	pmacctConfig = `daemonize: false
pcap_interface: ` + capturetest.SensorInterface + `
snaplen: 128
pmacctd_pipe_size: 268435456
plugins: sqlite3
aggregate: src_host, dst_host, src_port, dst_port, proto, src_host_coords
sql_db: pmacct.db
sql_table: acct
sql_optimize_clauses: true
sql_dont_try_update: true
sql_history: 1m
sql_history_roundoff: m
sql_refresh_time: 10
sql_cache_entries: 200003
plugin_pipe_size: 67108864
plugin_buffer_size: 65536
`
	pmacctTable = `CREATE TABLE acct (ip_src TEXT, ip_dst TEXT, src_port INT, dst_port INT, ip_proto TEXT,
lat_ip_src REAL, lon_ip_src REAL, packets INT, bytes INT, stamp_inserted TEXT, stamp_updated TEXT)`
	pmacctPatience = time.Minute // to write down what it has, after which it is killed
)

// pmacct returns where pmacctd and a database for it are, or what is missing.
func pmacct() (program, database, missing string) {
	program, err := exec.LookPath("pmacctd")
	if err != nil {
		return "", "", "pmacctd is not installed (apt-get install pmacct)"
	}
	cache, _ := os.UserCacheDir()
	places := []string{filepath.Join(cache, "packetheat-test", "GeoLite2-City.mmdb"), "/var/lib/GeoIP/GeoLite2-City.mmdb", "/usr/share/GeoIP/GeoLite2-City.mmdb"}
	i := slices.IndexFunc(places, func(path string) bool { _, err := os.Stat(path); return err == nil })
	if i < 0 {
		return "", "", "there is no GeoLite2-City.mmdb for pmacctd (geo/testdata/fetch.sh fetches one)"
	}
	return program, places[i], ""
}

// runPmacct is a contender. What it has not written down, of what came, it has lost.
func runPmacct(t *testing.T, link *capturetest.Link) (int, func() uint64) {
	program, database, _ := pmacct()
	dir := workdir(t)
	db, err := sql.Open("sqlite3", filepath.Join(dir, "pmacct.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(pmacctTable); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pmacct.conf")
	if err := os.WriteFile(config, []byte(pmacctConfig+"geoipv2_file: "+database+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-f", config)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it is several processes
	said := run(t, link, cmd, "cache entries=")
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return cmd.Process.Pid, func() uint64 {
		_ = cmd.Process.Signal(os.Interrupt)
		timer := time.AfterFunc(pmacctPatience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait() // it says 1 also where all is well
		timer.Stop()
		defer db.Close()
		var packets sql.NullInt64
		if err := db.QueryRow("SELECT sum(packets) FROM acct").Scan(&packets); err != nil {
			t.Fatalf("%v; pmacctd said:\n%s", err, said())
		}
		if packets.Int64 == 0 {
			t.Fatalf("pmacctd wrote nothing down; it said:\n%.2000s", said())
		}
		received, _ := link.Sensor.Received(t)
		return received - min(received, uint64(packets.Int64))
	}
}
