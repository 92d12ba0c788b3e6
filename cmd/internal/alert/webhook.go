package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Webhook is where alerts are posted to: one JSON object each, that of the list, with
//
//	X-Packetheat-Timestamp: Unix seconds
//	X-Packetheat-Signature: sha256=HEX
//
// where HEX is the HMAC-SHA256, keyed with Secret, of the timestamp, a dot and the body.
// Without a secret there is no signature. Trouble is posted again when it is over. What
// is not taken (a status of 2xx) is posted again after a while that grows, for a day.
type Webhook struct {
	URL    string
	Secret string

	Client *http.Client  // nil: one that takes ten seconds
	Wait   time.Duration // before the first repetition; 0: a second
}

// How long what is not taken waits, and when it is given up. An alert may be behind
// others: each attempt is about the oldest.
const (
	firstWait   = time.Second
	longestWait = 5 * time.Minute
	giveUp      = 24 * time.Hour
	mostPending = 200 // the oldest are given up
)

// sender posts alerts, one at a time, in its own goroutine.
type sender struct {
	w    *Watcher
	hook *Webhook
	wake chan struct{}

	// Under w.mu: why the latest attempt failed, and how many did.
	failure  string
	failures uint64
}

func newSender(w *Watcher, hook *Webhook) *sender {
	s := &sender{w: w, hook: hook, wake: make(chan struct{}, 1)}
	if hook.Client == nil {
		hook.Client = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if hook.Wait == 0 {
		hook.Wait = firstWait
	}
	return s
}

// add lets an alert be posted. w.mu is held; it never waits.
func (s *sender) add(id uint64) {
	p := append(s.w.state.Pending, id)
	if len(p) > mostPending {
		p = p[len(p)-mostPending:]
	}
	s.w.state.Pending, s.w.dirty = p, true
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) run(ctx context.Context) {
	wait := s.hook.Wait
	for {
		a, any := s.next()
		if !any {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		err := s.post(ctx, a)
		if ctx.Err() != nil {
			return
		}
		if s.done(a, err) {
			wait = s.hook.Wait
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		wait = min(2*wait, longestWait)
	}
}

// next returns the oldest alert that has not been taken.
func (s *sender) next() (a Alert, any bool) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for len(s.w.state.Pending) > 0 {
		id := s.w.state.Pending[0]
		if at := slices.IndexFunc(s.w.state.Alerts, func(a Alert) bool { return a.ID == id }); at >= 0 {
			return s.w.state.Alerts[at], true
		}
		s.w.state.Pending = s.w.state.Pending[1:] // forgotten meanwhile
	}
	return a, false
}

// done notes how an attempt went, and reports whether the alert is dealt with.
func (s *sender) done(a Alert, err error) bool {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if err != nil {
		first := s.failure == ""
		s.failure = err.Error()
		s.failures++
		if s.w.cfg.Now().Sub(later(a.Time, a.Ended)) < giveUp {
			if first {
				s.w.cfg.Logger.Warn("alerts: the webhook does not take them; it is tried again", "err", err)
			}
			return false
		}
		s.w.cfg.Logger.Warn("alerts: the webhook has not taken an alert for a day, which is given up", "id", a.ID, "err", err)
	} else {
		s.failure = ""
	}
	if p := s.w.state.Pending; len(p) > 0 && p[0] == a.ID {
		s.w.state.Pending, s.w.dirty = p[1:], true
	}
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// post makes one attempt.
func (s *sender) post(ctx context.Context, a Alert) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hook.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "packetheat")
	stamp := strconv.FormatInt(s.w.cfg.Now().Unix(), 10)
	request.Header.Set("X-Packetheat-Timestamp", stamp)
	if s.hook.Secret != "" {
		request.Header.Set("X-Packetheat-Signature", "sha256="+Sign(s.hook.Secret, stamp, body))
	}
	answer, err := s.hook.Client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	err = errors.Join(err, answer.Body.Close())
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answers %s", answer.Status)
	}
	return err
}

// Sign is the signature of a body that is posted at a time, in hexadecimal.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
