package term

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(9999), "9,999"},
		{Count(10_000), "10.0 k"}, {Count(12_345), "12.3 k"}, {Count(999_499), "999 k"}, {Count(999_500), "1.00 M"},
		{Count(3_099_999), "3.10 M"}, {Count(1<<64 - 1), "18.4 E"},
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.00 kB"}, {Bytes(9_140_000_000), "9.14 GB"}, {Bytes(99_960), "100 kB"},
		{Share(0, 0), ""}, {Share(0, 5), "0.0 %"}, {Share(1, 5000), "<0.1 %"}, {Share(1, 3), "33.3 %"}, {Share(3, 3), "100.0 %"},
		{Duration(1500 * time.Millisecond), "2s"}, {Duration(190 * time.Second), "3m10s"},
		{Duration(320 * time.Minute), "5h20m"}, {Duration(76 * time.Hour), "3d4h"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	var table Table
	table.Head("name", ">packets", "nothing", "place")
	table.Row("a", "1,000", "", "São Paulo")
	table.Row("a longer one", "7", "", "x\x1b[31m\u202e", "dropped")
	table.Row("short")
	var b strings.Builder
	if _, err := table.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := "name          packets  place\n" +
		"a               1,000  São Paulo\n" +
		"a longer one        7  x?[31m?\n" +
		"short\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	var empty Table
	empty.Head("a", ">b")
	b.Reset()
	if _, err := empty.WriteTo(&b); err != nil || b.String() != "a  b\n" {
		t.Errorf("an empty table is %q", b.String())
	}
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	l := NewLogger(&b, slog.LevelInfo, "human").With("interface", "eth0").WithGroup("g")
	l.Debug("not shown")
	l.Info("opened", "shards", 2, "empty", "")
	l.Warn("odd", "name", "two words\n")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	var got []string
	for _, line := range lines {
		got = append(got, line[len("15:04:05 "):])
	}
	want := []string{"opened interface=eth0 g.shards=2", `warn: odd interface=eth0 g.name="two words?"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	NewLogger(&b, Level("warn"), "auto").Warn("json", "n", 1) // a buffer is no terminal
	if !strings.HasPrefix(b.String(), "{") || !strings.Contains(b.String(), `"n":1`) {
		t.Errorf("not JSON: %s", &b)
	}
	if NewLogger(&b, Level("error"), "json").Enabled(t.Context(), slog.LevelWarn) {
		t.Error("level error shows warnings")
	}
}

// TestNilBar shows that callers need not ask whether there is a bar.
func TestNilBar(t *testing.T) {
	bar := NewBar(new(bytes.Buffer), "x", 10)
	if bar != nil {
		t.Fatal("a bar on a buffer")
	}
	bar.Set(5)
	if n, err := bar.Write(make([]byte, 3)); n != 3 || err != nil {
		t.Error(n, err)
	}
	bar.Done()
}

func TestHeld(t *testing.T) {
	var b strings.Builder
	h := NewHeld(&b)
	h.Write([]byte("early "))
	if b.Len() > 0 {
		t.Errorf("not held: %q", b.String())
	}
	h.Release()
	h.Write([]byte("late"))
	h.Release()
	if b.String() != "early late" {
		t.Errorf("got %q", b.String())
	}
}
