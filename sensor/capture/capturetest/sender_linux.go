package capturetest

import (
	"errors"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sender puts frames on the wire as they are. It belongs to one goroutine, which
// may be one of the test's own.
type Sender struct {
	fd int
}

// Sender opens a Sender on the interface; it is closed when the test ends.
func (e *End) Sender(t testing.TB) *Sender {
	t.Helper()
	s := &Sender{fd: -1}
	e.Do(t, func() {
		// Protocol 0: it sends, and receives nothing.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		must(t, "open packet socket", err)
		s.fd = fd
		ifr, err := unix.NewIfreq(e.Name)
		must(t, "interface name", err)
		must(t, "find interface", unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr))
		must(t, "bind", unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}))
	})
	t.Cleanup(func() { _ = unix.Close(s.fd) })
	return s
}

// struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

const sendBatch = 64

// Send sends exactly n frames, taking them in turn from frames, at perSecond
// frames a second or, with 0, as fast as the machine can (about a million a second on
// one core). It returns how many it sent: n, unless stop (may be nil) was closed
// before or the interface was taken away.
func (s *Sender) Send(frames [][]byte, n, perSecond int, stop <-chan struct{}) (sent int, err error) {
	iovs := make([]unix.Iovec, len(frames))
	for i, frame := range frames {
		iovs[i].Base = &frame[0]
		iovs[i].SetLen(len(frame))
	}
	batch := make([]mmsghdr, sendBatch)
	begin := time.Now()
	for sent < n {
		select {
		case <-stop:
			return sent, nil
		default:
		}
		count := min(sendBatch, n-sent)
		if perSecond > 0 {
			if ahead := time.Duration(sent)*time.Second/time.Duration(perSecond) - time.Since(begin); ahead > 0 {
				time.Sleep(ahead)
			}
			count = min(count, max(1, perSecond/100)) // at least 100 bursts a second
		}
		for i := range count {
			batch[i] = mmsghdr{}
			batch[i].hdr.Iov = &iovs[(sent+i)%len(frames)]
			batch[i].hdr.SetIovlen(1)
		}
		got, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&batch[0])), uintptr(count), 0, 0, 0)
		switch {
		case errno == 0:
			sent += int(got)
		case errors.Is(errno, unix.ENOBUFS) || errors.Is(errno, unix.EAGAIN) || errors.Is(errno, unix.EINTR):
			time.Sleep(100 * time.Microsecond) // the frame was not sent
		default:
			return sent, errno
		}
	}
	return sent, nil
}
