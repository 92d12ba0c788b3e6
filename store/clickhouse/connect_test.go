package clickhouse

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

func TestParseDSN(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dsn   string
		hosts []string
		tls   bool
	}{
		{"clickhouse://db", []string{"db:9000"}, false},
		{"clickhouse://a,b:1,[::1]", []string{"a:9000", "b:1", "[::1]:9000"}, false},
		{"clickhouse://db?secure=true", []string{"db:9440"}, true},
		{"http://db", []string{"db:8123"}, false},
		{"https://db", []string{"db:8443"}, true},
		{"https://db:1?dial_timeout=1s", []string{"db:1"}, true},
	} {
		d, err := parseDSN(test.dsn)
		if err != nil {
			t.Errorf("%s: %v", test.dsn, err)
			continue
		}
		if !slices.Equal(d.Addr, test.hosts) || (d.TLS != nil) != test.tls || d.TLS != nil && d.TLS.MinVersion != tls.VersionTLS12 {
			t.Errorf("%s: %v, TLS %v", test.dsn, d.Addr, d.TLS)
		}
	}
	for _, dsn := range []string{"", "db:9000", "mysql://db", "clickhouse://", "clickhouse://u:s3cret@db:%zz", "http://u:s3cret@db?secure=true", "https://u:s3cret@[::1"} {
		if _, err := parseDSN(dsn); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
}

// TestTLS speaks to a server behind TLS whose certificate is of an authority of its own.
func TestTLS(t *testing.T) {
	t.Parallel()
	server := servers.Modern(t)
	target, err := url.Parse(strings.TrimSuffix(server.DSN, "?compress=none"))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(target))
	defer front.Close()
	front.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, dsn := context.Background(), front.URL+"?compress=none"
	s, err := Connect(ctx, Options{DSN: dsn, CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for what, o := range map[string]Options{
		"an unknown authority":    {DSN: dsn},
		"a file that is missing":  {DSN: dsn, CA: ca + "x"},
		"a file of something":     {DSN: dsn, CA: os.Args[0]},
		"certificates and no TLS": {DSN: server.DSN, CA: ca},
	} {
		if s, err := Connect(ctx, o); err == nil {
			s.Close()
			t.Errorf("%s is accepted", what)
		}
	}
}

// certificate writes a certificate of its own for a name, and its key, and returns the files.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	public, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: public}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// TestNativeTLS ships over the native protocol in TLS to a server with a certificate of its
// own, and says what is wrong where the certificate is of another, of another name, or not
// asked for.
func TestNativeTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t, "localhost")
	server := chtest.OldTLS(t, cert, key)
	s := open(t, server, Options{CA: cert})
	list := someTicks(3)
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "through TLS", list...)
	other, _ := certificate(t, "localhost")
	elsewhere := strings.Replace(server.DSN, "localhost", "127.0.0.1", 1)
	plain, _, _ := strings.Cut(server.DSN, "?")
	for what, c := range map[string]struct {
		o     Options
		wants string
	}{
		"an unknown authority":  {Options{DSN: server.DSN}, "fleet.clickhouse.ca"},
		"another certificate":   {Options{DSN: server.DSN, CA: other}, "fleet.clickhouse.ca"},
		"another name":          {Options{DSN: elsewhere, CA: cert}, "as the certificate has it"},
		"no TLS where it is":    {Options{DSN: plain}, "127.0.0.1"},
		"certificate, no TLS":   {Options{DSN: plain, CA: cert}, "asks for no TLS"},
		"a key for certificate": {Options{DSN: server.DSN, CA: key}, "none in PEM form"},
	} {
		s, err := Connect(t.Context(), c.o)
		if err == nil {
			s.Close()
			t.Errorf("%s is accepted", what)
		} else if !strings.Contains(err.Error(), c.wants) {
			t.Errorf("%s: it says %v", what, err)
		}
	}
}

// TestSecrets checks that a server gets user and password, and that no error has them.
func TestSecrets(t *testing.T) {
	t.Parallel()
	var user, password string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		w.Header().Set("X-ClickHouse-Exception-Code", "516")
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte("Code: 516. DB::Exception: " + user + ": Authentication failed. (AUTHENTICATION_FAILED)"))
	}))
	defer server.Close()
	_, err := Connect(context.Background(), Options{DSN: server.URL, User: "heat", Password: "s3 cret'"})
	if user != "heat" || password != "s3 cret'" {
		t.Errorf("the server got %q and %q", user, password)
	}
	if err == nil || strings.Contains(err.Error(), "s3 cret") || !strings.Contains(err.Error(), "fleet.clickhouse.password") {
		t.Errorf("refused: %v", err)
	}
}

// TestNobody connects to a port that nobody listens at.
func TestNobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	address := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	for _, scheme := range []string{"clickhouse", "http"} {
		_, err := Connect(context.Background(), Options{DSN: scheme + "://u:s3cret@" + address})
		if err == nil || !strings.Contains(err.Error(), "is the server running") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
