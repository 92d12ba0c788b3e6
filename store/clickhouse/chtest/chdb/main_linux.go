//go:build linux && cgo

package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

func main() {
	library := flag.String("library", "", "path of libchdb.so")
	dir := flag.String("dir", "", "folder of the data")
	listen := flag.String("listen", "127.0.0.1:0", "address to serve at")
	flag.Parse()
	if err := serve(*library, *dir, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "chdb:", err)
		os.Exit(1)
	}
}

// serve answers until a signal asks it to stop; its first line of output is the
// address.
func serve(library, dir, listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	e, err := openEngine(library, dir)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	server := &http.Server{Handler: e}
	go func() {
		<-stop
		server.Close()
	}()
	fmt.Println(l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	e.mu.Lock() // for good: what runs is done, and nothing begins
	e.close()
	return nil
}

// ours are the parameters of a request that are no settings of its query.
var ours = []string{"query", "database", "query_id", "default_format", "client_protocol_version", "quota_key", "wait_end_of_query"}

// ServeHTTP takes a query as a ClickHouse server does: its text in the body, or in the
// parameter query with the data of an INSERT as body; settings as further parameters.
func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	params := r.URL.Query()
	text := body
	if q := params.Get("query"); q != "" {
		text = []byte(q)
		if len(body) > 0 {
			statement, file, err := fromFile(q, body)
			if file != "" {
				defer os.Remove(file)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			text = []byte(statement)
		}
	}
	answer, err := e.run(params, text)
	if err == nil {
		revision, _ := strconv.ParseUint(params.Get("client_protocol_version"), 10, 64)
		answer, err = reencode(answer, revision)
	}
	if err != nil {
		if code := regexp.MustCompile(`Code: (\d+)`).FindStringSubmatch(err.Error()); code != nil {
			w.Header().Set("X-ClickHouse-Exception-Code", code[1])
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("X-ClickHouse-Format", "Native")
	w.Write(answer)
}

// fromFile writes the data of an INSERT into a file and returns the statement that reads
// it from there. Behind the statement's own text the library takes two line feeds, which
// blocks have inside, for the end.
func fromFile(statement string, data []byte) (text, name string, err error) {
	head, format, ok := cutLast(statement, "FORMAT")
	if !ok {
		return "", "", fmt.Errorf("data come with %q, which has no FORMAT", statement)
	}
	f, err := os.CreateTemp("", "chdb-insert-*.bin")
	if err != nil {
		return "", "", err
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	return head + " FROM INFILE '" + f.Name() + "' FORMAT " + format, f.Name(), err
}

// cutLast is strings.Cut at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// run makes the session one with the request's database and settings, and runs its query.
func (e *engine) run(params url.Values, text []byte) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.use(cmp.Or(params.Get("database"), "default")); err != nil {
		return nil, err
	}
	wanted := map[string]string{}
	for name, values := range params {
		if !slices.Contains(ours, name) && !strings.HasPrefix(name, "param_") {
			wanted[name] = values[0]
		}
	}
	if err := e.set(wanted); err != nil {
		return nil, err
	}
	answer, err := e.query(text, "Native")
	if dropped.Match(text) {
		e.database = "" // the session may be nowhere now
	}
	return answer, err
}

// dropped is a statement that takes something away.
var dropped = regexp.MustCompile(`(?i)^\s*(DROP|DETACH)\b`)

// use changes to a database, where the session is in another one: every statement to the
// engine costs some milliseconds.
func (e *engine) use(database string) error {
	if e.database == database {
		return nil
	}
	_, err := e.query([]byte("USE `"+strings.ReplaceAll(database, "`", "\\`")+"`"), "Null")
	if err == nil {
		e.database = database
	}
	return err
}

// set makes the session's settings those that are wanted, and no others.
func (e *engine) set(wanted map[string]string) error {
	change := func(name, value string) error {
		_, err := e.query([]byte("SET "+name+" = "+value), "Null")
		return err
	}
	for name := range e.settings {
		if _, ok := wanted[name]; !ok {
			if err := change(name, "DEFAULT"); err != nil {
				return err
			}
			delete(e.settings, name)
		}
	}
	for name, value := range wanted {
		if had, ok := e.settings[name]; ok && had == value {
			continue
		}
		if err := change(name, "'"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)+"'"); err != nil {
			return err
		}
		e.settings[name] = value
	}
	return nil
}

// reencode turns the engine's blocks, which are those of revision 0, into blocks of a
// client's revision.
func reencode(answer []byte, revision uint64) ([]byte, error) {
	if revision == 0 || len(answer) == 0 {
		return answer, nil
	}
	in, out := chproto.NewReader(bytes.NewReader(answer)), &chproto.Buffer{}
	for {
		block := proto.NewBlock()
		switch err := block.Decode(in, 0); {
		case errors.Is(err, io.EOF):
			return out.Buf, nil
		case err != nil:
			return nil, fmt.Errorf("read the engine's answer: %w", err)
		}
		if err := block.Encode(out, revision); err != nil {
			return nil, fmt.Errorf("write the answer: %w", err)
		}
	}
}
