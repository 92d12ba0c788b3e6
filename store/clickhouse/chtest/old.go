package chtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Old starts Debian's clickhouse-server. Its DSN is one of the native protocol.
func Old(t testing.TB) *Server {
	t.Helper()
	host := someHost()
	ports := freePorts(t, host, 2)
	return startOld(t, oldServer{program: serverProgram(t), dir: t.TempDir(), host: host, tcp: ports[0], http: ports[1]})
}

// OldTLS is Old with a port for the native protocol in TLS, which its DSN names as one of
// localhost. The files have its certificate and its key, in PEM form.
func OldTLS(t testing.TB, certificate, key string) *Server {
	t.Helper()
	ports := freePorts(t, localhost, 3)
	s := startOld(t, oldServer{program: serverProgram(t), dir: t.TempDir(), host: localhost, tcp: ports[0], http: ports[1],
		secure: ports[2], more: fmt.Sprintf(secureConfig, ports[2], certificate, key)})
	s.DSN = fmt.Sprintf("clickhouse://localhost:%d?secure=true", ports[2])
	return s
}

// OldAt is Old at an address of another network namespace: enter runs a function on a
// thread that is there.
func OldAt(t testing.TB, host string, enter func(func())) *Server {
	t.Helper()
	return startOld(t, oldServer{program: serverProgram(t), dir: t.TempDir(), host: host, tcp: 9000, http: 8123, enter: enter})
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

// oldServer is what an old server is started with.
type oldServer struct {
	program, dir string
	host         string // that it listens at
	tcp, http    int
	secure       int    // the port in TLS, which more sets; 0: none
	more         string // elements of its configuration
	enter        func(func())
}

// startOld starts a server.
func startOld(t testing.TB, o oldServer) *Server {
	t.Helper()
	write(t, filepath.Join(o.dir, "config.xml"), fmt.Sprintf(oldConfig, o.dir, o.tcp, o.http, o.more, o.host))
	write(t, filepath.Join(o.dir, "users.xml"), oldUsers)
	address := net.JoinHostPort(o.host, strconv.Itoa(o.tcp))
	s := &Server{Name: "18.16", DSN: "clickhouse://" + address, Dir: o.dir, t: t}
	s.command = func() *exec.Cmd { return command(o.dir, o.program, "--config-file=config.xml") }
	begin := func(cmd *exec.Cmd) error {
		if err := cmd.Start(); err != nil {
			return err
		}
		err := answers(cmd, address)
		if err == nil && o.secure != 0 { // it listens at its ports one after the other
			err = answers(cmd, net.JoinHostPort(o.host, strconv.Itoa(o.secure)))
		}
		if err != nil {
			return fmt.Errorf("%w\n%s", err, logOf(o.dir, "error.log"))
		}
		return nil
	}
	s.ready = begin
	if o.enter != nil {
		s.ready = func(cmd *exec.Cmd) (err error) {
			o.enter(func() { err = begin(cmd) })
			return err
		}
	}
	s.Start()
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("%s says:\n%s\n%s", s.Name, s.output.String(), logOf(o.dir, "error.log"))
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
<listen_host>%[5]s</listen_host><tcp_port>%[2]d</tcp_port><http_port>%[3]d</http_port>
<path>%[1]s/data/</path><tmp_path>%[1]s/tmp/</tmp_path>
<users_config>%[1]s/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
<max_concurrent_queries>100</max_concurrent_queries><timezone>UTC</timezone><mlock_executable>false</mlock_executable>
%[4]s</yandex>
`

const secureConfig = `<tcp_port_secure>%d</tcp_port_secure>
<openSSL><server><certificateFile>%s</certificateFile><privateKeyFile>%s</privateKeyFile><verificationMode>none</verificationMode>
<loadDefaultCAFile>false</loadDefaultCAFile><disableProtocols>sslv2,sslv3</disableProtocols></server></openSSL>
`

const oldUsers = `<yandex>
<profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas>
</yandex>
`
