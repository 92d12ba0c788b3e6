package livetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// shell is a block of commands in README.md, inline a command in its text.
var (
	shell  = regexp.MustCompile("(?s)```sh\n(.*?)```")
	inline = regexp.MustCompile("`(packetheat [^`]+)`")
)

// readmeCommands returns what README.md tells its readers to type.
func readmeCommands(t *testing.T) (commands []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range shell.FindAllStringSubmatch(string(readme), -1) {
		for _, line := range strings.Split(block[1], "\n") {
			if strings.HasPrefix(line, "packetheat ") {
				commands = append(commands, line)
			}
		}
	}
	for _, m := range inline.FindAllStringSubmatch(string(readme), -1) {
		if m[1] != "packetheat geo update" { // asks the internet, which no test does: it has tests of its own
			commands = append(commands, m[1])
		}
	}
	return commands
}

// TestReadme runs every packetheat command that README.md has, in a folder with a
// store and a capture file: each of them is done, with status 0. Those about a fleet have
// a real server.
func TestReadme(t *testing.T) {
	t.Parallel()
	commands := readmeCommands(t)
	if len(commands) < 5 {
		t.Fatalf("README.md has only the commands %q: is it read right?", commands)
	}
	dir := t.TempDir()
	sent := mix(t, 200)
	writePcap(t, filepath.Join(dir, "traffic.pcap"), sent.frames)
	ask(t, dir, "replay", "--data", "data", "traffic.pcap")
	same(t, "export csv of a replayed file", sent.times(1), readCSV(t, strings.NewReader(ask(t, dir, "export", "csv", "-o", "-"))))
	var fleet []string
	for _, command := range commands {
		if strings.Contains(command, "fleet") || strings.Contains(command, "berlin") {
			fleet = append(fleet, command)
			continue
		}
		runAsTyped(t, dir, command)
	}
	for _, name := range []string{"traffic.pcap.html", "traffic.pcap.csv", "map.html"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s, which README.md promises: %v", name, err)
		}
	}
	t.Run("fleet", func(t *testing.T) {
		server := chtest.Old(t)
		for _, sensor := range []string{"berlin", "tokyo"} {
			runAsTyped(t, dir, "packetheat replay --data "+sensor+" traffic.pcap", "PACKETHEAT_SENSOR_NAME="+sensor)
		}
		for _, command := range fleet {
			runAsTyped(t, dir, command, "PACKETHEAT_FLEET_CLICKHOUSE_DSN="+server.DSN)
		}
	})
}

// runAsTyped runs a command as a reader of README.md does: one that serves until it has
// said that it is ready, then Ctrl+C is pressed.
func runAsTyped(t *testing.T, dir, command string, env ...string) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.Command("sh", "-c", "exec "+command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, said, said
	cmd.Env = append(environment(env...), "PACKETHEAT_DASHBOARD_LISTEN=127.0.0.1:0", "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	text := func() string {
		b, _ := os.ReadFile(said.Name())
		return string(b)
	}
	serves := strings.HasPrefix(command, "packetheat serve")
	for end := time.Now().Add(4 * patience); ; { // a selftest may take minutes
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v\n%s", command, err, text())
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
		switch {
		case time.Now().After(end):
			t.Errorf("%s goes on and on\n%s", command, text())
			cmd.Process.Kill()
			end = time.Now().Add(patience)
		case serves && strings.Contains(text(), "ready "):
			serves = false
			cmd.Process.Signal(os.Interrupt)
		}
	}
}

// writePcap writes frames as tcpdump does, a millisecond apart, ending now.
func writePcap(t *testing.T, path string, frames [][]byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Duration(len(frames)) * time.Millisecond)
	for _, frame := range frames {
		ci := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(frame), Length: len(frame)}
		if err := w.WritePacket(ci, frame); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Millisecond)
	}
}
