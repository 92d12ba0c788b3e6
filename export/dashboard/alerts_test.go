package dashboard

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/packetheat/packetheat/export"
)

// TestAlerts answers with what the program gives, and with nothing where answers are
// masked or nobody watches.
func TestAlerts(t *testing.T) {
	some := func() any { return map[string]any{"alerts": []string{"203.0.113.9 was seen"}, "webhook_pending": 1} }
	for name, c := range map[string]struct {
		cfg    Config
		alerts int
		masked bool
	}{
		"none":   {Config{}, 0, false},
		"some":   {Config{Alerts: some}, 1, false},
		"masked": {Config{Alerts: some, Mask: func() *export.Mask { return &export.Mask{} }}, 0, true},
	} {
		c.cfg.Reader = &fakeReader{}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/alerts", nil)
		New(c.cfg).Handler().ServeHTTP(w, r)
		var got struct {
			Alerts []string
			Masked bool
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || len(got.Alerts) != c.alerts || got.Masked != c.masked || got.Alerts == nil {
			t.Errorf("%s: %d %v %s", name, w.Code, err, w.Body)
		}
	}
}
