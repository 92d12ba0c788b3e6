package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// mostLinks is how many links a card has room for.
const mostLinks = 20

// placeholders are what the page puts into a link.
var placeholders = []string{"{ip}", "{from}", "{to}"}

// links reads dashboard.links.
func links(p *[]Link) value {
	set := func(raw any) error {
		err := objects(raw, func(o *object) {
			var l Link
			o.need("name", text(&l.Name, checkLabel))
			o.need("url", text(&l.URL, checkLink))
			*p = append(*p, l)
		})
		if err == nil && len(*p) > mostLinks {
			err = fmt.Errorf("%d links are too many for a card: keep %d", len(*p), mostLinks)
		}
		return err
	}
	return value{set: set, show: func() any {
		return shown(*p, func(l Link) []any { return []any{"name", l.Name, "url", l.URL} })
	}}
}

// braces finds what looks like a placeholder.
var braces = regexp.MustCompile(`\{[^}]*\}?|\}`)

// checkLink accepts what a browser may be sent to: a web site that is fixed, whatever is
// put in, so that no address that somebody chose can lead elsewhere.
func checkLink(s string) error {
	for _, found := range braces.FindAllString(s, -1) {
		if err := unknownPlaceholder(found); err != nil {
			return err
		}
	}
	u, err := url.Parse(braces.ReplaceAllString(s, "x"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q is no link: write https://example.net/{ip}", s)
	case u.User != nil:
		return errors.New("a password in a link is for all to see: leave it out")
	}
	host := s[strings.Index(s, "//")+2:]
	if end := strings.IndexAny(host, "/?#"); end >= 0 {
		host = host[:end]
	}
	if strings.Contains(host, "{") {
		return fmt.Errorf("%q has a placeholder before its path: write https://example.net/{ip}", s)
	}
	return nil
}

func unknownPlaceholder(s string) error {
	for _, known := range placeholders {
		if s == known {
			return nil
		}
	}
	return fmt.Errorf("placeholder %s is unknown: use %s", s, orList(placeholders))
}
