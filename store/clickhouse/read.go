package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// What a question may need at the server. More keys than fit into spillBytes are summed
// on its disk.
const (
	spillBytes    = 1 << 30
	mostQueryText = 16 << 20 // of a filter with very many terms
	mostExchanges = 2 << 20  // pairs of endpoints that opened:unanswered looks up
)

// failover is how long a shard's replica may take to be connected to, in milliseconds. The
// server's default of 50 takes busy ones for dead.
const failover = 500

// question is a query with what it needs.
type question struct {
	sql     string
	pairs   bool // it looks up pairs of endpoints
	partial bool // shards that do not answer are left out
}

// query asks the server. Its rows have to be closed; when ctx is done the query ends at
// the server, too: natively it is told so, and over HTTP it notices that nobody listens.
func (s *Store) query(ctx context.Context, q question) (driver.Rows, error) {
	set := clickhouse.Settings{
		"max_bytes_before_external_group_by": spillBytes,
		"max_query_size":                     mostQueryText,
	}
	if q.pairs {
		set["max_rows_in_set"] = mostExchanges
	}
	if s.o.Cluster != "" {
		set["connect_timeout_with_failover_ms"] = failover
		set["skip_unavailable_shards"] = q.partial
	}
	if s.http {
		set["readonly"] = 2 // is what makes the server end a query that nobody waits for
		set["cancel_http_readonly_queries_on_client_close"] = 1
	}
	rows, err := s.conn.Query(clickhouse.Context(ctx, clickhouse.WithSettings(set)), q.sql)
	if err != nil {
		return nil, s.asked(ctx, err)
	}
	return rows, nil
}

// each calls scan for every row of the answer to sql. It is about all shards or, where
// somebody has been told that some are missing, about the others.
func (s *Store) each(ctx context.Context, sql string, pairs bool, scan func(driver.Rows) error) error {
	return s.read(ctx, question{sql, pairs, s.toldMissing()}, scan)
}

// read is each for one question.
func (s *Store) read(ctx context.Context, q question, scan func(driver.Rows) error) error {
	rows, err := s.query(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return s.asked(ctx, err)
	}
	return ctx.Err() // a query that was cut short may look like one that has ended
}

// Codes of exceptions that a question may end in.
const (
	codeTimeout       = 159
	codeTooSlow       = 160
	codeTooManyBytes  = 307
	codeSetTooBig     = 191
	codeMemory        = 241
	codeCancelled     = 394
	codeReadonly      = 164
	codeAllConnsTried = 279
	codeNetwork       = 210
	codeSocketTimeout = 209
	codeCut           = 32 // in the middle of an answer
)

// ofShard reports whether err may be that of a shard that does not answer.
func ofShard(err error) bool {
	switch codeOf(err) {
	case codeAllConnsTried, codeNetwork, codeSocketTimeout, codeCut:
		return true
	}
	return false
}

// asked words the error of a question. It is ctx's own where that is done.
func (s *Store) asked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	said := ""
	switch codeOf(err) {
	case codeSetTooBig:
		return tooManyExchanges()
	case codeMemory, codeTooManyBytes:
		said = "it needs more memory than the server may use for a query: ask for a shorter window, or raise max_memory_usage there"
	case codeTimeout, codeTooSlow:
		said = "it takes longer than the server allows: ask for a shorter window, or raise max_execution_time there"
	case codeCancelled:
		said = "it was ended at the server"
	case codeReadonly:
		said = "its user may not change settings: give it a profile with readonly = 2, or none"
	}
	if s.o.Cluster != "" && ofShard(err) {
		said = "a shard does not answer: ask again for what the others have"
	}
	if said != "" {
		return fmt.Errorf("ask ClickHouse at %s: %s (%w)", s.where(), said, brief(err))
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server has ended the connection")
	}
	return fmt.Errorf("ask ClickHouse at %s: %w%s", s.where(), brief(err), hint(err))
}

// briefError is an exception in one line.
type briefError struct {
	text  string
	cause error
}

func (e *briefError) Error() string { return e.text }
func (e *briefError) Unwrap() error { return e.cause }

// mostErrorText is how much of an exception is shown: it may quote all of the query.
const mostErrorText = 300

// brief cuts what servers say behind their message: their stack, and the query.
func brief(err error) error {
	text := err.Error()
	for _, behind := range []string{". Stack trace", "\nStack trace", "\n"} {
		text, _, _ = strings.Cut(text, behind)
	}
	if len(text) > mostErrorText {
		text = strings.ToValidUTF8(text[:mostErrorText], "") + " …"
	}
	return &briefError{text, err}
}

// tickRange returns the seconds that ticks of a window start in, half-open; open sides
// are openFrom and openTo.
func tickRange(w store.Window) (from, to int64) {
	from, to = openFrom, openTo
	if !w.From.IsZero() {
		from = min(max(ceilSecond(w.From), openFrom), openTo)
	}
	if !w.To.IsZero() {
		to = min(max(ceilSecond(w.To), openFrom), openTo)
	}
	return from, to
}

// The first second that a DateTime can be, and the end of the last whole day.
const (
	openFrom = 0
	openTo   = 1 << 32 / 86400 * 86400
)

func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// between is the condition that a column of times lies in [from, to); "" where all do.
func between(column string, from, to int64) string {
	var all []string
	if from > openFrom {
		if from >= openTo {
			return "0"
		}
		all = append(all, fmt.Sprintf("%s >= toDateTime(%d)", column, from))
	}
	if to < openTo {
		all = append(all, fmt.Sprintf("%s < toDateTime(%d)", column, to))
	}
	return strings.Join(all, " AND ")
}

func floorTo(t, step int64) int64 { return t - t%step } // t is never negative

func ceilTo(t, step int64) int64 { return floorTo(t+step-1, step) }
