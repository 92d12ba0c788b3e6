package config

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzFile reads any text as a file: it is taken, or refused with words.
func FuzzFile(f *testing.F) {
	text, err := os.ReadFile(reference)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("sensor: {interfaces: [a, b], ring: {total: 5%}}\n")
	f.Add("geo:\n  networks: [{network: 10.0.0.0/8, latitude: 1, longitude: 2}]\n  home: {latitude: 1}\n")
	f.Add("a: &a [*a]\nsensor: *a\n<<: {log: {level: warn}}\n")
	f.Add("sensor:\n- x\n? [a]\n: b\n1: 2\n")
	f.Add("store: {retention: {views: {10m: forever}}}\n---\nsecond: document\n")
	f.Add("\x00\xff")
	name := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(Options{File: name})
		switch {
		case err != nil && err.Error() == "":
			t.Error("refused without a word")
		case err == nil && loaded.Sensor.Name == "":
			t.Error("a configuration without a sensor's name")
		}
	})
}
