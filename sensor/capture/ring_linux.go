package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Ring is one TPACKET_V3 ring on one interface. OpenRings makes it; the zero
// value is of no use. One goroutine calls ReadBlock and Close; Stop and Stats
// may be called from any.
type Ring struct {
	iface        string
	index        int
	blockTimeout time.Duration
	snaplen      int
	loopback     bool

	mem       []byte // the mapped ring
	blockSize int
	current   int // index of the block that is next, or handed out
	handedOut bool
	block     Block

	stop      atomic.Bool // Stop was called
	stopping  bool        // and the filter lets nothing pass any more; written under mu
	quietFrom time.Time   // since when nothing came; zero: something just did
	gone      bool

	records   uint64 // of all blocks handed out, as the kernel counted them
	malformed atomic.Uint64
	blocks    atomic.Uint64

	file *os.File        // the packet socket, in the runtime's poller
	conn syscall.RawConn // of file

	mu      sync.Mutex // guards what follows, so that Stats and SetFilter may meet Close
	fd      int        // of file, -1 once closed
	stats   Stats
	counted time.Time // when the kernel's counters were last read
}

// Interface returns the name of the interface that the ring was opened on.
func (r *Ring) Interface() string { return r.iface }

// Index returns the index of that interface, which stays when it is renamed.
func (r *Ring) Index() int { return r.index }

// LinkType returns the link type of the ring's frames, for which its filter is made.
func (r *Ring) LinkType() uint16 { return r.block.linkType }

// SetFilter replaces the filter; nil takes everything. The kernel changes over
// between two frames: none is lost, none passes both. What is in the ring stays. On an
// error the old filter stays. Any goroutine may call it; after Stop it does nothing.
func (r *Ring) SetFilter(prog []bpf.RawInstruction) error {
	prog, err := kernelFilter(prog, r.snaplen, r.loopback)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.fd < 0 || r.stopping {
			return nil
		}
		err = attachFilter(r.fd, prog)
	}
	if err != nil {
		return fmt.Errorf("change filter of ring on %q: %w", r.iface, err)
	}
	return nil
}

// Size returns the memory of the ring in bytes: RingConfig.RingBytes rounded
// down to blocks, or less if the kernel had less; 0 once closed.
func (r *Ring) Size() int { return len(r.mem) }

// statsInterval is how old the sums get before ReadBlock reads the kernel's
// counters: they have 32 bits, and a sudden end must not lose many.
const statsInterval = time.Second

// ReadBlock gives the previous block back to the kernel and returns the next
// one. It returns nil, nil when none came within timeout, io.EOF after Stop once
// the ring is drained, and ErrInterfaceGone when the interface was deleted and
// the ring is drained. A ring survives that its interface goes down, and goes on
// when it is up again.
func (r *Ring) ReadBlock(timeout time.Duration) (*Block, error) {
	if r.mem == nil {
		return nil, fmt.Errorf("read ring on %q: %w", r.iface, os.ErrClosed)
	}
	r.release() // before poll, which would not sleep while a block is ours
	if r.stop.Load() && !r.stopping {
		if err := r.shut(); err != nil {
			return nil, err
		}
	}
	deadline := time.Now().Add(timeout)
	for polled := false; ; polled = true { // once at least, or errors would not be seen
		if b := r.take(); b != nil {
			return b, nil
		}
		now := time.Now()
		wait := deadline.Sub(now)
		if r.stopping || r.gone {
			done, rest := r.drained(now)
			if done {
				return nil, r.end()
			}
			wait = min(wait, rest)
		}
		if polled && !deadline.After(now) {
			return nil, r.refresh(now)
		}
		if err := r.poll(wait); err != nil {
			return nil, err
		}
	}
}

// take returns the current block if the kernel has handed it over.
func (r *Ring) take() *Block {
	off := r.current * r.blockSize
	mem := r.mem[off : off+r.blockSize : off+r.blockSize]
	if atomic.LoadUint32(statusWord(mem))&statusUser == 0 {
		return nil
	}
	r.handedOut = true
	r.quietFrom = time.Time{}
	r.blocks.Add(1)
	r.records += uint64(binary.NativeEndian.Uint32(mem[blockCountOff:]))
	r.block.resetRing(mem)
	return &r.block
}

// release gives the block handed out last back to the kernel.
func (r *Ring) release() {
	if !r.handedOut {
		return
	}
	r.malformed.Add(uint64(r.block.malformed))
	off := r.current * r.blockSize
	r.block.resetRing(nil)
	r.handedOut = false
	atomic.StoreUint32(statusWord(r.mem[off:]), 0) // TP_STATUS_KERNEL
	r.current = (r.current + 1) % (len(r.mem) / r.blockSize)
	if now := time.Now(); now.Sub(r.counted) >= statsInterval {
		_ = r.refresh(now) // what fails here fails at Stats, too
	}
}

// statusWord returns block_status of the block in mem, which the kernel writes
// after and reads before everything else in the block.
func statusWord(mem []byte) *uint32 {
	return (*uint32)(unsafe.Pointer(&mem[blockStatusOff]))
}

// drained reports whether a ring that takes no more frames is empty, and if
// not, how long to wait. Empty is: nothing came for the time in which the kernel
// closes an open block, and no frame is missing from the books (for at most a
// second, in case they never balance).
func (r *Ring) drained(now time.Time) (bool, time.Duration) {
	const patience = time.Second
	if r.quietFrom.IsZero() {
		r.quietFrom = now
	}
	quiet, enough := now.Sub(r.quietFrom), drainTime(r.blockTimeout)
	if quiet < enough {
		return false, enough - quiet
	}
	stats, err := r.Stats()
	if err != nil || quiet >= patience || r.records >= stats.Packets-stats.Drops {
		return true, 0
	}
	return false, r.blockTimeout
}

// drainTime is how long a stopped ring is read until it counts as empty: the
// kernel closes a block one timer period after it was opened, two before 6.18
// (prb_retire_rx_blk_timer_expired looks for a block unchanged since its last
// run), and its timer is only as exact as a jiffy.
func drainTime(blockTimeout time.Duration) time.Duration {
	return 2*blockTimeout + 20*time.Millisecond
}

// end returns why a drained ring gives no more blocks.
func (r *Ring) end() error {
	if r.stopping {
		return io.EOF
	}
	return fmt.Errorf("read ring on %q: %w", r.iface, ErrInterfaceGone)
}

// poll sleeps until a block is ready, Stop is called or wait has passed. It sleeps in
// the runtime's poller: a thread in poll(2) is a blocked system call, for each of which
// the runtime's monitor wakes up every 20 µs for some milliseconds, which at full rate
// was a twelfth of what the whole sensor cost.
func (r *Ring) poll(wait time.Duration) error {
	if err := r.file.SetReadDeadline(time.Now().Add(max(wait, 0))); err != nil {
		return fmt.Errorf("poll ring on %q: %w", r.iface, err)
	}
	if r.stop.Load() && !r.stopping { // Stop's own deadline may have been overwritten
		return r.shut()
	}
	var events int16
	var failed error
	asked := false
	err := r.conn.Read(func(uintptr) bool {
		events, failed = r.events()
		done := asked || events != 0 || failed != nil // asked before: it has slept, and something woke it
		asked = true
		return done
	})
	if !asked && errors.Is(err, os.ErrDeadlineExceeded) { // no time to sleep at all
		events, failed = r.events()
	}
	if failed != nil || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("poll ring on %q: %w", r.iface, errors.Join(failed, err))
	}
	if events&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
		if err := r.socketError(); err != nil {
			return err
		}
	}
	if events&unix.POLLIN == 0 {
		r.checkGone()
	}
	return nil
}

// events asks what the socket has: POLLIN for a block that is ours, POLLERR for an
// error that waits. It does not block, hence the scheduler need not know of the call.
func (r *Ring) events() (int16, error) {
	fds := [1]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
	var now unix.Timespec
	_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		return 0, errno
	}
	return fds[0].Revents, nil
}

// shut begins the end: no frame passes the filter, hence none is counted, from
// here on; those that did are still to be read.
func (r *Ring) shut() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := attachFilter(r.fd, rejectAll()); err != nil {
		return fmt.Errorf("stop ring on %q: %w", r.iface, err)
	}
	r.stopping = true
	r.quietFrom = time.Time{}
	return nil
}

// socketError reads, and so clears, the error that made poll return. ENETDOWN is
// set when the interface goes down; the kernel hooks the socket up again when it
// is back (packet_notifier), so the ring stays.
func (r *Ring) socketError() error {
	code, err := unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return fmt.Errorf("read error of ring on %q: %w", r.iface, err)
	}
	if errno := unix.Errno(code); errno != 0 && errno != unix.ENETDOWN && errno != unix.EINTR {
		return fmt.Errorf("read ring on %q: %w", r.iface, errno)
	}
	return nil
}

// checkGone looks whether the interface was deleted: the socket is then bound
// to no interface (packet_notifier sets -1 at NETDEV_UNREGISTER).
func (r *Ring) checkGone() {
	if r.gone {
		return
	}
	addr, err := unix.Getsockname(r.fd)
	if err != nil {
		return
	}
	if ll, ok := addr.(*unix.SockaddrLinklayer); ok && ll.Ifindex <= 0 {
		r.gone = true
		r.quietFrom = time.Time{}
	}
}

// Stop ends the capture: ReadBlock hands out what was captured before, then
// returns io.EOF. Stop may be called from any goroutine, at any time, repeatedly.
func (r *Ring) Stop() {
	r.stop.Store(true)
	_ = r.file.SetReadDeadline(time.Unix(1, 0)) // long over: ends a sleep; after Close, an error
}

// Stats returns the sums since the ring was opened, including what the kernel
// counted up to this moment; after Close, what they were at Close.
func (r *Ring) Stats() (Stats, error) {
	err := r.refresh(time.Now())
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Malformed, s.Blocks = r.malformed.Load(), r.blocks.Load()
	return s, err
}

// refresh adds the kernel's counters, which reading clears, to ours. tp_packets
// already has tp_drops in it (packet_getsockopt).
func (r *Ring) refresh(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		return nil
	}
	st, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("read statistics of ring on %q: %w", r.iface, err)
	}
	r.counted = now
	r.stats.Packets += uint64(st.Packets)
	r.stats.Drops += uint64(st.Drops)
	r.stats.Freezes += uint64(st.Freeze_q_cnt)
	return nil
}

// Close unmaps the ring, after which no Data of its frames may be touched, and
// closes the socket, leaving the fanout group. The goroutine that calls
// ReadBlock calls it. A second Close does nothing.
func (r *Ring) Close() error {
	if r.mem == nil {
		return nil
	}
	r.malformed.Add(uint64(r.block.malformed))
	r.block.resetRing(nil)
	err := r.refresh(time.Now())
	err = errors.Join(err, unix.Munmap(r.mem))
	r.mem = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	err = errors.Join(err, r.file.Close())
	r.fd = -1
	if err != nil {
		return fmt.Errorf("close ring on %q: %w", r.iface, err)
	}
	return nil
}
