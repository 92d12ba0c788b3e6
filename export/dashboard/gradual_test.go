package dashboard

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// sluggish takes a while for each part of a window, and counts them.
type sluggish struct {
	fakeReader
	pause time.Duration
	parts int
	fail  int // part that cannot be read; 0: none
}

func (s *sluggish) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	if s.parts++; s.parts == s.fail {
		return nil, errors.New("the disk is on fire")
	}
	time.Sleep(s.pause)
	return s.fakeReader.Cells(ctx, f, step)
}

// hours are points of some hours, one a minute, of different places.
func hours(n int) (points []store.Point) {
	for i := range n * 60 {
		p := somePoints()[0]
		p.Time = noon.Add(time.Duration(i) * time.Minute)
		p.Place.Latitude = float64(i%150)/2 - 30
		points = append(points, p)
	}
	return points
}

type frame struct {
	kind byte
	done float64
	body []byte
}

// frames takes an answer apart; cut says that it ended within one.
func frames(t *testing.T, r io.Reader) (list []frame, cut bool) {
	t.Helper()
	for {
		var head [7]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return list, false
		} else if err != nil {
			return list, true
		}
		body := make([]byte, binary.BigEndian.Uint32(head[3:]))
		if _, err := io.ReadFull(r, body); err != nil {
			return list, true
		}
		list = append(list, frame{head[0], float64(binary.BigEndian.Uint16(head[1:])) / 1000, body})
	}
}

// unpacked checks that b is columns.
func unpacked(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || !bytes.HasPrefix(raw, []byte("PHCOLS")) {
		t.Fatalf("%d bytes that are no columns: %v", len(raw), err)
	}
	return raw
}

func askGradually(t *testing.T, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", gradualType)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// TestGradualAnswer: who waits sees more and more of what is read, and in the end just
// what the answer is that comes at once.
func TestGradualAnswer(t *testing.T) {
	r := &sluggish{fakeReader: fakeReader{points: hours(40)}, pause: 120 * time.Millisecond}
	url := mustListen(t, Config{Reader: r})
	answer := askGradually(t, url+"/api/v1/cells")
	if got := answer.Header.Get("Content-Type"); got != gradualType || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", answer.StatusCode, got)
	}
	list, cut := frames(t, answer.Body)
	if len(list) < 3 || cut {
		t.Fatalf("%d frames, cut %v", len(list), cut)
	}
	size, done := 0, 0.0
	var raw []byte
	for i, f := range list {
		raw = unpacked(t, f.body)
		last := i == len(list)-1
		if last != (f.kind == frameWhole) || !last && f.kind != framePart || f.done < done || len(raw) < size || (f.done == 1) != last {
			t.Errorf("frame %d of %d: %c, %d bytes after %d, %v done after %v", i, len(list), f.kind, len(raw), size, f.done, done)
		}
		size, done = len(raw), f.done
	}
	whole := get(t, Config{Reader: &r.fakeReader}, "/api/v1/cells", "Accept", page.MediaType)
	if want := unpacked(t, []byte(body(t, whole))); !bytes.Equal(want, raw) {
		t.Errorf("the last frame has %d bytes, the answer that comes at once %d", len(raw), len(want))
	}
}

// TestGradualTrouble: before anything is shown an error is a problem document, after
// it the last frame says it.
func TestGradualTrouble(t *testing.T) {
	r := &sluggish{fakeReader: fakeReader{points: hours(40)}, pause: 300 * time.Millisecond, fail: 3}
	list, cut := frames(t, askGradually(t, mustListen(t, Config{Reader: r})+"/api/v1/cells").Body)
	if n := len(list); n < 2 || cut || list[n-1].kind != frameError || !strings.Contains(string(list[n-1].body), "on fire") {
		t.Errorf("%d frames, the last %+v", n, list[max(0, n-1)])
	}
	r = &sluggish{fakeReader: fakeReader{points: hours(1)}, fail: 1}
	answer := askGradually(t, mustListen(t, Config{Reader: r})+"/api/v1/cells")
	if answer.StatusCode != http.StatusInternalServerError || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s, %s", answer.Status, answer.Header.Get("Content-Type"))
	}
	patiently(t, 700*time.Millisecond, func(timeout time.Duration) bool {
		r := &sluggish{fakeReader: fakeReader{points: hours(40)}, pause: timeout / 2}
		answer := askGradually(t, mustListen(t, Config{Reader: r, QueryTimeout: timeout})+"/api/v1/cells")
		if answer.StatusCode == http.StatusServiceUnavailable { // too slow for its first frame
			return false
		}
		list, cut := frames(t, answer.Body)
		if n := len(list); n < 2 || cut || list[n-1].kind != frameError || !strings.Contains(string(list[n-1].body), "shorter window") {
			t.Errorf("late: %d frames, cut %v", n, cut)
		}
		return true
	})
}
