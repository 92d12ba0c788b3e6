//go:build cgo

package privilege

// #cgo CFLAGS: -Wall
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openerVariable makes this program the opener; the C part looks for it.
const openerVariable = "_PACKETHEAT_OPENER=1"

// patience is how long the opener may take to answer: it has nothing else to do.
const patience = 10 * time.Second

// ErrOpenerGone says that the opener has ended. Nobody can start another: the rights that
// it had are given up.
var ErrOpenerGone = errors.New("the process that opens packet sockets has ended: restart packetheat")

// Opener is a child process that opens packet sockets. StartOpener and Inherit make one,
// Close ends it; it ends by itself when its parent does. Its methods may be called from
// several goroutines.
type Opener struct {
	file    *os.File      // our end of the channel, for Become to pass on
	conn    *net.UnixConn // the same, to be used
	process *os.Process
	ended   chan struct{} // closed after how is set
	how     string

	mu     sync.Mutex
	number byte // of the last request
	failed error
}

// StartOpener starts the opener as somebody (nil: as who we are), with CAP_NET_RAW as its
// only capability, in the network namespace of this process. To start it as who we are needs
// no other capability than that.
func StartOpener(who *Identity) (*Opener, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start opener: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "opener"), os.NewFile(uintptr(pair[1]), "sensor")
	defer theirs.Close()
	cmd := exec.Command(self, "opens packet sockets")
	cmd.Args[0] = "packetheat-opener"
	cmd.Env = []string{openerVariable}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl+C is not for it
	err = onThread(func() error {
		if err := who.assume(1 << unix.CAP_NET_RAW); err != nil {
			return err
		}
		return cmd.Start()
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start opener: %w", err), ours.Close())
	}
	o, err := newOpener(ours, cmd.Process)
	if err == nil {
		if _, _, err = o.reply(0); err != nil {
			err = errors.Join(fmt.Errorf("start opener: it ended at once: %w", err), o.Close())
		}
	}
	return o, err
}

// newOpener talks to an opener that runs.
func newOpener(file *os.File, process *os.Process) (*Opener, error) {
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("talk to opener: %w", err)
	}
	channel, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("talk to opener: its channel is a %T", conn), conn.Close())
	}
	o := &Opener{file: file, conn: channel, process: process, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		state, err := process.Wait()
		if o.how = fmt.Sprint(state); err != nil {
			o.how = err.Error()
		}
	}()
	return o, nil
}

// PID is the number of the opener's process.
func (o *Opener) PID() int { return o.process.Pid }

// Ended is closed when the opener has ended.
func (o *Opener) Ended() <-chan struct{} { return o.ended }

// Err says why there will be no more sockets; nil as long as there are some.
func (o *Opener) Err() error {
	select {
	case <-o.ended:
		return fmt.Errorf("%w (%s)", ErrOpenerGone, o.how)
	default:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// Socket has a packet socket opened: of this type (SOCK_RAW or SOCK_DGRAM), with protocol
// 0, not blocking, closed on exec; see RingConfig.OpenSocket of package capture.
func (o *Opener) Socket(sockType int) (fd int, err error) {
	if err := o.Err(); err != nil {
		return -1, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.number++; o.number == 0 { // what it says when it begins
		o.number++
	}
	fd, errno, err := o.ask(byte(sockType))
	switch {
	case err != nil && errors.Is(err, os.ErrDeadlineExceeded):
		return -1, fmt.Errorf("open packet socket: the opener (process %d) does not answer", o.PID())
	case err != nil:
		o.failed = ErrOpenerGone // Ended may come a moment later
		return -1, ErrOpenerGone
	case errno != 0:
		return -1, errno
	case fd < 0:
		return -1, errors.New("open packet socket: the opener has sent none")
	}
	return fd, nil
}

// ask sends one request and waits for its reply.
func (o *Opener) ask(sockType byte) (fd int, errno syscall.Errno, err error) {
	if err := o.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return -1, 0, err
	}
	if _, err := o.conn.Write([]byte{sockType, o.number}); err != nil {
		return -1, 0, err
	}
	return o.reply(o.number)
}

// reply waits for the reply of a number: one that comes after its time belongs to nobody.
// The messages are request and reply of opener_linux.c.
func (o *Opener) reply(number byte) (fd int, errno syscall.Errno, err error) {
	if err := o.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return -1, 0, err
	}
	for {
		var text [8]byte
		control := make([]byte, unix.CmsgSpace(4))
		n, m, _, _, err := o.conn.ReadMsgUnix(text[:], control)
		if err != nil {
			return -1, 0, err
		}
		fd, err := handedOver(control[:m])
		if err != nil || n != len(text) {
			return -1, 0, fmt.Errorf("odd reply of %d bytes: %w", n, err)
		}
		if text[4] == number {
			return fd, syscall.Errno(binary.NativeEndian.Uint32(text[:])), nil
		}
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// handedOver takes the descriptor out of a control message; -1: there is none.
func handedOver(control []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return -1, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.Join(err, errors.New("not one descriptor"))
	}
	return fds[0], nil
}

// Close ends the opener. A second Close does nothing; a nil opener needs none.
func (o *Opener) Close() error {
	if o == nil {
		return nil
	}
	err := errors.Join(o.conn.Close(), o.file.Close())
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	select {
	case <-o.ended:
	case <-time.After(patience):
		err = errors.Join(err, o.process.Kill())
	}
	return err
}
