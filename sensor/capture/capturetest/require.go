// Package capturetest helps tests that capture live: it joins two network
// namespaces by a veth pair, sends frames over it, and says when such a test may
// be skipped. It is for tests only, and for Linux.
//
//	link := capturetest.Veth(t)
//	link.Sensor.Do(t, func() { rings, err = capture.OpenRings(cfg) })
//	sender := link.Peer.Sender(t)
//	sent, err := sender.Send(frames, 10_000, 0, nil)
//
// The namespaces have no name and end with the test, also when it crashes.
package capturetest

import (
	"os"
	"testing"
)

// RequireEnv is the environment variable that, set to 1, makes a test that lacks
// the right to capture fail instead of skip.
const RequireEnv = "PACKETHEAT_REQUIRE_CAPTURE"

// RequireCapture skips the test where the process may not open packet sockets
// and make network namespaces, or fails it if RequireEnv is 1.
func RequireCapture(t testing.TB) {
	t.Helper()
	if err := probe(); err != nil {
		if os.Getenv(RequireEnv) == "1" {
			t.Fatalf("live capture is required (%s=1): %v", RequireEnv, err)
		}
		t.Skipf("no live capture here (run as root, or with unshare -rn): %v", err)
	}
}
