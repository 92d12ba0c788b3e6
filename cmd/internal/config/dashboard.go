package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/packetheat/packetheat/export/dashboard/access"
)

// checkToken accepts what goes into a header and a form as it is, and is long enough
// that nobody guesses it.
func checkToken(s string) error {
	switch {
	case len(s) < access.LeastToken:
		return fmt.Errorf("%d characters are too few for a token: use %d at least (packetheat config token makes one)", len(s), access.LeastToken)
	case len(s) > 1024:
		return errors.New("a token has 1024 characters at most (packetheat config token makes one)")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("a token has letters, digits and signs of ASCII only, no blanks (packetheat config token makes one)")
	}
	return nil
}

// checkDashboard finds keys that do not go without others, and secrets that lie open.
func (l *loading) checkDashboard() {
	d := &l.Dashboard
	need := func(set, name, missing, fix string) {
		l.problem(name, l.Sources[name], fmt.Errorf("%s needs %s, too: set %s", set, missing, fix))
	}
	switch {
	case d.Certificate != "" && d.Key == "":
		need("a certificate", "dashboard.tls.certificate", "its key", "dashboard.tls.key")
	case d.Key != "" && d.Certificate == "":
		need("a key", "dashboard.tls.key", "its certificate", "dashboard.tls.certificate")
	}
	switch {
	case d.ReadToken != "" && d.Token == "":
		need("a token for readers", "dashboard.read_token", "one for you", "dashboard.token")
	case d.ReadToken != "" && d.ReadToken == d.Token:
		l.problem("dashboard.read_token", l.Sources["dashboard.read_token"], errors.New("it is the same as dashboard.token: readers would be admins"))
	}
}

// checkSecrets warns where others on the machine may read a file with secrets in it.
func (l *loading) checkSecrets() {
	info, err := os.Stat(l.File)
	if l.File == "" || err != nil || info.Mode().Perm()&0o004 == 0 {
		return
	}
	for _, k := range l.keys() {
		if k.secret && l.Sources[k.name] == File && l.moved[k.name] {
			p := l.place(k.name, File)
			p.Message = fmt.Sprintf("everybody on this machine may read it: chmod o-r %s, or keep it in a file that %s%s names", l.File, envName(k.name), fileSuffix)
			l.Warnings = append(l.Warnings, p.String())
		}
	}
}
