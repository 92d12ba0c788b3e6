package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxRedirects is how often a publisher may send us elsewhere; MaxMind does once, to
// where its files are stored.
const maxRedirects = 5

// newClient returns a client that goes nowhere less safe than where it was sent.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone() // its Proxy is ProxyFromEnvironment
		t.ResponseHeaderTimeout = time.Minute
		t.DisableCompression = true // a .gz is to arrive as it is
		t.DisableKeepAlives = true  // a file a month needs no open connection
		transport = t
	}
	return &http.Client{Transport: transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if from := via[len(via)-1].URL; from.Scheme == "https" && to.URL.Scheme != "https" {
			return fmt.Errorf("redirect to %s, which is not encrypted", to.URL.Redacted())
		}
		return nil
	}}
}

// private reports whether nobody can listen on the way to an address: it is encrypted
// or leads to this machine.
func private(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// answerError is an answer other than the one that was asked for.
type answerError struct {
	code int
	text string        // of the status line, with a hint
	wait time.Duration // that the publisher asks for, 0 if it does not
}

func (e *answerError) Error() string { return e.text }

// final reports whether the same request would fail again: all 4xx but 408 Request
// Timeout, 425 Too Early and 429 Too Many Requests (RFC 9110, RFC 8470, RFC 6585).
func (e *answerError) final() bool {
	return e.code/100 == 4 && e.code != http.StatusRequestTimeout && e.code != http.StatusTooEarly && e.code != http.StatusTooManyRequests
}

// get makes a request; the body of the answer, which is 200, has to be closed.
func (u *Updater) get(ctx context.Context, address string, authorise bool) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", u.UserAgent)
	if authorise { // not handed on when a redirect leads to another host
		request.SetBasicAuth(u.AccountID, u.LicenseKey)
	}
	answer, err := u.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w (is there a way out? HTTPS_PROXY names a proxy; \"geo update --file\" takes a file)", plain(err))
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	e := &answerError{code: answer.StatusCode, text: fmt.Sprintf("%s answers %s", answer.Request.URL.Host, answer.Status)}
	switch {
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		if authorise {
			e.text += " (check geo.update.maxmind.account_id and .license_key, and that the account may have this edition)"
		}
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusServiceUnavailable:
		e.wait = retryAfter(answer.Header.Get("Retry-After"), u.now())
		if e.wait == 0 && answer.StatusCode == http.StatusTooManyRequests {
			e.wait = lastWait // MaxMind counts by the day
		}
	}
	return nil, e
}

// plain takes the address out of an error of the client: it may be signed.
func plain(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3), 0 where it is neither.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if when, err := http.ParseTime(text); err == nil {
		return max(when.Sub(now), 0)
	}
	return 0
}

// download fetches a database into a file beside those of its kind and returns it.
func (u *Updater) download(ctx context.Context, address, name, kind string, authorise bool) (f fetched, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, u.deadline, fmt.Errorf("not done in %s", u.deadline))
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	watchdog := time.AfterFunc(u.stall, func() { giveUp(fmt.Errorf("nothing came for %s", u.stall)) })
	defer watchdog.Stop()
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = fmt.Errorf("download %s: %w", name, cause)
		}
	}()
	answer, err := u.get(ctx, address, authorise)
	if err != nil {
		return f, err
	}
	defer answer.Body.Close()
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		return f, fmt.Errorf("%s sends a web page, not a database (a proxy or a login page may be in between)", answer.Request.URL.Host)
	}
	if answer.ContentLength > u.MaxBytes {
		return f, fmt.Errorf("%s has %d bytes, more than %d", name, answer.ContentLength, u.MaxBytes)
	}
	body := io.Reader(&fedReader{answer.Body, func() { watchdog.Reset(u.stall) }})
	if u.Progress != nil {
		bar := u.Progress(name, answer.ContentLength)
		defer bar.Close()
		body = io.TeeReader(body, bar)
	}
	f, err = u.unpack(body, name, kind)
	if err != nil {
		return f, fmt.Errorf("download %s: %w", name, err)
	}
	return f, nil
}

// fedReader tells the watchdog of everything that arrives.
type fedReader struct {
	io.Reader
	feed func()
}

func (r *fedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.feed()
	}
	return n, err
}
