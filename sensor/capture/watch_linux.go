package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchPause is the least time between two signals.
const watchPause = 250 * time.Millisecond

// WatchInterfaces returns a channel that gets a value after interfaces, addresses
// or routes changed in the network namespace of the calling thread. It holds one
// value: changes that come while nobody receives are one, and there are at most
// four a second, also on a router whose routes never rest. What has changed is
// for the receiver to look up. The channel is closed when ctx is done.
func WatchInterfaces(ctx context.Context) (<-chan struct{}, error) {
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR |
		unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE | unix.RTMGRP_IPV4_RULE
	// Not blocking, so that os.File waits in the runtime's poller and Close ends it.
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("watch interfaces: open netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watch interfaces: bind netlink socket: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "netlink")
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		defer stop()
		buf := make([]byte, 64<<10)
		for ctx.Err() == nil {
			// ENOBUFS: messages were lost. Something changed, that is all we want to know.
			if _, err := socket.Read(buf); err != nil && !errors.Is(err, unix.ENOBUFS) {
				if ctx.Err() == nil {
					_ = socket.Close()
				}
				return
			}
			select {
			case changes <- struct{}{}:
			default:
			}
			select { // what comes meanwhile waits in the socket
			case <-time.After(watchPause):
			case <-ctx.Done():
			}
		}
	}()
	return changes, nil
}

// WaitUp returns when an interface of that name exists and is up in the network
// namespace of the calling thread, or with the error of ctx when that is done
// before.
func WaitUp(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := WatchInterfaces(ctx) // before the first look, to miss nothing
	if err != nil {
		return err
	}
	for {
		if i, err := net.InterfaceByName(name); err == nil && i.Flags&net.FlagUp != 0 {
			return nil
		}
		if _, ok := <-changes; !ok {
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("wait for interface %q: %w", name, err)
			}
			return fmt.Errorf("wait for interface %q: netlink socket failed", name)
		}
	}
}
