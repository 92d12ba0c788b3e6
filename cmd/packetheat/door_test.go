package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/keypair"
)

// TestExposed: beyond this machine there must be a token and encryption, or --insecure.
func TestExposed(t *testing.T) {
	const token = "0123456789abcdef"
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	for _, c := range []struct {
		d       config.Dashboard
		refused []string // all in the error; none: it is let through
	}{
		{config.Dashboard{Listen: "127.0.0.1:8080"}, nil},
		{config.Dashboard{Listen: "127.9.9.9:0"}, nil},
		{config.Dashboard{Listen: "[::1]:8080"}, nil},
		{config.Dashboard{Listen: "localhost:8080"}, nil},
		{config.Dashboard{Listen: "off"}, nil},
		{config.Dashboard{Listen: ":8080"}, []string{"dashboard.tls", "dashboard.token", "--insecure", "ssh -L"}},
		{config.Dashboard{Listen: "0.0.0.0:8080"}, []string{"dashboard.tls", "dashboard.token"}},
		{config.Dashboard{Listen: "[::]:8080", Token: token}, []string{"dashboard.tls"}},
		{config.Dashboard{Listen: "gw.example:8080", Certificate: "c.pem", Key: "k.pem"}, []string{"dashboard.token"}},
		{config.Dashboard{Listen: "192.0.2.9:80", TrustedProxies: proxies}, []string{"dashboard.token"}},
		{config.Dashboard{Listen: "192.0.2.9:80", TrustedProxies: proxies, Token: token}, nil},
		{config.Dashboard{Listen: ":443", Certificate: "c.pem", Key: "k.pem", Token: token}, nil},
	} {
		err := checkExposed(&c.d, false)
		if (err != nil) != (c.refused != nil) {
			t.Errorf("%+v: %v", c.d, err)
			continue
		}
		for _, want := range c.refused {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v does not say %q", c.d, err, want)
			}
		}
		if err := checkExposed(&c.d, true); err != nil {
			t.Errorf("%+v with --insecure: %v", c.d, err)
		}
		d := door{now: &c.d}
		if c.d.Certificate != "" {
			d.pair = &keypair.Pair{}
		}
		if only := d.rules().ProxiesOnly; only != (c.d.TrustedProxies != nil && c.d.Token != "") && c.d.Certificate == "" {
			t.Errorf("%+v: for proxies only %v", c.d, only)
		}
	}
}

// TestConfigToken makes tokens that the configuration takes.
func TestConfigToken(t *testing.T) {
	first, second := call{args: []string{"config", "token"}}.run(t), call{args: []string{"config", "token"}}.run(t)
	if len(first.out) != 27 || first.out == second.out || first.status != 0 {
		t.Errorf("%q, %q", first.out, second.out)
	}
	env := []string{"PACKETHEAT_DASHBOARD_TOKEN=" + strings.TrimSpace(first.out)}
	if r := (call{env: env, args: []string{"config", "check"}}).run(t); r.status != 0 {
		t.Errorf("the token is not taken: %s", r.err)
	}
}
