package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// serveStatus answers with what the program says about itself and what is stored.
func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	s.answerInTurn(w, r, func(ctx context.Context) any { return s.status(ctx) })
}

// answerInTurn answers with what f returns, once there is a place among the questions.
func (s *Server) answerInTurn(w http.ResponseWriter, r *http.Request, f func(context.Context) any) {
	leave, err := s.queries.enter(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer leave()
	occupy(w, leave)
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.QueryTimeout)
	defer cancel()
	s.answer(w, r, f(ctx))
}

// serveAlerts answers with what the program has to tell: to others nothing, for alerts are
// about addresses and names.
func (s *Server) serveAlerts(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Alerts == nil || s.mask != nil {
		s.answer(w, r, map[string]any{"alerts": []any{}, "webhook_pending": 0, "masked": s.mask != nil})
		return
	}
	s.answer(w, r, s.cfg.Alerts())
}

// serveFleet answers with the sensors that share a database: to others with nothing.
func (s *Server) serveFleet(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Fleet == nil || s.mask != nil {
		s.answer(w, r, map[string]any{"shipping": nil, "sensors": []any{}, "masked": s.mask != nil})
		return
	}
	s.answerInTurn(w, r, func(ctx context.Context) any { return s.cfg.Fleet(ctx) })
}

// status is the program's own status with our fields put over it. A store that
// cannot answer is part of the status, not an error: that is when one asks.
func (s *Server) status(ctx context.Context) map[string]any {
	out := map[string]any{}
	if s.cfg.Status != nil {
		own := s.cfg.Status()
		if b, err := json.Marshal(own); err != nil {
			out["status_error"] = err.Error()
		} else {
			fields := map[string]json.RawMessage{} // raw: numbers beyond 2^53 stay exact
			_ = json.Unmarshal(b, &fields)         // not an object: no fields
			for k, v := range fields {
				out[k] = v
			}
		}
	}
	out["version"] = s.cfg.Version
	out["time"] = s.cfg.Now().UTC().Truncate(time.Second)
	out["sensor"] = s.cfg.Sensor
	ready := s.cfg.Ready == nil
	if !ready {
		err := s.cfg.Ready()
		if ready = err == nil; !ready && s.mask == nil {
			out["ready_error"] = err.Error()
		}
	}
	out["ready"] = ready
	if s.cfg.Labels != nil {
		out["labels"] = s.cfg.Labels.Names()
	}
	ab, cov, err := s.about(ctx, &store.Filter{})
	if s.mask != nil {
		out["state"], out["masked"] = "stored", true
	}
	if err != nil {
		out["store_error"] = s.storeError(err)
		return out
	}
	out["window"], out["coverage"] = ab.Window, ab.Coverage
	if s.cfg.Sensor == "" && len(cov.Sensors) > 0 {
		out["sensor"] = strings.Join(cov.Sensors, ", ")
	}
	return out
}

// storeError words an error of the store, which may name files.
func (s *Server) storeError(err error) string {
	if s.mask != nil {
		return "the store cannot answer: the log of packetheat says why"
	}
	return err.Error()
}
