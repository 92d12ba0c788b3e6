package export

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// TestSumsOfEveryFormat writes the same points in every format and adds up.
func TestSumsOfEveryFormat(t *testing.T) {
	r := &fakeReader{points: somePoints(1500, 150), two: 17}
	filter, err := store.ParseFilter("proto:tcp,icmp")
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]store.Filter{
		"all":    {},
		"filter": filter,
		"window": {Window: store.Window{From: noon.Add(20 * time.Second), To: noon.Add(60 * time.Second)}},
		"empty":  {Window: store.Window{From: noon.Add(-time.Hour), To: noon}},
	} {
		want := r.sum(f)
		for i, format := range Formats() {
			t.Run(name+"/"+format, func(t *testing.T) {
				var b bytes.Buffer
				rep, err := Write(t.Context(), &b, r, Format(i), Options{Filter: f})
				if err != nil {
					t.Fatal(err)
				}
				if rep.Sum != want {
					t.Errorf("report says %+v, points add up to %+v", rep.Sum, want)
				}
				if got := fileSum(t, Format(i), b.Bytes()); got != want {
					t.Errorf("file adds up to %+v, points to %+v", got, want)
				}
			})
		}
	}
}

// fileSum adds up what a file of the format says, read by other people's readers.
func fileSum(t *testing.T, f Format, b []byte) (s store.Sum) {
	t.Helper()
	type amounts struct{ Packets, Bytes, Opens uint64 }
	switch f {
	case CSV:
		for _, rec := range parseCSV(t, b) {
			s.Add(store.Sum{Packets: rec["packets"], Bytes: rec["bytes"], Opens: rec["opens"]})
		}
	case NDJSON:
		for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
			var a amounts
			if err := d.Decode(&a); err != nil {
				t.Fatal(err)
			}
			s.Add(store.Sum(a))
		}
	case GeoJSON:
		var c struct {
			Features []struct{ Properties amounts }
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Features {
			s.Add(store.Sum(f.Properties))
		}
	case SQLite:
		db := openSQLite(t, b)
		row := db.QueryRow("SELECT coalesce(sum(packets),0), coalesce(sum(bytes),0), coalesce(sum(opens),0) FROM points")
		if err := row.Scan(&s.Packets, &s.Bytes, &s.Opens); err != nil {
			t.Fatal(err)
		}
	case HTML:
		for _, row := range decodePage(t, b).rows {
			s.Add(row)
		}
	}
	return s
}

func openSQLite(t *testing.T, b []byte) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestSQLiteTable(t *testing.T) {
	points := somePoints(37, 10) // not a multiple of batchRows
	points[3].ASOrg, points[3].Place.City = "=1+1", `O'Higgins "x"`
	db := openSQLite(t, []byte(run(t, &fakeReader{points: points}, SQLite, Options{Version: "v1"})))
	rows, err := db.Query("SELECT name FROM pragma_table_info('points')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		names = append(names, n)
	}
	if diff := gocmp.Diff(strings.Split(header, ","), names); diff != "" {
		t.Errorf("columns differ from the CSV's (-want +got):\n%s", diff)
	}
	for query, want := range map[string]string{
		"SELECT count(*) FROM points": "37",
		"SELECT group_concat(DISTINCT typeof(packets)||typeof(interval)) FROM points":                          "integerinteger",
		"SELECT group_concat(DISTINCT typeof(latitude)) FROM points WHERE city='Berlin'":                       "real",
		"SELECT count(*) FROM points WHERE latitude IS NULL AND longitude IS NULL":                             "14",
		"SELECT count(*) FROM points WHERE city = ''":                                                          "0",
		"SELECT as_org||city FROM points WHERE city LIKE 'O%'":                                                 `=1+1O'Higgins "x"`,
		"SELECT name FROM sqlite_master WHERE type='index' AND tbl_name='points'":                              "points_time",
		"SELECT strftime('%H:%M:%S', min(time)) FROM points":                                                   "12:00:00",
		"SELECT value FROM about WHERE name='version'":                                                         "v1",
		"SELECT value FROM about WHERE name='attribution'":                                                     "by Test https://example.com",
		"PRAGMA integrity_check":                                                                               "ok",
		"SELECT value LIKE 'packetheat export sqlite --from 2026-11-21T12%' FROM about WHERE name='made with'": "1",
	} {
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
}

func TestGeoJSON(t *testing.T) {
	points := somePoints(10, 10)
	for i, name := range evil {
		points[i%10].ASOrg += name
	}
	var c struct {
		Type       string
		Packetheat geoHead
		Features   []struct {
			Type     string
			Geometry *struct {
				Type        string
				Coordinates []float64
			}
			Properties map[string]any
		}
	}
	text := run(t, &fakeReader{points: points}, GeoJSON, Options{Sensor: `a"b`})
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.Type != "FeatureCollection" || c.Packetheat.Sensor != `a"b` || len(c.Features) != len(points) {
		t.Fatalf("a %s of %q with %d features", c.Type, c.Packetheat.Sensor, len(c.Features))
	}
	for i, f := range c.Features {
		p := points[i]
		switch {
		case f.Geometry == nil != !p.Place.HasCoordinates():
			t.Errorf("feature %d has geometry %v", i, f.Geometry)
		case f.Geometry != nil && (f.Geometry.Coordinates[0] != p.Place.Longitude || f.Geometry.Coordinates[1] != p.Place.Latitude):
			t.Errorf("feature %d is at %v, not %v", i, f.Geometry.Coordinates, p.Place)
		case f.Properties["ip"] != store.PrefixString(p.Addr) || (f.Properties["port"] == nil) != !p.HasPort:
			t.Errorf("feature %d has %v", i, f.Properties)
		case p.ASOrg != "" && f.Properties["as_org"] != toValid([]byte(p.ASOrg)):
			t.Errorf("feature %d has organisation %q, not %q", i, f.Properties["as_org"], p.ASOrg)
		}
	}
}

func TestNDJSONHasTheColumns(t *testing.T) {
	line := run(t, &fakeReader{points: somePoints(1, 1)}, NDJSON, Options{})
	d := json.NewDecoder(strings.NewReader(line))
	var names []string
	for depth := 0; d.More() || depth == 0; {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if depth == 0 {
			depth = 1
			continue
		}
		names = append(names, tok.(string))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(Columns(), names); diff != "" {
		t.Errorf("keys differ from the columns (-want +got):\n%s", diff)
	}
}

func TestWriteFile(t *testing.T) {
	for i, name := range Formats() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out."+name)
			r := &fakeReader{points: somePoints(100, 10)}
			rep, err := WriteFile(t.Context(), path, r, Format(i), Options{})
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode() != fileMode || info.Size() != rep.Bytes || rep.Bytes == 0 {
				t.Errorf("file is %v, report says %d bytes: %v", info, rep.Bytes, err)
			}
			old, _ := os.ReadFile(path)

			// A failing run leaves the old file and nothing else.
			broken := &fakeReader{points: somePoints(50, 10), onRead: func(int) {}}
			ctx, cancel := context.WithCancel(t.Context())
			broken.onRead = func(int) { cancel() }
			if _, err := WriteFile(ctx, path, broken, Format(i), Options{}); !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
			if now, _ := os.ReadFile(path); !bytes.Equal(old, now) {
				t.Error("the old file was touched by a failed run")
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left in the folder: %v", left)
			}
		})
	}
}

func TestWriteFileSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                                "is a folder",
		filepath.Join(dir, "no", "x.csv"):  "is there such a folder",
		filepath.Join(os.DevNull, "x.csv"): "not a directory",
	} {
		_, err := WriteFile(t.Context(), path, &fakeReader{}, CSV, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := WriteFile(t.Context(), os.DevNull, &fakeReader{}, CSV, Options{}); err != nil {
		t.Errorf("a device cannot be written to: %v", err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatal("the null device was replaced by a file")
	}
}

func TestFormats(t *testing.T) {
	for i, name := range Formats() {
		if f, err := ParseFormat(name); err != nil || f != Format(i) || f.MediaType() == Format(99).MediaType() {
			t.Errorf("%s is parsed as %v, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("xlsx"); err == nil || !strings.Contains(err.Error(), "csv") {
		t.Errorf("unknown format: %v", err)
	}
	if _, err := Write(t.Context(), nil, &fakeReader{}, Format(9), Options{}); err == nil {
		t.Error("format 9 can be written")
	}
	if _, err := Write(t.Context(), nil, &fakeReader{}, HTML, Options{Detail: "all"}); err == nil {
		t.Error(`detail "all" is possible`)
	}
}

func TestCommand(t *testing.T) {
	f, err := store.ParseFilter(`city:"Coeur d'Alene" -port:53`)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Filter: f, Detail: DetailPlaces}
	got := o.command(HTML, store.Window{From: noon, To: noon.Add(time.Hour)})
	want := `packetheat export html --from 2026-11-21T12:00:00Z --to 2026-11-21T13:00:00Z --filter 'city:"Coeur d'\''Alene" -port:53' --detail places -o FILE.html`
	if got != want {
		t.Errorf("command is\n%s\nnot\n%s", got, want)
	}
	o.Source = "--fleet"
	if got, want := o.command(HTML, store.Window{From: noon, To: noon.Add(time.Hour)}), strings.Replace(want, " --from", " --fleet --from", 1); got != want {
		t.Errorf("command is\n%s\nnot\n%s", got, want)
	}
}
