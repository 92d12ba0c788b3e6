package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
)

// frameOf is the start of an IPv4 frame of UDP to a port of 9.9.9.9.
func frameOf(port byte) []byte {
	f := make([]byte, 60)
	f[12], f[14], f[23] = 8, 0x45, 17
	copy(f[26:], []byte{10, 0, 0, 5, 9, 9, 9, 9, 0x9c, 0x40, 0, port})
	return f
}

// accepts runs the filter that a configuration makes over a frame.
func accepts(t *testing.T, c *Loaded, frame []byte) bool {
	t.Helper()
	filter := c.Sensor.CaptureFilter()
	if filter == nil {
		return true
	}
	raw, err := filter(capture.LinkEthernet, false)
	if err != nil {
		t.Fatal(err)
	}
	program, _ := bpf.Disassemble(raw)
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(frame)
	return err == nil && n > 0
}

// dns is what tcpdump -ddd prints for "udp dst port 53" on Ethernet, IPv4 only.
const dns = "8\n40 0 0 12\n21 0 5 2048\n48 0 0 23\n21 0 3 17\n40 0 0 36\n21 0 1 53\n6 0 0 262144\n6 0 0 0\n"

func TestCaptureFilter(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		dns, syslog bool // is each accepted
	}{
		{"none", "", true, true},
		{"include", "sensor: {include: [{networks: [9.9.9.0/24], ports: [50-60]}]}", true, false},
		{"exclude", "sensor: {exclude: [{protocols: [udp], ports: [53]}]}", false, true},
		{"both", "sensor: {include: [{protocols: [udp]}], exclude: [{ports: [255, 53]}]}", false, false},
		{"vlan", "sensor: {include: [{vlans: [7]}]}", false, false},
		{"bpf", "sensor:\n  bpf: |\n    " + strings.ReplaceAll(dns, "\n", "\n    "), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			loaded := load(t, write(t, c.text))
			if got, want := []bool{accepts(t, loaded, frameOf(53)), accepts(t, loaded, frameOf(255))}, []bool{c.dns, c.syslog}; !cmp.Equal(got, want) {
				t.Errorf("accepts %v, want %v", got, want)
			}
			var dumped bytes.Buffer
			if err := loaded.Dump(&dumped, false); err != nil {
				t.Fatal(err)
			}
			again := load(t, write(t, dumped.String()))
			if diff := cmp.Diff(loaded.Config, again.Config, cmpopts.EquateEmpty(), cmp.Comparer(samePrefix)); diff != "" {
				t.Errorf("read again:\n%s\n%s", diff, &dumped)
			}
		})
	}
}

func TestCaptureFilterProblems(t *testing.T) {
	var many []string
	for i := range 1500 {
		many = append(many, fmt.Sprintf("2001:db8:%x::/48", i))
	}
	half := strings.Join(many[:150], ", ")
	for _, c := range []struct {
		name, text string
		want       []string // the start of each line
	}{
		{"too long", "sensor:\n  include: [{networks: [" + strings.Join(many, ", ") + "]}]", []string{"config.yaml:2: sensor.include: compile filter: "}},
		{"too long, too", "sensor:\n  exclude: [{networks: [" + strings.Join(many, ", ") + "]}]", []string{"config.yaml:2: sensor.exclude: compile filter: "}},
		{"too long together", "sensor:\n  include: [{networks: [" + half + "]}]\n  exclude: [{networks: [" + half + "]}]", []string{"config.yaml:3: sensor.exclude: compile filter: "}},
		{"no program", "sensor: {bpf: port 53}", []string{`config.yaml:1: sensor.bpf: read BPF program: it begins with "port 53"`}},
		{"jumps out", "sensor: {bpf: '2,21 9 0 1,6 0 0 1'}", []string{"config.yaml:1: sensor.bpf: read BPF program: instruction 0 jumps out"}},
		{"two kinds", "sensor:\n  include: [{ports: [1]}]\n  bpf: '1,6 0 0 1'", []string{"config.yaml:3: sensor.bpf: stands beside sensor.include"}},
		{"everything", "sensor:\n  exclude: [{ports: [1]}, {}]", []string{"config.yaml:2: sensor.exclude[1]: it would match every packet"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := write(t, c.text)
			_, err := Load(o)
			var problems Problems
			if !errors.As(err, &problems) || len(problems) != len(c.want) {
				t.Fatalf("Load returned %.500v", err)
			}
			for i, p := range problems {
				if _, line, _ := strings.Cut(p.String(), "/config.yaml"); !strings.HasPrefix("config.yaml"+line, c.want[i]) {
					t.Errorf("problem %d is %q, want %q …", i, p, c.want[i])
				}
			}
		})
	}
}

func TestDiffers(t *testing.T) {
	a := load(t, write(t, "sensor: {exclude: [{ports: [1]}]}\nlog: {level: warn}\ngeo: {home: {latitude: 1, longitude: 2}}"))
	b := load(t, write(t, "sensor: {exclude: [{ports: [1-2]}]}\nlog: {level: warn}\ngeo: {home: {latitude: 1, longitude: 3}}"))
	if diff := cmp.Diff([]string{"sensor.exclude", "geo.home"}, a.Differs(b)); diff != "" {
		t.Error(diff)
	}
	if same := a.Differs(a); same != nil {
		t.Errorf("differs from itself in %v", same)
	}
}
