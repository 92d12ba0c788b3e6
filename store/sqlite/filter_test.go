package sqlite

import (
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestPortFilterWithoutPorts: a block in which nothing has a port has nothing that a
// term about ports may match, also as the first one that is looked at.
func TestPortFilterWithoutPorts(t *testing.T) {
	s := openNew(t, Options{})
	b := mini("a", 0, 0, 20)
	for i := range b.Points {
		b.Points[i].Port, b.Points[i].HasPort = 0, false
	}
	appendAll(t, s, b)
	for text, want := range map[string]int{"port:0-65535": 0, "-port:53": len(inOrder(b.Points))} {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(pointsOf(t, s, f)); n != want {
			t.Errorf("%s finds %d points, want %d", text, n, want)
		}
	}
}
