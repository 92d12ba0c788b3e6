package livetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// browser is a headless Chromium driven over its DevTools pipe: JSON messages that end
// in a NUL byte, written to its descriptor 3 and read from its 4
// (--remote-debugging-pipe). One tab is open.
type browser struct {
	t       testing.TB
	in      *os.File
	session string

	mu       sync.Mutex
	next     int
	waiting  map[int]chan message
	problems []string // console errors, exceptions, failed requests
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *refusal        `json:"error,omitempty"`
}

// refusal is why a command was not carried out.
type refusal struct{ Message string }

// browse starts Chromium in a namespace with an empty tab. It ends with the test.
func browse(t testing.TB, where *capturetest.End) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv(capturetest.RequireEnv) == "1" {
			t.Fatalf("%v (apt-get install chromium)", err)
		}
		t.Skip("no chromium here")
	}
	profile, err := os.MkdirTemp("", "packetheat-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe", "--user-data-dir="+profile,
		"--window-size=1280,800", "about:blank")
	toR, toW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromR, fromW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{toR, fromW}
	where.Do(t, func() { err = cmd.Start() })
	toR.Close()
	fromW.Close()
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, in: toW, waiting: make(map[int]chan message)}
	go b.read(fromR)
	t.Cleanup(func() {
		toW.Close() // Chromium ends when its pipe does
		ended := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
		for range 20 { // its helpers still write for a moment
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// read takes messages until the pipe ends.
func (b *browser) read(r *os.File) {
	defer r.Close()
	in := bufio.NewReader(r)
	for {
		raw, err := in.ReadBytes(0)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				b.note("read from chromium: %v", err)
			}
			return
		}
		var m message
		if err := json.Unmarshal(raw[:len(raw)-1], &m); err != nil {
			b.note("message of chromium: %v", err)
			continue
		}
		if m.ID == 0 {
			b.event(m)
			continue
		}
		b.mu.Lock()
		answer := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

// event keeps what a page must not do.
func (b *browser) event(m message) {
	switch m.Method {
	case "Runtime.exceptionThrown", "Network.loadingFailed":
		b.note("%s: %.600s", m.Method, m.Params)
	case "Runtime.consoleAPICalled", "Log.entryAdded":
		var p struct {
			Type  string
			Entry struct{ Level string }
		}
		_ = json.Unmarshal(m.Params, &p)
		if p.Type == "error" || p.Entry.Level == "error" {
			b.note("%s: %.600s", m.Method, m.Params)
		}
	}
}

func (b *browser) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// complaints returns what went wrong in the page so far.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.problems...)
}

// call sends a command and waits for its answer.
func (b *browser) call(method string, params any, result any) {
	b.t.Helper()
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	if params == nil {
		raw = []byte("{}")
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	b.next++
	m := message{ID: b.next, Method: method, SessionID: b.session, Params: raw}
	b.waiting[m.ID] = answer
	out, err := json.Marshal(m)
	if err == nil {
		_, err = b.in.Write(append(out, 0))
	}
	b.mu.Unlock()
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	select {
	case m = <-answer:
	case <-time.After(patience):
		b.t.Fatalf("%s: chromium gives no answer", method)
	}
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	if result != nil {
		if err := json.Unmarshal(m.Result, result); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
	}
}

// eval runs JavaScript in the page and puts its value, of which there must be a JSON
// form, into v.
func (b *browser) eval(script string, v any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, r.ExceptionDetails)
	}
	if r.Result.Value == nil {
		return // undefined
	}
	if err := json.Unmarshal(r.Result.Value, v); err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
}

// open loads an address.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
}
