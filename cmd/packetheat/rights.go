package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// Names of what a sensor with rights hands to the one without that it becomes.
const (
	handedListener = "listener" // of the dashboard, where only root may open it
	handedBrowser  = "browser"  // takes the address that a browser is to show
)

// shed gives up the rights that the program's file gives it ("setcap cap_net_raw+ep") before
// anything is read, unless args name a command that opens packet sockets, or tries to.
func shed(root *cobra.Command, args []string) error {
	cmd, _, err := root.Find(args)
	if err == nil && contains([]string{"run", "demo", "doctor"}, cmd.Name()) && cmd.Parent() == root {
		return nil
	}
	return privilege.Shed()
}

// prepare turns a process with rights into one without, which begins anew; it does not
// return then. In the one without, it takes over what was prepared. Who has no right to
// capture goes on, to be told so.
func (p *program) prepare(o *runOptions) error {
	if p.handed == nil {
		if !privilege.MayCapture() {
			o.owner = desktop.SudoUser(p.getenv, os.Geteuid())
			return nil
		}
		return p.giveUp(o)
	}
	if f := p.handed.Files[handedListener]; f != nil && o.listener == nil {
		defer f.Close()
		var err error
		if o.listener, err = net.FileListener(f); err != nil {
			return fmt.Errorf("take over the dashboard's listener: %w", err)
		}
	}
	return nil
}

// tryOpener looks whether there will be packet sockets.
func (p *program) tryOpener() error {
	if p.handed == nil {
		return tryPacketSocket()
	}
	return p.handed.Opener.Err()
}

// openSocket is what opens packet sockets; nil: who needs one opens it.
func (p *program) openSocket() func(sockType int) (int, error) {
	if p.handed == nil {
		return nil
	}
	return p.handed.Opener.Socket
}

// filesRead are the files of the configuration, and those that it names, which a sensor
// reads as long as it runs.
func filesRead(c *config.Loaded) (list []string) {
	files := []string{c.File, c.Geo.City, c.Geo.ASN, c.Dashboard.Certificate, c.Dashboard.Key, c.Fleet.ClickHouse.CA}
	for _, l := range labelFiles(c) {
		files = append(files, l.Path)
	}
	for _, f := range files {
		if f != "" {
			list = append(list, f)
		}
	}
	return list
}

// watchOpener says when there will be no more packet sockets.
func (r *live) watchOpener(done <-chan struct{}) {
	if r.handed == nil {
		return
	}
	select {
	case <-done:
	case <-r.handed.Opener.Ended():
		r.log.Warn("capturing goes on, but an interface that is opened anew will not be captured on", "error", r.handed.Opener.Err())
	}
}

// heldBack says, of a thing that is forbidden to a sensor without rights, why it is.
func (p *program) heldBack(err error) error {
	if p.handed == nil || !errors.Is(err, os.ErrPermission) {
		return err
	}
	who := "without any right"
	if name := privilege.UserName(os.Geteuid()); name != "" {
		who = "as user " + name + " without any right"
	}
	return fmt.Errorf("%w (the sensor runs %s, see sensor.user)", err, who)
}

// browserAddress is what a browser is to open: the dashboard, else the file.
func browserAddress(where running, formats []string) string {
	if where.dashboard != "off" {
		return where.dashboard
	}
	file, err := filepath.Abs(filepath.Join(where.out, "ip_heatmap.html"))
	if err != nil || !contains(formats, "html") {
		return ""
	}
	return file
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
