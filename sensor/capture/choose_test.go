package capture

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// up makes an interface that is up.
func up(index int, name, kind string, master, parent int) Interface {
	return Interface{Name: name, Index: index, Kind: kind, Master: master, Parent: parent, Up: true}
}

func describe(taken []Interface, out []LeftOut) (list []string) {
	for _, i := range taken {
		list = append(list, i.Name)
	}
	for _, o := range out {
		list = append(list, fmt.Sprintf("-%s: %s", o.Name, o.Why))
	}
	return list
}

// TestSpread: of interfaces that show the same frames one is taken.
func TestSpread(t *testing.T) {
	lo := Interface{Name: "lo", Index: 1, Up: true, Loopback: true}
	away := up(3, "veth0", "veth", 0, 2)
	away.Elsewhere = true
	off := up(4, "br0", "bridge", 0, 0)
	off.Up = false
	for _, tt := range []struct {
		name  string
		all   []Interface
		named []string
		want  string
	}{
		{"nothing", nil, nil, ""},
		{"loopback alone", []Interface{lo}, nil, "lo"},
		{"loopback beside a card", []Interface{lo, up(2, "eth0", "", 0, 0)}, nil, "eth0; -lo: loopback"},
		{"ports of a bridge", []Interface{lo, up(2, "eth0", "", 4, 0), up(3, "tap0", "tun", 4, 0), up(4, "br0", "bridge", 0, 0)}, nil,
			"br0; -eth0: port of br0; -tap0: port of br0; -lo: loopback"},
		{"ports of a bridge that is down", []Interface{up(2, "eth0", "", 4, 0), off}, nil, "eth0"},
		{"a bond in a bridge", []Interface{up(2, "eth0", "", 3, 0), up(3, "bond0", "bond", 4, 0), up(4, "br0", "bridge", 0, 0)}, nil,
			"br0; -eth0: port of bond0; -bond0: port of br0"},
		{"VLANs and macvlans", []Interface{up(2, "eth0", "", 0, 0), up(3, "eth0.7", "vlan", 0, 2), up(4, "mac0", "macvlan", 0, 2), up(5, "ipv0", "ipvlan", 0, 2)}, nil,
			"eth0; -eth0.7: vlan on eth0; -mac0: macvlan on eth0; -ipv0: ipvlan on eth0"},
		{"a VLAN in a VLAN", []Interface{up(2, "eth0", "", 0, 0), up(3, "eth0.7", "vlan", 0, 2), up(4, "eth0.7.8", "vlan", 0, 3)}, nil,
			"eth0; -eth0.7: vlan on eth0; -eth0.7.8: vlan on eth0.7"},
		{"a VLAN of a port leaves before the bridge", []Interface{up(2, "eth0", "", 4, 0), up(3, "eth0.7", "vlan", 0, 2), up(4, "br0", "bridge", 0, 0)}, nil,
			"eth0.7; br0; -eth0: port of br0"},
		{"a VLAN that is a port", []Interface{up(2, "eth0", "", 0, 0), up(3, "eth0.7", "vlan", 4, 2), up(4, "br0", "bridge", 0, 0)}, nil,
			"eth0; br0; -eth0.7: port of br0"},
		{"a tunnel is no child", []Interface{up(2, "eth0", "", 0, 0), up(3, "gre1", "gre", 0, 2)}, nil, "eth0; gre1"},
		{"both ends of a veth pair", []Interface{up(2, "veth0", "veth", 0, 3), up(3, "veth1", "veth", 0, 2)}, nil,
			"veth0; -veth1: other end of veth0"},
		{"one end is a port", []Interface{up(2, "veth0", "veth", 0, 3), up(3, "veth1", "veth", 4, 2), up(4, "br0", "bridge", 0, 0)}, nil,
			"br0; -veth0: other end of veth1; -veth1: port of br0"},
		{"the other end is elsewhere", []Interface{up(2, "eth0", "", 0, 0), away}, nil, "eth0; veth0"},
		{"the other end is named", []Interface{up(2, "veth0", "veth", 0, 3), up(3, "veth1", "veth", 0, 2)}, []string{"veth1"},
			"veth1; -veth0: other end of veth1"},
		{"a port that is named", []Interface{up(2, "eth0", "", 3, 0), up(3, "br0", "bridge", 0, 0)}, []string{"eth0"}, "eth0; br0"},
		{"ports of a VRF", []Interface{up(2, "eth0", "", 3, 0), up(3, "red", "vrf", 0, 0)}, nil, "eth0; -red: its ports are captured"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var named []Interface
			for _, i := range tt.all {
				if slices.Contains(tt.named, i.Name) {
					named = append(named, i)
				}
			}
			before := slices.Clone(tt.all)
			if got := strings.Join(describe(spread(tt.all, named)), "; "); got != tt.want {
				t.Errorf("spread:\n%s, want\n%s", got, tt.want)
			}
			if diff := cmp.Diff(before, tt.all, cmp.Comparer(func(a, b Interface) bool { return a.Name == b.Name })); diff != "" {
				t.Errorf("the list was changed:\n%s", diff)
			}
		})
	}
}

// TestResolveLeavesOut: the answer says what is left out, why, and which bridge must
// be promiscuous; an explicit name is never left out.
func TestResolveLeavesOut(t *testing.T) {
	all := []Interface{
		{Name: "lo", Index: 1, Up: true, Loopback: true},
		up(2, "eth0", "", 4, 0), up(3, "tap0", "tun", 4, 0), up(4, "br0", "bridge", 0, 0), up(5, "br1", "bridge", 0, 0),
	}
	for _, names := range [][]string{{AnyInterface}, nil} {
		r, err := resolve(names, all, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"br0", "br1", "-eth0: port of br0", "-tap0: port of br0", "-lo: loopback"}
		if diff := cmp.Diff(want, describe(r.Interfaces, r.LeftOut)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", names, diff)
		}
		if !slices.Equal(r.Promiscuous, []string{"br0"}) {
			t.Errorf("promiscuous: %v, want br0: br1 has no ports", r.Promiscuous)
		}
		for _, part := range []string{"eth0, tap0 (port of br0)", "lo (loopback)", "promiscuous, to see what passes between its ports: br0"} {
			if !strings.Contains(r.Reason, part) {
				t.Errorf("reason %q does not say %q", r.Reason, part)
			}
		}
	}
	r, err := resolve([]string{"eth0", "lo"}, all, []int{4})
	if err != nil || len(r.LeftOut) > 0 || len(r.Promiscuous) > 0 || len(r.Interfaces) != 2 {
		t.Errorf("two by name: %v, %v, %v", describe(r.Interfaces, r.LeftOut), r.Promiscuous, err)
	}
}
