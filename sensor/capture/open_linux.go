package capture

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// OpenRings opens cfg.Shards rings on one interface. Frames are captured and
// counted from its return on, each by one ring. It needs CAP_NET_RAW in the
// network namespace of the calling thread, or RingConfig.OpenSocket; without,
// the error wraps os.ErrPermission. It does not wait: the error wraps ErrInterfaceDown or
// ErrInterfaceGone where WaitUp would help. The caller closes every ring.
func OpenRings(cfg RingConfig) ([]*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	rings, err := openRings(cfg)
	if err != nil {
		for _, r := range rings {
			err = errors.Join(err, r.Close())
		}
		return nil, fmt.Errorf("open ring on %q: %w", cfg.Interface, err)
	}
	return rings, nil
}

// openRings brings the rings up in an order that neither loses nor doubles a
// frame: between bind and joining the group every socket is offered every frame,
// so all carry a filter that takes nothing until the group is complete.
func openRings(cfg RingConfig) (rings []*Ring, err error) {
	link, err := findLink(cfg.Interface)
	if err != nil {
		return nil, err
	}
	filter, err := kernelFilter(cfg.Filter, cfg.Snaplen, link.loopback)
	if err != nil {
		return nil, err
	}
	for range cfg.Shards {
		r, err := newRing(&cfg, link)
		if err != nil {
			return rings, err
		}
		rings = append(rings, r)
	}
	if len(rings) > 1 {
		if err := joinFanout(rings, cfg.Fanout); err != nil {
			if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENETDOWN) {
				return rings, fmt.Errorf("%w (it went down meanwhile)", ErrInterfaceDown)
			}
			return rings, err
		}
	}
	for _, r := range rings {
		if err := r.refresh(time.Now()); err != nil {
			return rings, err
		}
		r.stats = Stats{}
	}
	for _, r := range rings {
		if err := attachFilter(r.fd, filter); err != nil {
			return rings, err
		}
	}
	return rings, nil
}

// link is what a ring must know of its interface.
type link struct {
	index    int
	loopback bool
	linkType uint16
	sockType int  // SOCK_RAW, or SOCK_DGRAM where the link header is unusable
	noLink   bool // no link header: the protocol is in sockaddr_ll
}

// findLink looks the interface up in the namespace of the calling thread.
func findLink(name string) (link, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return link{}, fmt.Errorf("%w (packetheat interfaces lists those there are)", ErrInterfaceGone)
	}
	if i.Flags&net.FlagUp == 0 {
		return link{}, fmt.Errorf("%w (ip link set %s up)", ErrInterfaceDown, name)
	}
	hatype, err := hardwareType(name)
	if err != nil {
		return link{}, err
	}
	l := link{index: i.Index, loopback: i.Flags&net.FlagLoopback != 0}
	l.linkType, l.noLink, l.sockType = LinkEthernet, false, unix.SOCK_RAW
	switch framing(hatype) {
	case framingNone:
		l.linkType, l.noLink = LinkRaw, true
	case framingStrip:
		l.linkType, l.noLink, l.sockType = LinkRaw, true, unix.SOCK_DGRAM
	}
	return l, nil
}

// hardwareType asks for the ARPHRD type of an interface (SIOCGIFHWADDR,
// netdevice(7)).
func hardwareType(name string) (uint16, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open socket: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("interface name %q: %w", name, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return 0, fmt.Errorf("read hardware type: %w", err)
	}
	return ifr.Uint16(), nil // sa_family of ifr_hwaddr
}

// newRing opens, sizes and binds one socket, which takes nothing yet.
func newRing(cfg *RingConfig, l link) (_ *Ring, err error) {
	fd, err := openSocket(cfg, l.sockType)
	if err != nil {
		return nil, err
	}
	r := &Ring{
		iface: cfg.Interface, index: l.index, blockTimeout: cfg.BlockTimeout, snaplen: cfg.Snaplen,
		loopback: l.loopback, fd: fd, file: os.NewFile(uintptr(fd), "ring on "+cfg.Interface), blockSize: cfg.BlockSize,
	}
	defer func() {
		if err != nil {
			r.abandon()
		}
	}()
	if r.conn, err = r.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("wait for packets: %w", err)
	}
	if err := r.file.SetReadDeadline(time.Time{}); err != nil { // it is not in the poller
		return nil, fmt.Errorf("wait for packets: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return nil, fmt.Errorf("set TPACKET_V3 (needs Linux 3.2): %w", err)
	}
	vnet := !cfg.NoSegments && l.sockType == unix.SOCK_RAW && kernelAtLeast(6, 2)
	if vnet { // before the ring: EBUSY after
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			return nil, fmt.Errorf("set PACKET_VNET_HDR: %w", err)
		}
	}
	if err := r.mapRing(cfg); err != nil {
		return nil, err
	}
	r.block = Block{linkType: l.linkType, noLink: l.noLink, vnet: vnet}
	if err := attachFilter(fd, rejectAll()); err != nil {
		return nil, err
	}
	if err := bindSocket(fd, l.index); err != nil {
		return nil, err
	}
	if cfg.Promiscuous { // ends with the socket
		mreq := unix.PacketMreq{Ifindex: int32(l.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
			return nil, fmt.Errorf("set promiscuous mode: %w", err)
		}
	}
	return r, nil
}

// openSocket makes the socket of a ring, or has it made. Protocol 0: no frame of any
// interface before bind. Not blocking, so that os.File waits in the runtime's poller.
func openSocket(cfg *RingConfig, sockType int) (fd int, err error) {
	if cfg.OpenSocket != nil {
		fd, err = cfg.OpenSocket(sockType)
	} else {
		fd, err = unix.Socket(unix.AF_PACKET, sockType|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	}
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		return -1, fmt.Errorf("%w (needs CAP_NET_RAW: run with sudo, or setcap cap_net_raw+ep packetheat)", os.ErrPermission)
	case err != nil:
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	return fd, nil
}

// abandon closes what a failed newRing has opened.
func (r *Ring) abandon() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
	}
	_ = r.file.Close()
}

// mapRing makes the kernel set the ring up and maps it, with half the blocks each time
// that memory, or room for it in our address space (RLIMIT_AS), is short.
func (r *Ring) mapRing(cfg *RingConfig) error {
	for blocks := cfg.RingBytes / cfg.BlockSize; ; {
		err := r.tryRing(cfg, blocks)
		if err == nil || !errors.Is(err, unix.ENOMEM) || blocks <= 2 {
			return err
		}
		blocks = max(blocks/2, 2)
		cfg.Logger.Warn("not enough memory for the ring, trying with less",
			"interface", cfg.Interface, "bytes", blocks*cfg.BlockSize)
	}
}

// tryRing is one try of mapRing.
func (r *Ring) tryRing(cfg *RingConfig, blocks int) error {
	req := unix.TpacketReq3{
		Block_size:     uint32(cfg.BlockSize),
		Block_nr:       uint32(blocks),
		Frame_size:     ringFrameSize,
		Frame_nr:       uint32(blocks * (cfg.BlockSize / ringFrameSize)),
		Retire_blk_tov: uint32(cfg.BlockTimeout.Milliseconds()),
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("set up ring of %d MiB: %w", blocks*cfg.BlockSize>>20, err)
	}
	mem, err := unix.Mmap(r.fd, 0, blocks*cfg.BlockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil { // without a ring again, or the next try would find it busy
		_ = unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &unix.TpacketReq3{})
		return fmt.Errorf("map ring of %d MiB: %w", blocks*cfg.BlockSize>>20, err)
	}
	r.mem = mem
	return nil
}

// bindSocket makes the socket see all protocols of one interface.
func bindSocket(fd, index int) error {
	proto := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	if nativeIsBig() {
		proto = unix.ETH_P_ALL
	}
	err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: index})
	switch {
	case errors.Is(err, unix.ENODEV):
		return ErrInterfaceGone
	case errors.Is(err, unix.ENETDOWN):
		return ErrInterfaceDown
	case err != nil:
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

// attachFilter replaces the filter of a socket, atomically.
func attachFilter(fd int, prog []bpf.RawInstruction) error {
	fprog := sockFprog(prog)
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, fprog); err != nil {
		return fmt.Errorf("attach filter of %d instructions: %w", len(prog), err)
	}
	return nil
}

// sockFprog makes the kernel's form of a program; bpf.RawInstruction and struct
// sock_filter have the same layout.
func sockFprog(prog []bpf.RawInstruction) *unix.SockFprog {
	return &unix.SockFprog{
		Len:    uint16(len(prog)),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&prog[0])),
	}
}

// joinFanout makes one group of the rings. The kernel picks an id that is free
// (PACKET_FANOUT_FLAG_UNIQUEID, 4.12), so that two sensors never share a group.
// The argument has 4 bytes: 8 are taken from 5.11 on only.
func joinFanout(rings []*Ring, name string) error {
	mode, _ := parseFanout(name)
	arg := (int(mode) | unix.PACKET_FANOUT_FLAG_UNIQUEID) << 16
	for i, r := range rings {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, arg); err != nil {
			return fmt.Errorf("join fanout group (%s): %w", name, err)
		}
		if i > 0 {
			continue
		}
		got, err := unix.GetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
		if err != nil {
			return fmt.Errorf("read fanout id: %w", err)
		}
		arg = got&0xffff | int(mode)<<16
	}
	if mode != fanoutCBPF {
		return nil
	}
	prog, err := pairFanout()
	if err != nil {
		return err
	}
	if err := unix.SetsockoptSockFprog(rings[0].fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, sockFprog(prog)); err != nil {
		return fmt.Errorf("set fanout program: %w", err)
	}
	return nil
}
