package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

func (e *examination) geo() {
	db, err := openGeo(e.c, nil)
	if err != nil {
		e.add("places", failure, err.Error(), "correct or remove geo.city and geo.asn: without them files are discovered, or the built-in is used")
		return
	}
	defer db.Close()
	kinds := map[string]bool{}
	for _, s := range db.Sources() {
		found := s.Name
		if !s.Built.IsZero() {
			found += ", built " + s.Built.UTC().Format(time.DateOnly)
		}
		switch w := sourceWarning(s, e.c); {
		case w != "" && s.Path == "":
			if s.Kind == "city" { // the built-in ones are of an age: once is enough
				e.add("places", note, found+": "+w, "packetheat geo update")
			}
		case w != "":
			e.add("places", warning, found+": "+w, "")
		case len(s.Missing) > 0:
			e.add("places", note, found+": has no "+strings.Join(s.Missing, ", "), "")
		default:
			e.add("places", good, found, "")
		}
		kinds[s.Kind] = kinds[s.Kind] || s.InUse
	}
	if !kinds["city"] {
		e.add("places", failure, "no database of places", "name one in geo.city")
	}
	if !kinds["asn"] {
		e.add("places", note, "no database of networks: AS numbers and names stay empty", "packetheat geo update, or name one in geo.asn")
	}
}

func (e *examination) store() {
	dir := e.c.Store.Path
	e.folder("store", dir, "--data or store.path")
	if state, ok, err := instance.Find(dir); err == nil && ok {
		e.add("store", note, fmt.Sprintf("a sensor writes to it (process %d)", state.PID), "")
	}
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); err == nil {
		e.storeFile(dir)
	}
	e.disk(dir)
}

// disk holds free space against what the store takes a day.
func (e *examination) disk(dir string) {
	free, total, err := diskFree(existing(dir))
	if err != nil {
		e.add("disk", note, fmt.Sprintf("free space is not known: %v", err), "")
		return
	}
	found := fmt.Sprintf("%s free of %s", term.Bytes(uint64(free)), term.Bytes(uint64(total)))
	if least := e.c.Store.Free.Of(total); free < least {
		e.add("disk", warning, found, fmt.Sprintf("make room: store.retention.free asks for %s", term.Bytes(uint64(least))))
		return
	}
	if e.forecast != nil {
		found += "; " + e.forecast.Text[0]
		if e.forecast.Warning != "" {
			kept, mend, _ := strings.Cut(e.forecast.Warning, ": ")
			e.add("disk", warning, found+"; "+kept, mend)
			return
		}
	}
	e.add("disk", good, found, "")
}

// storeFile looks into a store that is there.
func (e *examination) storeFile(dir string) {
	s, err := sqlite.OpenReadOnly(dir, sqlite.Options{})
	if err != nil {
		e.add("store", failure, err.Error(), "")
		return
	}
	defer s.Close()
	if tick := s.Tick(); e.c.Moved("sensor.tick") && tick != e.c.Sensor.Tick {
		e.add("store", failure, fmt.Sprintf("its tick is %s, sensor.tick is %s", tick, e.c.Sensor.Tick), "a tick is fixed when the store is made: set sensor.tick to it, or use another --data")
	}
	retention := retentionOf(e.c)
	if f, err := s.Forecast(context.Background(), retention); err == nil && f.Rests > 0 {
		e.forecast = newForecast(&f, retention)
	}
	coverage, err := s.Coverage(context.Background(), store.Window{})
	switch {
	case err != nil:
		e.add("store", failure, err.Error(), "")
	case coverage.Damaged > 0:
		e.add("store", warning, fmt.Sprintf("%d damaged blocks, left out of answers", coverage.Damaged), "check the disk")
	case coverage.Last.After(time.Now().Add(time.Hour)):
		e.add("clock", warning, "the store has points of the future, "+moment(coverage.Last), "this machine's clock was, or is, wrong: check it")
	case coverage.Points == 0:
		e.add("store", good, "it has no points yet", "")
	default:
		e.add("store", good, fmt.Sprintf("%s points until %s", term.Count(coverage.Points), moment(coverage.Last)), "")
	}
}
