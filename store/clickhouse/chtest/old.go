package chtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Old starts Debian's clickhouse-server. Its DSN is one of the native protocol.
func Old(t testing.TB) *Server {
	t.Helper()
	program := serverProgram(t)
	dir := t.TempDir()
	ports := freePorts(t, 2)
	return startOld(t, program, dir, ports[0], ports[1], "")
}

func serverProgram(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"clickhouse-server", "/usr/sbin/clickhouse-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "clickhouse-server")
	return ""
}

// startOld starts a server whose configuration has some more elements.
func startOld(t testing.TB, program, dir string, tcp, http int, more string) *Server {
	t.Helper()
	write(t, filepath.Join(dir, "config.xml"), fmt.Sprintf(oldConfig, dir, tcp, http, more))
	write(t, filepath.Join(dir, "users.xml"), oldUsers)
	s := &Server{Name: "18.16", DSN: fmt.Sprintf("clickhouse://127.0.0.1:%d", tcp), Dir: dir, t: t}
	s.command = func() *exec.Cmd { return command(dir, program, "--config-file=config.xml") }
	s.ready = func(cmd *exec.Cmd) error {
		if err := cmd.Start(); err != nil {
			return err
		}
		if err := answers(cmd, fmt.Sprintf("127.0.0.1:%d", tcp)); err != nil {
			return fmt.Errorf("%w\n%s", err, logOf(dir, "error.log"))
		}
		return nil
	}
	s.Start()
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("%s says:\n%s\n%s", s.Name, s.output.String(), logOf(dir, "error.log"))
		}
	})
	return s
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const oldConfig = `<yandex>
<logger><level>warning</level><log>%[1]s/server.log</log><errorlog>%[1]s/error.log</errorlog><size>10M</size><count>1</count></logger>
<listen_host>127.0.0.1</listen_host><tcp_port>%[2]d</tcp_port><http_port>%[3]d</http_port>
<path>%[1]s/data/</path><tmp_path>%[1]s/tmp/</tmp_path>
<users_config>%[1]s/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
<max_concurrent_queries>100</max_concurrent_queries><timezone>UTC</timezone><mlock_executable>false</mlock_executable>
%[4]s</yandex>
`

const oldUsers = `<yandex>
<profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas>
</yandex>
`
