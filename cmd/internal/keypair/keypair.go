// Package keypair hands out a TLS certificate with its key, and reads both anew when
// their files are replaced: certificates last for weeks, sensors for years.
package keypair

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Pair is a certificate and its key. Make one with Open. All methods may be called by
// several goroutines.
type Pair struct {
	log *slog.Logger

	mu      sync.Mutex
	files   [2]string // certificate with its chain, and key: PEM
	stamps  [2]stamp  // of the files when they were last read
	current *tls.Certificate
}

// stamp tells one state of a file from another.
type stamp struct {
	changed time.Time
	bytes   int64
}

// Open reads a certificate and its key. log may be nil.
func Open(certificate, key string, log *slog.Logger) (*Pair, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Pair{log: log}
	return p, p.Set(certificate, key)
}

// Set reads a pair from other files, or from the same ones anew. What cannot be used
// changes nothing.
func (p *Pair) Set(certificate, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	files := [2]string{certificate, key}
	stamps := look(files) // before they are read: what is written meanwhile is read again
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("read TLS certificate %q with key %q: %w", certificate, key, err)
	}
	p.files, p.stamps, p.current = files, stamps, &pair
	return nil
}

func look(files [2]string) (s [2]stamp) {
	for i, name := range files {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// Refresh reads the files if they are not those that were read last, and reports whether
// there is another certificate. Call it now and then. Files that do not fit together, as while they are being
// replaced, are said once and tried again when they change.
func (p *Pair) Refresh() bool {
	p.mu.Lock()
	files, before := p.files, p.stamps
	p.mu.Unlock()
	now := look(files)
	if now == before {
		return false
	}
	if err := p.Set(files[0], files[1]); err != nil {
		p.mu.Lock()
		p.stamps = now
		p.mu.Unlock()
		p.log.Error("TLS certificate not reloaded, the old one stays", "error", err)
		return false
	}
	p.log.Info("TLS certificate reloaded", "file", files[0], "until", p.Leaf().NotAfter.UTC())
	return true
}

// Certificate returns the certificate there is, with its key.
func (p *Pair) Certificate() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Leaf returns the certificate there is.
func (p *Pair) Leaf() *x509.Certificate { return p.Certificate().Leaf }

// Fingerprint returns the SHA-256 of the certificate there is, in hex.
func (p *Pair) Fingerprint() string { return fingerprint(p.Leaf()) }

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Trust returns a configuration of TLS for a client that talks to the owner of one
// certificate, whoever signed it and whatever name it is for.
func Trust(fingerprintHex string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection does more
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || fingerprint(s.PeerCertificates[0]) != fingerprintHex {
				return errors.New("its certificate is not the one that the sensor has announced")
			}
			return nil
		}}
}
