package capture

import "testing"

func TestVersionAtLeast(t *testing.T) {
	for _, tt := range []struct {
		release string
		want    bool
	}{
		{"6.2.0", true}, {"6.18.44-fc", true}, {"10.0", true}, {"6.2", true},
		{"6.1.0-13-amd64", false}, {"5.15.0", false}, {"", false}, {"six", false},
	} {
		if got := versionAtLeast(tt.release, 6, 2); got != tt.want {
			t.Errorf("%q at least 6.2: %v", tt.release, got)
		}
	}
	if !kernelAtLeast(3, 2) {
		t.Error("this kernel is older than TPACKET_V3, or its version cannot be read")
	}
}
