package config

import (
	"errors"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
)

// CaptureFilter makes the program that decides which frames of a link type count;
// live is for rings (see capture.CompileFilter). It is nil where everything does. What
// Load has accepted compiles for every link type that it knows of.
func (s *Sensor) CaptureFilter() func(linkType uint16, live bool) ([]bpf.RawInstruction, error) {
	if s.BPF != "" {
		// Nobody can tell what link type it was made for: that is the user's part.
		program, err := capture.ParseBPF(s.BPF)
		return func(uint16, bool) ([]bpf.RawInstruction, error) { return slices.Clone(program), err }
	}
	include, exclude := captureConditions(s.Include), captureConditions(s.Exclude)
	if len(include)+len(exclude) == 0 {
		return nil
	}
	return func(linkType uint16, live bool) ([]bpf.RawInstruction, error) {
		return capture.CompileFilter(include, exclude, linkType, live)
	}
}

func captureConditions(list []Condition) (all []capture.Condition) {
	for _, c := range list {
		to := capture.Condition{Networks: c.Networks, Protocols: c.Protocols, VLANs: c.VLANs}
		for _, r := range c.Ports {
			to.Ports = append(to.Ports, capture.PortRange{Low: uint16(r.Low), High: uint16(r.High)})
		}
		all = append(all, to)
	}
	return all
}

// checkBPF accepts what tcpdump -ddd prints.
func checkBPF(text string) error {
	_, err := capture.ParseBPF(text)
	return err
}

// checkFilters finds what is wrong with the capture filters together: that there are
// two kinds of them, or more conditions than a program of the kernel holds.
func (l *loading) checkFilters() {
	s := &l.Sensor
	report := func(name string, err error) {
		if err != nil {
			l.problem(name, l.Sources[name], err)
		}
	}
	if s.BPF != "" && len(s.Include)+len(s.Exclude) > 0 {
		report("sensor.bpf", errors.New("stands beside sensor.include or sensor.exclude, and only one can count: remove it, or them"))
		return
	}
	one := func(c []Condition, other []Condition) error {
		alone := Sensor{Include: c, Exclude: other}
		filter := alone.CaptureFilter()
		if filter == nil {
			return nil
		}
		_, err := filter(capture.LinkEthernet, true) // the longest of them all
		return err
	}
	include, exclude := one(s.Include, nil), one(nil, s.Exclude)
	report("sensor.include", include)
	report("sensor.exclude", exclude)
	if include == nil && exclude == nil {
		report("sensor.exclude", one(s.Include, s.Exclude))
	}
}
