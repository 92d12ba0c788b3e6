//go:build !linux

package capture

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/bpf"
)

// Ring is one TPACKET_V3 ring, which only Linux has.
type Ring struct{}

// OpenRings fails: live capture needs Linux. Reading files works.
func OpenRings(cfg RingConfig) ([]*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("open ring on %q: %w (live capture needs Linux)", cfg.Interface, errors.ErrUnsupported)
}

// Interface returns the empty string.
func (r *Ring) Interface() string { return "" }

// Index returns 0.
func (r *Ring) Index() int { return 0 }

// LinkType returns 0.
func (r *Ring) LinkType() uint16 { return 0 }

// SetFilter fails.
func (r *Ring) SetFilter([]bpf.RawInstruction) error { return errors.ErrUnsupported }

// Size returns 0.
func (r *Ring) Size() int { return 0 }

// ReadBlock fails.
func (r *Ring) ReadBlock(time.Duration) (*Block, error) { return nil, errors.ErrUnsupported }

// Stop does nothing.
func (r *Ring) Stop() {}

// Stats returns zeros.
func (r *Ring) Stats() (Stats, error) { return Stats{}, nil }

// Close does nothing.
func (r *Ring) Close() error { return nil }
