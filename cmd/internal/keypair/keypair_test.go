package keypair

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write makes a certificate with a serial number and a key in dir.
func write(t *testing.T, dir string, serial int64) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	like := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"map.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, like, like, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	replace(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	replace(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return certificate, key
}

// replace puts a file in place of another, as those do who renew certificates.
func replace(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// serving is what a server does with a pair.
func serving(p *Pair) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.Certificate(), nil }}
}

// answer shakes every hand until l is closed.
func answer(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}()
	}
}

// TestReplaced serves with a pair while its files are replaced, one after the other.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	certificate, key := write(t, dir, 1)
	var log bytes.Buffer
	p, err := Open(certificate, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", serving(p))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answer(l)
	served := func() int64 {
		conn, err := tls.Dial("tcp", l.Addr().String(), Trust(p.Fingerprint()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	first := p.Fingerprint()
	if n := served(); n != 1 || p.Refresh() {
		t.Errorf("certificate %d is served at first", n)
	}
	other := t.TempDir()
	newer, newerKey := write(t, other, 2)
	text, err := os.ReadFile(newer)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, certificate, text)
	for range 3 {
		if p.Refresh() {
			t.Error("half a pair is taken")
		}
	}
	if n := served(); n != 1 || strings.Count(log.String(), "not reloaded") != 1 {
		t.Errorf("with half a pair, certificate %d is served, and said:\n%s", n, &log)
	}
	if text, err = os.ReadFile(newerKey); err != nil {
		t.Fatal(err)
	}
	replace(t, key, text)
	if !p.Refresh() || served() != 2 {
		t.Error("the new pair is not taken")
	}
	if conn, err := tls.Dial("tcp", l.Addr().String(), Trust(first)); err == nil {
		conn.Close()
		t.Error("another certificate than the one announced is trusted")
	}
	if err := p.Set(filepath.Join(dir, "none"), key); err == nil || served() != 2 {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(newerKey, newer, nil); err == nil || !strings.Contains(err.Error(), newerKey) {
		t.Errorf("files in the wrong order: %v", err)
	}
}
