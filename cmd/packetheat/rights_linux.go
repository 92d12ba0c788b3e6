package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/desktop"
	"github.com/packetheat/packetheat/cmd/internal/privilege"
)

// giveUp does what needs rights: folders for the user that the sensor becomes, a listener
// on a port below 1024, the opener of packet sockets, the one that starts a browser. Then
// it executes this program anew without any. It returns on failure only.
func (p *program) giveUp(o *runOptions) error {
	who, note, err := accountFor(o.config, p.getenv)
	if err != nil {
		return err
	}
	if err := who.folders(o.config); err != nil {
		return err
	}
	h := privilege.Handover{Note: note, Files: map[string]*os.File{}}
	if err := p.listenLow(o, h.Files); err != nil {
		return err
	}
	if err := p.browser(o, h.Files); err != nil {
		return err
	}
	if h.Opener, err = privilege.StartOpener(who.Identity); err != nil {
		return err
	}
	return errors.Join(privilege.Become(who.Identity, h), h.Opener.Close())
}

// accountFor says whom the sensor becomes, and a note where that asks for one. A user who was
// not asked for and comes nowhere near the store is not forced on anybody: root stays
// root then, without its rights.
func accountFor(c *config.Loaded, getenv func(string) string) (account, string, error) {
	who, err := chooseUser(c, getenv)
	if err != nil || who.why == "" {
		return who, "", err
	}
	if who.Identity != nil {
		err := who.reachable(c)
		switch {
		case err == nil:
			return who, "user " + who.name + ": " + who.why, nil
		case c.Sensor.User != "":
			return who, "", fmt.Errorf("sensor.user: user %q cannot do the work: %w (give it that right, or choose another user or folder)", who.name, err)
		}
		who = account{why: fmt.Sprintf("user %s, %s, cannot do the work: %v", who.name, who.why, err)}
	}
	return who, "user root: " + who.why, nil
}

// listenLow opens the dashboard where its port is for those with rights only.
func (p *program) listenLow(o *runOptions, files map[string]*os.File) error {
	_, text, err := net.SplitHostPort(o.config.Dashboard.Listen)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil || port == 0 || port >= 1024 || o.listener != nil {
		return nil // off, or opened by the sensor as it will be
	}
	l, err := p.listen(o.config.Dashboard.Listen, o.config.Moved("dashboard.listen"))
	if err != nil {
		return err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("open dashboard: cannot hand on a listener of type %T", l)
	}
	f, err := tcp.File()
	if err != nil {
		return fmt.Errorf("open dashboard: %w", err)
	}
	files[handedListener] = f
	return nil
}

// browser starts what starts a browser once it is told an address: the sensor itself
// cannot execute anything. Where nobody waits for one, or none is to be had, it does nothing.
func (p *program) browser(o *runOptions, files map[string]*os.File) error {
	if o.open == openNever {
		return nil
	}
	cmd, err := desktop.LaterCommand(p.getenv, exec.LookPath, desktop.SudoUser(p.getenv, os.Geteuid()))
	if err != nil {
		return nil // it is said when the address is known
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("prepare a browser: %w", err)
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Run(); err != nil { // it leaves a process behind that waits
		return errors.Join(fmt.Errorf("prepare a browser: %w", err), w.Close())
	}
	files[handedBrowser] = w
	return nil
}
