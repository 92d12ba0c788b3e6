package dashboard

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export/dashboard/access"
)

//go:embed login.html
var loginHTML string

// mostToken is how much of a form is read: a token and its name.
const mostToken = 4 << 10

// loginState is where the page of signing in has what is asked for.
const loginState = "<!--state-->"

const signIn = `<p>The map of a network's traffic, for who has its token.</p>
  <!--wrong--><form method="post" action="login">
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
    <button>Open the map</button>
  </form>`

const signOut = `<p>You are signed in: <a href="./">open the map</a>.</p>
  <form method="post" action="logout"><button>Sign out</button></form>`

// loginPage is the page of signing in: it has no data, needs no script, and keeps what
// stands behind the # of its address, which is the state of the map.
type loginPage struct{ policy string }

func newLoginPage() loginPage {
	return loginPage{"default-src 'none'; style-src " + hashOf("style") + "; script-src " + hashOf("script") +
		"; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}
}

// hashOf returns the hash by which a policy allows an element of the page.
func hashOf(tag string) string {
	_, rest, _ := strings.Cut(loginHTML, "<"+tag+">")
	text, _, _ := strings.Cut(rest, "</"+tag+">")
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// serve writes the page in one of its states; wrong, where not "", is said above the form.
func (l loginPage) serve(w http.ResponseWriter, r *http.Request, status int, state, wrong string) {
	if wrong != "" {
		wrong = `<p class="wrong" role="alert">` + html.EscapeString(wrong) + "</p>\n  "
	}
	body := strings.Replace(loginHTML, loginState, strings.Replace(state, "<!--wrong-->", wrong, 1), 1)
	h := w.Header()
	h.Set("Content-Security-Policy", l.policy)
	h.Set("Referrer-Policy", "same-origin") // with none, browsers say of a form that it comes from nowhere
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body))
	}
}

// lockOut answers who has no right to what he asked for: people get the page of signing
// in, programs a problem document.
func (s *Server) lockOut(w http.ResponseWriter, r *http.Request, err error) {
	wrong := ""
	p := problem{Status: http.StatusUnauthorized, Title: "Not signed in",
		Detail: "this dashboard wants a token: open its page and sign in, or send the header Authorization: Bearer TOKEN"}
	if bearer := r.Header.Get("Authorization"); bearer != "" {
		p.Detail = "the token in the header Authorization is not right: write Authorization: Bearer TOKEN, with dashboard.token or dashboard.read_token"
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if errors.Is(err, access.ErrWait) {
		h.Set("Retry-After", strconv.Itoa(int(access.Wait/time.Second)))
		p = problem{Status: http.StatusTooManyRequests, Title: "Too many wrong tokens",
			Detail: "too many wrong tokens came from your address: wait ten seconds, then try again"}
		wrong = "Too many wrong tokens came from your address: wait ten seconds, then try again."
	} else {
		h.Set("WWW-Authenticate", `Bearer realm="packetheat"`)
	}
	if r.URL.Path == "/" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.login.serve(w, r, p.Status, signIn, wrong)
		return
	}
	refuse(w, r, p)
}

// serveLogin shows who one is, and takes a token.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	v := s.guard.Visitor(r)
	if r.Method != http.MethodPost {
		switch v, err := s.guard.Admit(w, r, v); {
		case err != nil:
			s.login.serve(w, r, http.StatusOK, signIn, "")
		case !v.Known:
			lead(w, "./")
		default:
			s.login.serve(w, r, http.StatusOK, signOut, "")
		}
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostToken)
	if err := r.ParseForm(); err != nil {
		w.Header().Set("Connection", "close") // what is left of it is not read
		refuse(w, r, problem{Status: http.StatusBadRequest, Title: "Form not understood", Detail: "send the token as the form of /login does: token=…"})
		return
	}
	s.enter(w, r, v, r.PostForm.Get("token"))
}

// enter changes a token for a cookie and leads to the map. Its address has no token any
// more, so that none stays in the browser's history.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, v access.Visitor, token string) {
	err := s.guard.Enter(w, v, token)
	switch {
	case err == nil:
		s.cfg.Logger.Info("signed in to the dashboard", "address", v.Addr)
		w.Header().Set("Cache-Control", "no-store")
		lead(w, "./")
	case errors.Is(err, access.ErrWait):
		w.Header().Set("Retry-After", strconv.Itoa(int(access.Wait/time.Second)))
		s.login.serve(w, r, http.StatusTooManyRequests, signIn, "Too many wrong tokens came from your address: wait ten seconds, then try again.")
	default:
		s.cfg.Logger.Warn("wrong token for the dashboard", "address", v.Addr)
		s.login.serve(w, r, http.StatusUnauthorized, signIn, "That is not the token: it stands in dashboard.token, or in the file that PACKETHEAT_DASHBOARD_TOKEN_FILE names.")
	}
}

// lead sends a browser on. The address is relative, as a proxy may have put us below a
// path that we do not know.
func lead(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// serveLogout takes the cookie back.
func (s *Server) serveLogout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		lead(w, "./login")
		return
	}
	s.guard.Leave(w, s.guard.Visitor(r))
	lead(w, "./login")
}
