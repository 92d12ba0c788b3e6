package livetest

import (
	"strings"
	"testing"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestBrowserSeesErrors shows that the driver notices what the page tests rely on it
// to notice.
func TestBrowserSeesErrors(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	b := browse(t, link.Sensor)
	b.open("data:text/html,<script>console.error('one');setTimeout(()=>{throw new Error('two')})</script><img src='http://127.0.0.1:4321/three'>")
	var n int
	for range 50 {
		b.eval("new Promise(f => setTimeout(() => f(1), 100))", &n)
		if all := strings.Join(b.complaints(), "\n"); strings.Contains(all, "one") && strings.Contains(all, "two") && strings.Contains(all, "REFUSED") {
			return
		}
	}
	t.Errorf("saw only %q", b.complaints())
}
