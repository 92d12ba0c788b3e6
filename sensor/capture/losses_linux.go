package capture

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Losses returns what the interfaces with the given indexes have lost, in the network
// namespace of the calling thread. One that does not exist is not in the answer.
func Losses(indexes []int) (map[int]InterfaceLoss, error) {
	losses := make(map[int]InterfaceLoss, len(indexes))
	for _, index := range indexes {
		l, err := netlink.LinkByIndex(index)
		if errors.Is(err, unix.ENODEV) || errors.As(err, &netlink.LinkNotFoundError{}) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read counters of interface %d: %w", index, err)
		}
		if s := l.Attrs().Statistics; s != nil {
			losses[index] = InterfaceLoss{RxDropped: s.RxDropped, RxMissed: s.RxMissedErrors, RxFIFO: s.RxFifoErrors}
		}
	}
	return losses, nil
}

// BacklogDrops returns how many frames the machine's cores have dropped since it was
// started, of all interfaces and network namespaces together, because the queue
// before the network stack was full (net.core.netdev_max_backlog). No packet socket
// sees them.
func BacklogDrops() (uint64, error) {
	text, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		return 0, fmt.Errorf("read backlog drops: %w", err)
	}
	return parseSoftnet(string(text))
}

// parseSoftnet adds up the second column, "dropped", of softnet_stat: a line for each
// core, in hexadecimal (softnet_seq_show). The counters have 32 bits.
func parseSoftnet(text string) (drops uint64, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return 0, fmt.Errorf("read backlog drops: %q is no line of softnet_stat", line)
		}
		n, err := strconv.ParseUint(fields[1], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("read backlog drops: %w", err)
		}
		drops += n
	}
	return drops, nil
}
