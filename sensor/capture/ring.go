package capture

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/net/bpf"
)

// ErrInterfaceGone says that an interface does not exist, or was deleted under
// its ring. WaitUp returns when it is there again; then open new rings.
var ErrInterfaceGone = errors.New("interface does not exist")

// ErrInterfaceDown says that rings cannot be opened because the interface is
// administratively down. WaitUp returns when it is up.
var ErrInterfaceDown = errors.New("interface is down")

// RingConfig says how to capture on one interface. Only Interface must be set;
// the zero value of every other field means the default given there.
type RingConfig struct {
	// Interface is the name of the interface.
	Interface string
	// RingBytes is the memory of each ring, so that Shards rings take Shards
	// times as much (64 MiB). It is halved as long as the kernel has not got it.
	RingBytes int
	// BlockSize is the size of a block in bytes (1 MiB), a multiple of the page
	// size; a ring has two at least.
	BlockSize int
	// BlockTimeout is how long the kernel keeps a block that is not full
	// (60 ms, 1 ms at least).
	BlockTimeout time.Duration
	// Snaplen is how many bytes of each frame are kept (128). It does not
	// change WireLen.
	Snaplen int
	// Promiscuous takes frames for other hosts in, too.
	Promiscuous bool
	// Shards is the number of rings (1).
	Shards int
	// Fanout says how frames are spread over the shards: "hash" (the default: by flow,
	// both directions in one), "pair" (by address pair), "cpu" (by receiving core),
	// "queue" (by the interface's receive queue) or "lb" (round robin).
	Fanout string
	// Filter decides in the kernel which frames are captured; nil is all. What
	// it returns is cut to Snaplen. It must be made for LinkType of the interface.
	Filter []bpf.RawInstruction
	// NoSegments counts a super-frame as one packet. It is so anyway where the
	// kernel is older than 6.2, which with PACKET_VNET_HDR would drop frames.
	NoSegments bool
	// OpenSocket gives a packet socket of this type (SOCK_RAW or SOCK_DGRAM) for the
	// protocol 0, not blocking and closed on exec, that nothing has been done to. The
	// ring closes it. Nil is socket(2), for which the calling thread needs CAP_NET_RAW:
	// it is all that a ring needs it for, so who has it may open sockets for who has not.
	// Several goroutines may call it at once.
	OpenSocket func(sockType int) (fd int, err error)
	// Logger takes what is worth a warning; nil discards it.
	Logger *slog.Logger
}

// Defaults and limits of RingConfig.
const (
	defaultRingBytes    = 64 << 20
	defaultBlockSize    = 1 << 20
	defaultBlockTimeout = 60 * time.Millisecond
	defaultSnaplen      = 128
	maxSnaplen          = 256 << 10
	maxShards           = 256       // PACKET_FANOUT_MAX before 5.8
	ringFrameSize       = 2 << 10   // V3 packs frames; the size only has to divide the block
	maxRingBytes        = 1<<31 - 1 // so that lengths fit an int of 32 bits
)

// withDefaults fills in what is not set and checks the rest.
func (c RingConfig) withDefaults() (RingConfig, error) {
	setDefault(&c.RingBytes, defaultRingBytes)
	setDefault(&c.BlockSize, defaultBlockSize)
	setDefault(&c.BlockTimeout, defaultBlockTimeout)
	setDefault(&c.Snaplen, defaultSnaplen)
	setDefault(&c.Shards, 1)
	setDefault(&c.Fanout, "hash")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.Interface == "" {
		bad("interface name is empty")
	}
	if page := os.Getpagesize(); c.BlockSize < page || c.BlockSize%page != 0 {
		bad("block size %d (must be a multiple of the page size, %d)", c.BlockSize, page)
	}
	if c.RingBytes < 2*c.BlockSize || c.RingBytes > maxRingBytes {
		bad("ring size %d (must be 2 blocks of %d bytes at least, under 2 GiB)", c.RingBytes, c.BlockSize)
	}
	if c.BlockTimeout < time.Millisecond || c.BlockTimeout > time.Minute {
		bad("block timeout %v (must be 1ms to 1m)", c.BlockTimeout)
	}
	if c.Snaplen < 1 || c.Snaplen > maxSnaplen {
		bad("snaplen %d (must be 1 to %d)", c.Snaplen, maxSnaplen)
	}
	if c.Shards < 1 || c.Shards > maxShards {
		bad("%d shards (must be 1 to %d)", c.Shards, maxShards)
	}
	if _, ok := parseFanout(c.Fanout); !ok {
		bad("fanout %q (must be hash, pair, cpu, queue or lb)", c.Fanout)
	}
	if len(wrong) > 0 {
		return c, fmt.Errorf("open ring on %q: %s", c.Interface, strings.Join(wrong, "; "))
	}
	return c, nil
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}
