package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// beat is how often frames that are due are sent. Their order is kept, their time
// is right to this much.
const beat = 5 * time.Millisecond

// lag is how far Play may be behind before it gives up catching up: after a suspended
// laptop wakes, a night's traffic must not come in one burst.
const lag = time.Second

// Play writes the traffic to the world's end of the wire until ctx is done, each
// frame at its time, and returns how many it wrote. Wire must have been called.
//
// open gives it a packet socket of this type; nil: it opens one itself.
func Play(ctx context.Context, t *Traffic, open func(sockType int) (int, error)) (frames uint64, err error) {
	link, err := net.InterfaceByName(world)
	if err != nil {
		return 0, fmt.Errorf("play traffic: %w", err)
	}
	if open == nil { // protocol 0: this socket only sends, see packet(7)
		open = func(sockType int) (int, error) {
			return unix.Socket(unix.AF_PACKET, sockType|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		}
	}
	fd, err := open(unix.SOCK_RAW)
	if err != nil {
		return 0, explain("play traffic: open packet socket", err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrLinklayer{Ifindex: link.Index}
	send := func(_ time.Duration, frame []byte) error {
		for {
			switch err := unix.Sendto(fd, frame, 0, to); {
			case err == nil:
				frames++
				return nil
			case errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EAGAIN): // the other end is not read fast enough: a lost packet, as in life
				return nil
			default:
				return fmt.Errorf("play traffic: send: %w", err)
			}
		}
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	begin, done := time.Now(), time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return frames, nil
		case <-tick.C:
		}
		due := time.Since(begin)
		if due > done+lag {
			begin = begin.Add(due - done - lag)
			due = done + lag
		}
		if err := t.Until(due, send); err != nil {
			return frames, err
		}
		done = due
	}
}
