package geo

import "testing"

func TestWithoutDistrict(t *testing.T) {
	for name, want := range map[string]string{
		"New York (Manhattan)": "New York", "Paris (1st arrondissement)": "Paris", "Lyon": "Lyon", "": "",
		"(x)": "(x)", "A (b) c": "A (b) c",
	} {
		if got := withoutDistrict(name); got != want {
			t.Errorf("withoutDistrict(%q) = %q, want %q", name, got, want)
		}
	}
}
