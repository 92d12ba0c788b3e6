package main

import (
	"slices"
	"strings"
	"testing"
)

// TestMachineInterfaces holds the list to what every Linux has: a loopback.
func TestMachineInterfaces(t *testing.T) {
	all := machineInterfaces([]string{"lo"})
	if !slices.IsSortedFunc(all, func(a, b machineJSON) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not in order: %v", all)
	}
	i := slices.IndexFunc(all, func(m machineJSON) bool { return m.Name == "lo" })
	if i < 0 || !all[i].Captured {
		t.Fatalf("no captured loopback among %v", all)
	}
	if rest := slices.Delete(slices.Clone(all), i, i+1); slices.ContainsFunc(rest, func(m machineJSON) bool { return m.Captured }) {
		t.Errorf("more than the loopback is captured: %v", all)
	}
}
