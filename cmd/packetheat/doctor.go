package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/instance"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// finding is one thing that doctor has looked at.
type finding struct {
	Check string `json:"check"`
	Level string `json:"level"` // good, note, warning or failure
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
}

// Levels of findings.
const (
	good    = "good"
	note    = "note"
	warning = "warning"
	failure = "failure"
)

// examination collects findings.
type examination struct {
	c        *config.Loaded
	findings []finding
}

func (e *examination) add(check, level, found, fix string) {
	e.findings = append(e.findings, finding{check, level, found, fix})
}

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps packetheat from working well, with a fix for each finding",
		Long: `Check configuration, kernel, rights, interfaces and their traffic, GeoIP databases, store,
disk, output folder, dashboard's port and clock. Nothing is changed. It ends with status 1
where something will not work.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			e := &examination{c: c}
			e.run(cmd.Context())
			if asJSON {
				err = p.printJSON(e.findings)
			} else {
				err = p.printFindings(e.findings)
			}
			if err != nil {
				return err
			}
			for _, f := range e.findings {
				if f.Level == failure {
					return errSilent
				}
			}
			return nil
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func (p *program) printFindings(findings []finding) error {
	marks := map[string]string{good: "ok  ", note: "note", warning: "WARN", failure: "FAIL"}
	for _, f := range findings {
		line := fmt.Sprintf("%s  %-13s %s", marks[f.Level], f.Check, f.Found)
		if f.Fix != "" {
			line += "\n                    → " + term.Clean(f.Fix)
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (e *examination) run(ctx context.Context) {
	e.configuration()
	e.kernel()
	e.rights()
	e.interfaces(ctx)
	e.geo()
	e.store()
	e.folder("output", e.c.Export.Dir, "--out or export.dir")
	e.port()
	e.clock()
}

func (e *examination) configuration() {
	for _, w := range e.c.Warnings {
		e.add("configuration", warning, w, "")
	}
	file := e.c.File
	if file == "" {
		file = "no file: defaults and environment"
	}
	e.add("configuration", good, file, "")
}

// rights tries what the sensor will do first, instead of reading capabilities.
func (e *examination) rights() {
	err := tryPacketSocket()
	switch {
	case err == nil:
		e.add("rights", good, "packets may be captured", "")
	case errors.Is(err, fs.ErrPermission):
		self, e2 := os.Executable()
		if e2 != nil {
			self = "packetheat"
		}
		e.add("rights", failure, "packets may not be captured: CAP_NET_RAW is missing",
			fmt.Sprintf("sudo setcap cap_net_raw+ep %s, or start it with sudo", self))
	default:
		e.add("rights", failure, fmt.Sprintf("no packet socket: %v", err), "capture needs a Linux kernel with CONFIG_PACKET")
	}
}

// measured is how long doctor looks at traffic.
const measured = time.Second

func (e *examination) interfaces(ctx context.Context) {
	rows, reason, err := listInterfaces(ctx, e.c.Sensor.Interfaces, measured)
	if err != nil {
		e.add("interfaces", failure, err.Error(), "")
		return
	}
	fallback := false
	if r, err := capture.ResolveInterfaces(e.c.Sensor.Interfaces); err != nil {
		e.add("interfaces", failure, err.Error(), "packetheat interfaces lists those there are; name one with --interface")
		return
	} else if fallback = r.Fallback; len(r.Missing) > 0 {
		e.add("interfaces", warning, "there is no "+strings.Join(r.Missing, ", "), "run waits for it; packetheat interfaces lists those there are")
	}
	if fallback {
		e.add("interfaces", warning, reason, "name the right ones with --interface or sensor.interfaces")
	} else {
		e.add("interfaces", good, reason, "")
	}
	packets := 0.0
	var names []string
	for _, row := range rows {
		if !row.Captured {
			continue
		}
		names = append(names, row.Name)
		if row.Rates != nil {
			packets += row.Rates.PacketsIn + row.Rates.PacketsOut
		}
		if lost := row.Dropped + row.Missed + row.Overruns; lost > 0 {
			e.add("interfaces", note, fmt.Sprintf("%s has lost %s frames before any program could see them", row.Name, term.Count(lost)),
				"ethtool -S "+row.Name+" tells more; nothing in packetheat can count them")
		}
		if row.Kind == "veth" && inContainer() {
			e.add("interfaces", warning, row.Name+" is the inside of a container's bridge: only this container's traffic is there",
				"start the container with --network host")
		}
	}
	if packets == 0 {
		e.add("traffic", warning, fmt.Sprintf("no packet in %s on %s", measured, strings.Join(names, ", ")),
			"packetheat interfaces --wait 10s shows where traffic is")
		return
	}
	e.add("traffic", good, fmt.Sprintf("%s packets/s on %s", term.Count(uint64(packets)), strings.Join(names, ", ")), "")
}

// inContainer goes by the files that the usual container engines leave.
func inContainer() bool {
	for _, name := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}

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
		switch w := sourceWarning(s, e.c.Geo.MaxAge); {
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
		e.add("places", note, "no database of networks: AS numbers and names stay empty", "put GeoLite2-ASN.mmdb or dbip-asn-lite.mmdb into /var/lib/GeoIP, or name one in geo.asn")
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
	free, total, err := diskFree(existing(dir))
	switch least := e.c.Store.Free.Of(total); {
	case err != nil:
		e.add("disk", note, fmt.Sprintf("free space is not known: %v", err), "")
	case free < least:
		e.add("disk", warning, fmt.Sprintf("%s free", term.Bytes(uint64(free))), fmt.Sprintf("make room: store.retention.free asks for %s", term.Bytes(uint64(least))))
	default:
		e.add("disk", good, fmt.Sprintf("%s free of %s", term.Bytes(uint64(free)), term.Bytes(uint64(total))), "")
	}
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
	coverage, err := s.Coverage(context.Background(), store.Window{})
	switch {
	case err != nil:
		e.add("store", failure, err.Error(), "")
	case coverage.Damaged > 0:
		e.add("store", warning, fmt.Sprintf("%d damaged blocks, left out of answers", coverage.Damaged), "check the disk")
	case coverage.Last.After(time.Now().Add(time.Hour)):
		e.add("clock", warning, "the store has points of the future, "+moment(coverage.Last), "this machine's clock was, or is, wrong: check it")
	default:
		e.add("store", good, fmt.Sprintf("%s points until %s", term.Count(coverage.Points), moment(coverage.Last)), "")
	}
}

// folder checks that files can be made in a folder, or the folder itself.
func (e *examination) folder(check, dir, setting string) {
	at := existing(dir)
	probe, err := os.CreateTemp(at, ".packetheat-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		e.add(check, failure, fmt.Sprintf("cannot write to %q: %v", at, errors.Unwrap(err)), "choose another folder with "+setting)
		return
	}
	e.add(check, good, fmt.Sprintf("%q can be written to", dir), "")
}

// existing returns the nearest folder at or above dir that is there.
func existing(dir string) string {
	dir, err := filepath.Abs(dir)
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
	}
	return dir
}

func (e *examination) port() {
	address := e.c.Dashboard.Listen
	if address == "off" {
		return
	}
	l, err := net.Listen("tcp", address)
	if err == nil {
		_ = l.Close()
		e.add("dashboard", good, address+" is free", "")
		return
	}
	if e.c.Moved("dashboard.listen") {
		e.add("dashboard", warning, err.Error(), "stop what listens there, or choose another address with --listen or dashboard.listen")
		return
	}
	e.add("dashboard", note, err.Error(), "run takes the next free port")
}

func (e *examination) clock() {
	synchronised, err := clockSynchronised()
	switch {
	case err != nil:
		e.add("clock", note, fmt.Sprintf("it is not known whether it is right: %v", err), "")
	case time.Now().Year() < 2025:
		e.add("clock", failure, "it says "+time.Now().Format(time.DateOnly), "set it: points would be stored at the wrong time")
	case !synchronised:
		e.add("clock", note, "the kernel knows of no time service that keeps it right", "systemd-timesyncd or chrony do")
	default:
		e.add("clock", good, "it is kept right by a time service", "")
	}
}
