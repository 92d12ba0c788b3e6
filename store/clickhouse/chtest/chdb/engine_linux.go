//go:build linux && cgo

package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef struct { void *connect, *query, *close, *buffer, *length, *error, *destroy, *signals; } calls;

static const char *load(const char *path, calls *c) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	if (!lib) return dlerror();
	if (!(c->connect = dlsym(lib, "chdb_connect")) || !(c->query = dlsym(lib, "chdb_query_n")) ||
	    !(c->close = dlsym(lib, "chdb_close_conn")) || !(c->buffer = dlsym(lib, "chdb_result_buffer")) ||
	    !(c->length = dlsym(lib, "chdb_result_length")) || !(c->error = dlsym(lib, "chdb_result_error")) ||
	    !(c->destroy = dlsym(lib, "chdb_destroy_query_result")) || !(c->signals = dlsym(lib, "chdb_set_signal_handlers_enabled")))
		return dlerror();
	return 0;
}

static void **open_engine(calls *c, int argc, char **argv) {
	((void (*)(int))c->signals)(0);
	return ((void **(*)(int, char **))c->connect)(argc, argv);
}
static void *query(calls *c, void **conn, const char *text, size_t n, const char *format, size_t m) {
	return ((void *(*)(void *, const char *, size_t, const char *, size_t))c->query)(*conn, text, n, format, m);
}
static char *buffer(calls *c, void *r)        { return ((char *(*)(void *))c->buffer)(r); }
static size_t length(calls *c, void *r)       { return ((size_t (*)(void *))c->length)(r); }
static const char *failure(calls *c, void *r) { return ((const char *(*)(void *))c->error)(r); }
static void destroy(calls *c, void *r)        { ((void (*)(void *))c->destroy)(r); }
static void close_engine(calls *c, void **conn) { ((void (*)(void **))c->close)(conn); }
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// engine is the loaded library with its one session. A session runs one query at a
// time, so that what many clients ask is put in a row.
type engine struct {
	mu    sync.Mutex
	calls C.calls
	conn  *unsafe.Pointer

	database string            // that the session is in; "": not known
	settings map[string]string // that it has been given
}

// openEngine loads the library and opens, or makes, the data below dir.
func openEngine(library, dir string, args ...string) (*engine, error) {
	e := &engine{settings: map[string]string{}}
	path := C.CString(library)
	defer C.free(unsafe.Pointer(path))
	if problem := C.load(path, &e.calls); problem != nil {
		return nil, fmt.Errorf("load %q: %s", library, C.GoString(problem))
	}
	args = append([]string{"clickhouse", "--path=" + dir}, args...)
	argv := (*[1 << 10]*C.char)(C.calloc(C.size_t(len(args)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
	for i, a := range args {
		argv[i] = C.CString(a)
	}
	if e.conn = C.open_engine(&e.calls, C.int(len(args)), &argv[0]); e.conn == nil {
		return nil, fmt.Errorf("open %q: the engine gives no reason", dir)
	}
	return e, nil
}

// query runs one statement.
func (e *engine) query(text []byte, format string) ([]byte, error) {
	t, f := C.CBytes(text), C.CString(format)
	defer C.free(t)
	defer C.free(unsafe.Pointer(f))
	r := C.query(&e.calls, e.conn, (*C.char)(t), C.size_t(len(text)), f, C.size_t(len(format)))
	if r == nil {
		return nil, errors.New("the engine has answered nothing")
	}
	defer C.destroy(&e.calls, r)
	if problem := C.failure(&e.calls, r); problem != nil {
		return nil, errors.New(C.GoString(problem))
	}
	return C.GoBytes(unsafe.Pointer(C.buffer(&e.calls, r)), C.int(C.length(&e.calls, r))), nil
}

func (e *engine) close() { C.close_engine(&e.calls, e.conn) }
