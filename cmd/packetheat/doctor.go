package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export/page"
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
	trying   time.Duration // how long to capture for a trial; 0: not at all
	forecast *forecastJSON // of the store; nil: not known
	findings []finding
}

func (e *examination) add(check, level, found, fix string) {
	e.findings = append(e.findings, finding{check, level, found, fix})
}

func (p *program) doctorCommand() *cobra.Command {
	var asJSON bool
	var load string
	trying := 3 * time.Second
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps packetheat from working well, with a fix for each finding",
		Long: `Check configuration, kernel, rights and what run does without, interfaces and their traffic, rings and drops by a trial
capture of some seconds, offloads, GeoIP databases, store, disk, output folder, dashboard
and clock. Nothing is stored or changed, but for the second in which it looks in
promiscuous mode. It ends with status 1 where something will not work.

With --plan it says, for a load, how big rings should be, how many workers, and what goes
to the disk, with the assumptions that this rests on.`,
		Example: `  sudo packetheat doctor
  packetheat doctor --plan 500Mbit
  packetheat doctor --plan 200kpps --data /var/lib/packetheat`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if trying > time.Minute {
				return usagef("--trial %s is not possible: write a duration up to 60s, 0s for none", trying)
			}
			c, err := p.load(cmd)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("plan") {
				return p.plan(cmd.Context(), c, load, asJSON)
			}
			e := &examination{c: c, trying: trying}
			e.run(cmd.Context())
			if asJSON {
				err = p.printJSON(e.findings)
			} else {
				err = p.printFindings(sorted(e.findings))
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
	cmd.Flags().Var(&durationFlag{&trying}, "trial", "`TIME` to capture for a trial, 0s for none (default 3s)")
	cmd.Flags().StringVar(&load, "plan", "", "instead: what a `LOAD` such as 500Mbit, 10Gbit or 200kpps asks for")
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
	e.confinement()
	e.interfaces(ctx)
	e.trial(ctx)
	e.geo()
	e.store()
	e.folder("output", e.c.Export.Dir, "--out or export.dir")
	e.page()
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

// page says whether the program has its page: without it the dashboard and the HTML
// files have nothing to show.
func (e *examination) page() {
	if page.Built() {
		e.add("page", good, "it is in this program", "")
		return
	}
	e.add("page", warning, "this program was built without it: dashboard and HTML files show no map", "make page, then make build (needs node and npm)")
}

func (e *examination) port() {
	address := e.c.Dashboard.Listen
	if address == "off" {
		return
	}
	e.exposure()
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
