package capturetest_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// waitReceived waits until the sensor's end has n frames and returns how many
// it has some time later.
func waitReceived(t *testing.T, link *capturetest.Link, n uint64) uint64 {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got, dropped := link.Sensor.Received(t); got+dropped >= n {
			break
		}
	}
	time.Sleep(50 * time.Millisecond)
	got, _ := link.Sensor.Received(t)
	return got
}

// TestSendExact: exactly as many frames arrive as were sent, in time, and none
// that nobody sent.
func TestSendExact(t *testing.T) {
	link := capturetest.Veth(t)
	s := link.Peer.Sender(t)
	frames := capturetest.UDPFrames(7, 100)
	var total uint64
	for _, tt := range []struct{ n, perSecond int }{{0, 0}, {1, 0}, {1000, 0}, {50, 500}, {3, 50}} {
		begin := time.Now()
		sent, err := s.Send(frames, tt.n, tt.perSecond, nil)
		if err != nil || sent != tt.n {
			t.Fatalf("Send %d at %d: %d, %v", tt.n, tt.perSecond, sent, err)
		}
		if tt.perSecond > 0 {
			want := time.Duration(tt.n-5) * time.Second / time.Duration(tt.perSecond)
			if d := time.Since(begin); d < want {
				t.Errorf("%d frames at %d a second took %v", tt.n, tt.perSecond, d)
			}
		}
		total += uint64(tt.n)
		if got := waitReceived(t, link, total); got != total {
			t.Fatalf("%d frames arrived, %d were sent", got, total)
		}
	}
	stop := make(chan struct{})
	close(stop)
	if sent, err := s.Send(frames, 1000, 0, stop); sent != 0 || err != nil {
		t.Errorf("Send after stop: %d, %v", sent, err)
	}
	link.Peer.Delete(t)
	if _, err := s.Send(frames, 1, 0, nil); err == nil {
		t.Error("Send without an interface succeeded")
	}
}

// TestUDPFrames: gopacket agrees that the frames are what they are said to be.
func TestUDPFrames(t *testing.T) {
	seen := make(map[string]bool)
	for _, size := range []int{0, 42, 64, 1514} {
		for i, f := range capturetest.UDPFrames(300, size) {
			p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
			udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
			ip, ok4 := p.NetworkLayer().(*layers.IPv4)
			if !ok || !ok4 || p.ErrorLayer() != nil || udp.SrcPort != layers.UDPPort(1024+i) || udp.DstPort != 53 || len(f) != max(size, 42) {
				t.Fatalf("frame %d of %d octets: %v", i, size, p)
			}
			seen[ip.SrcIP.String()] = true
			want := ip.Checksum
			buf := gopacket.NewSerializeBuffer()
			if err := ip.SerializeTo(buf, gopacket.SerializeOptions{ComputeChecksums: true}); err != nil || ip.Checksum != want {
				t.Fatalf("checksum is %#x, not %#x (%v)", want, ip.Checksum, err)
			}
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d different addresses, want 300", len(seen))
	}
}

// TestDo: what Do runs, and processes it starts, are in the namespace; the
// caller stays where it is.
func TestDo(t *testing.T) {
	link := capturetest.Veth(t)
	has := func(name string) bool { _, err := net.InterfaceByName(name); return err == nil }
	if link.Sensor.Do(t, func() {
		if !has(capturetest.SensorInterface) || has(capturetest.PeerInterface) {
			t.Error("the sensor's namespace has not its interface alone")
		}
	}); has(capturetest.SensorInterface) {
		t.Error("the caller is in the sensor's namespace")
	}
	link.Peer.Do(t, func() {
		cmd := exec.Command("cat", "/proc/self/net/dev")
		out, err := cmd.Output()
		if err != nil || !bytes.Contains(out, []byte(capturetest.PeerInterface)) {
			t.Errorf("a process in the peer's namespace sees %s (%v)", out, err)
		}
	})
}

// TestRequireCapture: without the right, a test is skipped, or fails if that is
// what the environment asks for. The test runs itself without capabilities.
func TestRequireCapture(t *testing.T) {
	if os.Getenv("CAPTURETEST_CHILD") == "1" {
		capturetest.RequireCapture(t)
		t.Log("had the right")
		return
	}
	capturetest.RequireCapture(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("no setpriv here")
	}
	for required, want := range map[string]string{"": "--- SKIP", "1": "--- FAIL"} {
		cmd := exec.Command(setpriv, "--bounding-set=-all", "--inh-caps=-all", os.Args[0], "-test.run=^TestRequireCapture$", "-test.v")
		cmd.Env = append(os.Environ(), "CAPTURETEST_CHILD=1", capturetest.RequireEnv+"="+required)
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%s=%q: want %s, got\n%s", capturetest.RequireEnv, required, want, out)
		}
	}
}
