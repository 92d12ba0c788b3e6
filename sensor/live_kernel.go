package sensor

import "github.com/packetheat/packetheat/sensor/capture"

// kernel is the system of every run but those of tests.
func kernel() system {
	return system{
		open:     openRings,
		resolve:  resolve,
		watch:    capture.WatchInterfaces,
		waitUp:   capture.WaitUp,
		networks: capture.HostNetworks,
		losses:   capture.Losses,
		backlog:  capture.BacklogDrops,
	}
}

// openRings opens the rings of one interface with the filter for its link type.
func openRings(cfg capture.RingConfig, filter Filter) ([]Source, error) {
	if filter != nil {
		all, err := capture.Interfaces()
		if err != nil {
			return nil, err
		}
		for _, i := range all {
			if i.Name != cfg.Interface {
				continue
			}
			if cfg.Filter, err = filter(i.LinkType(), true); err != nil {
				return nil, err
			}
		}
	}
	rings, err := capture.OpenRings(cfg)
	if err != nil {
		return nil, err
	}
	sources := make([]Source, len(rings))
	for i, ring := range rings {
		sources[i] = ring
	}
	return sources, nil
}

// resolve names what to capture on, missing interfaces too: they may come.
func resolve(names []string) (choice, error) {
	r, err := capture.ResolveInterfaces(names)
	c := choice{reason: r.Reason, fallback: r.Fallback, promiscuous: r.Promiscuous, all: r.All}
	for _, i := range r.Interfaces {
		c.names = append(c.names, i.Name)
	}
	c.names = append(c.names, r.Missing...)
	if len(c.names) == 0 {
		return c, err
	}
	return c, nil
}
