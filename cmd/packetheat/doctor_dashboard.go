package main

import (
	"fmt"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/keypair"
)

// expires is how long before its end a certificate is worth a warning: those that are
// renewed by themselves are replaced a month before.
const expires = 14 * 24 * time.Hour

// exposure says who can read the dashboard.
func (e *examination) exposure() {
	d := &e.c.Dashboard
	token := "no token"
	if d.Token != "" {
		token = "a token"
	}
	switch err := checkExposed(d, false); {
	case err != nil:
		e.add("dashboard", failure, err.Error(), "packetheat config token makes a token; README, Serve it to others")
	case !exposed(d.Listen) && d.Token == "" && len(d.Hosts)+len(d.TrustedProxies) > 0:
		e.add("dashboard", warning, "names or proxies are set, and no token: whoever a proxy lets through reads all",
			"set dashboard.token, or have the proxy ask for a password")
	case !exposed(d.Listen):
		e.add("dashboard", good, "only this machine reaches it, with "+token, "")
	case d.Certificate != "":
		e.add("dashboard", good, "others reach it by TLS, with "+token, "")
	default:
		e.add("dashboard", good, fmt.Sprintf("the proxies in dashboard.trusted_proxies reach it, with %s; from there to here it is not encrypted", token), "")
	}
	if d.Certificate != "" {
		e.certificate(d.Certificate, d.Key)
	}
}

func (e *examination) certificate(certificate, key string) {
	pair, err := keypair.Open(certificate, key, nil)
	if err != nil {
		e.add("certificate", failure, err.Error(), "dashboard.tls.certificate is the chain, dashboard.tls.key its key, both PEM")
		return
	}
	until := pair.Leaf().NotAfter
	found := fmt.Sprintf("for %s, until %s", joined(pair.Leaf().DNSNames), until.Format(time.DateOnly))
	switch left := time.Until(until); {
	case left <= 0:
		e.add("certificate", failure, found+", which is over", "renew it: it is read again when the files are replaced")
	case left < expires:
		e.add("certificate", warning, found, "renew it: it is read again when the files are replaced")
	default:
		e.add("certificate", good, found, "")
	}
}
