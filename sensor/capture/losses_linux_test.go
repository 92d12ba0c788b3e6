package capture

import "testing"

// TestParseSoftnet: the second column of every core counts, whatever follows it.
func TestParseSoftnet(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       uint64
		bad        bool
	}{
		{"two cores", "0000a3f1 00000010 00000002 00000000 00000000\n00000001 ffffffff 00000000 00000000 00000000 00000001\n", 0x10 + 0xffffffff, false},
		{"none", "", 0, false},
		{"cut", "0000a3f1\n", 0, true},
		{"no number", "0000a3f1 dropped 0\n", 0, true},
	} {
		got, err := parseSoftnet(tt.text)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%s: %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
	if _, err := BacklogDrops(); err != nil {
		t.Errorf("this machine's: %v", err)
	}
}
