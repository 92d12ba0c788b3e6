package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/packetheat/packetheat/cmd/internal/term"
)

// service is the service manager that started us, as systemd's sd_notify(3) describes: it
// waits for READY=1, shows a line of status, and starts a service anew that does not say
// for a while that it is well. Where there is none, nothing is sent.
type service struct {
	watchdog time.Duration // 0: nobody waits for a sign of life
	warn     func(message string, args ...any)
}

// newService looks who has started us. warn logs.
func newService(warn func(string, ...any)) *service {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		warn("the service manager's watchdog is not understood", "error", err)
	}
	return &service{every, warn}
}

// tell sends what is so now, one NAME=VALUE a line.
func (s *service) tell(lines ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(lines, "\n")); err != nil {
		s.warn("the service manager is not told how we are", "error", err)
	}
}

// statusOf makes a text a line for "systemctl status".
func statusOf(text string) string { return "STATUS=" + term.Clean(strings.ReplaceAll(text, "\n", " ")) }

func (s *service) ready(text string) { s.tell(daemon.SdNotifyReady, statusOf(text)) }

// reloading is to be followed by ready.
func (s *service) reloading() {
	s.tell(strings.TrimSuffix(daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec(), "\n"))
}

func (s *service) stopping(text string) { s.tell(daemon.SdNotifyStopping, statusOf(text)) }

// statusEvery is how often the line of status is told where there is no watchdog.
const statusEvery = time.Minute

// watch tells again and again how we are, until ctx is done: to the watchdog only as long
// as alive returns nil. Twice in its time, as sd_watchdog_enabled(3) asks for.
func (s *service) watch(ctx context.Context, alive func() error, text func() string) {
	every := statusEvery
	if s.watchdog > 0 {
		every = min(every, s.watchdog/2)
	}
	ticker := time.NewTicker(max(every, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := alive()
		switch {
		case err != nil:
			s.warn("not alive: the service manager will start packetheat anew", "error", err)
			s.tell(statusOf("stands still: " + err.Error()))
		case s.watchdog > 0:
			s.tell(daemon.SdNotifyWatchdog, statusOf(text()))
		default:
			s.tell(statusOf(text()))
		}
	}
}

// statusText says in a line how the sensor is, for the service manager.
func (r *live) statusText() string {
	s := r.sensor.Status()
	text := fmt.Sprintf("capturing on %s: %s packets, %d dropped; dashboard %s", joined(r.interfaceNames()), term.Count(s.Books.Captured.Packets), s.Books.Drops, r.dashboard())
	if err := r.healthy(); err != nil {
		text = "not ready: " + err.Error() + "; " + text
	}
	return text
}

// dashboard is its URL, or off.
func (r *live) dashboard() string {
	return r.door.url()
}
