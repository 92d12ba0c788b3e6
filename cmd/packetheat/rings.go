package main

import (
	"log/slog"
	"runtime"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/sensor/capture"
)

// ringsOf is what the rings of interfaces are made like.
func ringsOf(c *config.Loaded, interfaces []string, log *slog.Logger) sensor.Live {
	s := c.Sensor
	shards := s.Shards
	if shards == 0 {
		shards = min(runtime.NumCPU(), 4)
	}
	return sensor.Live{
		Interfaces: interfaces,
		RingTotal:  int(s.RingTotal.Of(memory())),
		Ring: capture.RingConfig{
			BlockSize: int(s.BlockSize), BlockTimeout: s.BlockTimeout, Snaplen: s.Snaplen, Promiscuous: s.Promiscuous,
			Shards: shards, Fanout: fanoutOf(c), Logger: log,
		},
	}
}

// fanoutOf is capture's name for what the configuration asks for.
func fanoutOf(c *config.Loaded) string {
	if c.Sensor.Fanout == "cbpf" {
		return "pair"
	}
	return c.Sensor.Fanout
}
