package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Alerts is the section "alerts": what is told, once, and to whom.
type Alerts struct {
	Enabled       bool
	New           []string // of as, country and place
	Filter        string   // in the filter language; "": all traffic
	Allow         []string // the same, each for itself
	Labels        []string
	Learning      time.Duration
	Trouble       bool
	WebhookURL    string
	WebhookSecret string // secret
}

func checkNews(s string) error {
	switch s {
	case "as", "country", "place":
		return nil
	}
	return fmt.Errorf("%q is not possible: write as, country or place", s)
}

// checkTerms reads conditions. Those about labels are read when their lists are.
func checkTerms(s string) error {
	if strings.Contains(s, "label:") {
		return nil
	}
	_, err := store.ParseFilter(s)
	return err
}

// checkWebhook accepts an address that can be posted to.
func checkWebhook(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is no address of a webhook: write https://host/path", s)
	case u.User != nil:
		return errors.New("a webhook's address has no user and password: alerts.webhook.secret signs what is posted")
	}
	return nil
}
