package clickhouse

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// dial makes the driver's pool; nothing is sent yet.
func (s *Store) dial() error {
	d, err := parseDSN(s.o.DSN)
	if err != nil {
		return err
	}
	s.o.Database = cmp.Or(s.o.Database, d.Auth.Database)
	d.Auth.Database = "" // Init makes it, and every statement names it
	d.Auth.Username = cmp.Or(s.o.User, d.Auth.Username)
	d.Auth.Password = cmp.Or(s.o.Password, d.Auth.Password)
	if s.o.CA != "" {
		if d.TLS == nil {
			return errors.New("connect to ClickHouse: certificates to trust are given, and the DSN asks for no TLS: use https://… or secure=true")
		}
		if d.TLS.RootCAs, err = certificates(s.o.CA); err != nil {
			return err
		}
	}
	d.ClientInfo.Products = append(d.ClientInfo.Products, struct{ Name, Version string }{"packetheat", cmp.Or(s.o.Program, "unknown")})
	s.http = d.Protocol == clickhouse.HTTP
	s.addr = d.Addr
	if s.conn, err = clickhouse.Open(d); err != nil {
		return fmt.Errorf("connect to ClickHouse at %s: %w", s.where(), err)
	}
	return nil
}

// where names the servers for people, without user and password.
func (s *Store) where() string { return strings.Join(s.addr, ",") }

// parseDSN reads a DSN, with the ports and the TLS that its scheme stands for.
func parseDSN(dsn string) (*clickhouse.Options, error) {
	scheme, rest, ok := strings.Cut(dsn, "://")
	ports, known := map[string][2]string{"clickhouse": {"9000", "9440"}, "tcp": {"9000", "9440"}, "http": {"8123", ""}, "https": {"", "8443"}}[scheme]
	if !ok || !known {
		return nil, fmt.Errorf("the address of ClickHouse has to begin with clickhouse://, http:// or https://, as in clickhouse://db.example.net:9000")
	}
	if scheme == "https" && !strings.Contains(rest, "secure=") {
		if strings.Contains(rest, "?") {
			dsn += "&secure=true"
		} else {
			dsn += "?secure=true"
		}
	}
	d, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the address of ClickHouse: %w", withoutURL(err))
	}
	port := ports[0]
	if d.TLS != nil {
		port = ports[1]
		d.TLS.MinVersion = tls.VersionTLS12
	}
	for i, a := range d.Addr {
		if _, _, err := net.SplitHostPort(a); err != nil {
			d.Addr[i] = net.JoinHostPort(strings.Trim(a, "[]"), port)
		}
	}
	if d.Compression == nil {
		d.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	d.DialTimeout = cmp.Or(d.DialTimeout, 10*time.Second)
	return d, nil
}

// withoutURL takes the address, which may have a password in it, out of an error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func certificates(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the certificates to trust: %q has none in PEM form", file)
	}
	return pool, nil
}

// Codes of ClickHouse's exceptions.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
	codeWrongPassword   = 193
	codeUnknownUser     = 192
	codeNotAllowed      = 497
	codeAuthentication  = 516
)

// codeOf returns the code of the server's exception, or 0.
func codeOf(err error) int32 {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// hint returns what the user can do about err, in brackets, or "".
func hint(err error) string {
	var network *net.OpError
	switch codeOf(err) {
	case codeWrongPassword, codeUnknownUser, codeAuthentication:
		return " (check fleet.clickhouse.user and fleet.clickhouse.password)"
	case codeNotAllowed:
		return " (grant the user what the statements of packetheat fleet init --print need)"
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return " (if the certificate is your own, fleet.clickhouse.ca names the file that it, or its authority's, is in)"
	case errors.As(err, &name):
		return " (write the host in fleet.clickhouse.dsn as the certificate has it)"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network):
		return " (is the server running, and is its port right? clickhouse:// is 9000, http:// 8123)"
	}
	return ""
}
