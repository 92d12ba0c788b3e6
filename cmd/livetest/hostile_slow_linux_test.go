package livetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// slow opens connections that never say all, or never read: others are answered beside them.
func (h *hostile) slow() {
	const of = 60 // each kind
	conns := make([]net.Conn, 0, 3*of)
	for i := range 3 * of {
		conn := h.dial()
		conns = append(conns, conn)
		var text string
		switch i % 3 {
		case 0: // one byte after the other
			text = "GET /api/v1/cells HTTP/1.1\r\nHost: localhost\r\nX-a: "
		case 1: // a body that does not come
			text = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nt"
		case 2: // answers that nobody reads
			_ = conn.(*net.TCPConn).SetReadBuffer(1024)
			text = strings.Repeat("GET /api/v1/export.ndjson HTTP/1.1\r\nHost: localhost\r\nCookie: "+h.cookie+"\r\n\r\n", 20)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			h.t.Logf("connection %d is closed already: %v", i, err)
		}
	}
	done := make(chan struct{})
	var drip sync.WaitGroup
	drip.Go(func() {
		for {
			for i := 0; i < len(conns); i += 3 {
				_, _ = conns[i].Write([]byte("x"))
			}
			select {
			case <-done:
				return
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	h.flow(20) // is counted to the packet beside them
	for range 10 {
		if got := h.fetch("/api/v1/top?by=country"); got.status != 200 && got.status != 429 {
			h.t.Errorf("beside slow clients: %d %s", got.status, got.body)
		}
	}
	h.eventually("a question is answered beside slow clients", func() bool { return h.fetch("/api/v1/top?by=country").status == 200 })
	for i := 0; i < len(conns); i += 3 { // who says nothing whole is cut off
		if _, err := io.Copy(io.Discard, conns[i]); errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Fatalf("a header that never ends is waited for")
		}
	}
	close(done)
	drip.Wait()
	for _, c := range conns {
		c.Close()
	}
}

// streams opens more live streams than there is room for, and connections than anybody may have.
func (h *hostile) streams() {
	statuses := map[string]int{}
	var conns []net.Conn
	for range 100 {
		conn := h.dial()
		conns = append(conns, conn)
		fmt.Fprintf(conn, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", h.cookie)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			h.t.Fatal(err)
		}
		statuses[strings.Fields(line)[1]]++
	}
	if statuses["200"] != 48 || statuses["429"] != 52 {
		h.t.Errorf("a hundred live streams: %v", statuses)
	}
	for range 400 {
		conns = append(conns, h.dial())
	}
	closed := 0
	for _, c := range conns[100:] {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) { // by the limit, or for saying nothing
			closed++
		}
	}
	if closed != 400 {
		h.t.Errorf("of 400 connections that say nothing %d were closed", closed)
	}
	for _, c := range conns {
		c.Close()
	}
	h.eventually("the dashboard answers again", func() bool { return h.fetch("/api/v1/status").status == 200 })
}
