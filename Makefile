# packetheat: make help lists what there is.

# Let a go from 1.21 on fetch the version that go.mod asks for.
export GOTOOLCHAIN ?= auto
SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:

GO          ?= go
NPM         ?= npm
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 10s
BENCHTIME   ?= 1s
TEST        ?= ./...
RUN         ?=
ARGS        ?=
ARCH        ?= $(shell $(GO) env GOARCH 2>/dev/null)
DIST        ?= dist

# The live tests build the program first, and run alone: see test-live. From the end, where
# the store has the longest tests: what is begun last is waited for alone.
PACKAGES = $$($(GO) list $(TEST) | grep -v /cmd/livetest | sort -r)
# Tests wait for servers, ticks and disks about a third of their time: one more than there are cores.
AT_ONCE = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)))

PROGRAM := bin/packetheat
PAGE    := export/page/dist/index.html
MODULES := export/page/node_modules/.package-lock.json
# Everything the page is made from; what its build writes is not.
PAGE_SOURCES := $(shell find export/page -type f -not -name '*.go' -not -path '*/node_modules/*' \
	-not -path '*/dist/*' -not -path '*/test/*' -not -path '*/testdata/*' -not -path '*/shots/*' -not -path '*/bench/*' -not -path '*/pictures/*' \
	-not -path '*/generated/*' 2>/dev/null)

.PHONY: help run demo build program page page-if-possible test test-go test-live test-page test-browser \
	package package-all container supply lint bench bench-capture bench-store bench-fleet bench-page screenshots fuzz torture clean test-tools

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo; echo 'make run ARGS="--interface eth0"   passes flags on'

run: need-page build ## build everything and start the sensor (asks sudo for the one capability)
	@exec .ci/start run $(ARGS)

demo: need-page build ## the same program on generated world traffic, in a network of its own
	@exec $(PROGRAM) demo $(ARGS)

build: page-if-possible program ## build bin/packetheat, with the page where node is there

program: need-go
	@if [ "$$($(GO) list -f '{{.Stale}}' github.com/mattn/go-sqlite3)" = true ]; then \
		echo 'building packetheat: the first build compiles SQLite and takes some minutes'; fi
	$(GO) build -o $(PROGRAM) ./cmd/packetheat

page: need-page $(PAGE) ## build the page (map and dashboard) into export/page/dist

# A program without the page still works and says so; running and testing need it.
page-if-possible:
	@if .ci/tools page 2>/dev/null; then $(MAKE) --no-print-directory $(PAGE); \
	else echo 'building without the page: it needs node and npm'; .ci/tools page || true; fi

$(MODULES): export/page/package-lock.json export/page/package.json
	cd export/page && $(NPM) ci

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	cd export/page && $(NPM) run build
	@touch $@

.PHONY: need-go need-page
need-go:
	@.ci/tools build

need-page:
	@.ci/tools page

test: test-tools page program lint supply test-go test-live test-page test-browser ## every test and every check
	@echo 'all tests passed'

test-tools:
	@.ci/tools install && .ci/tools test
	@geo/testdata/fetch.sh || { echo 'GeoIP data not fetched: tests that need it are skipped' >&2; [ -z "$$CI" ]; }

# A program with the race detector sleeps a second at its end, and tests start many.
test-go: need-go ## the Go tests, with the race detector
	GORACE="atexit_sleep_ms=20 $$GORACE" $(GO) test -race -p $(AT_ONCE) -timeout 60m $(if $(RUN),-run '$(RUN)') $(PACKAGES)

test-live: page ## the program end to end, in network namespaces (root or user namespaces)
	$(GO) test -timeout 60m -count 1 -parallel $(AT_ONCE) $(if $(RUN),-run '$(RUN)') ./cmd/livetest/...

test-page: $(MODULES) ## the page's own tests and type check
	cd export/page && $(NPM) run check && $(NPM) test

test-browser: page program ## the page in a real browser, the network off
	cd export/page && $(NPM) run test:browser

lint: need-go ## gofmt, vet for three systems, staticcheck
	@files=$$(gofmt -l cmd sensor store geo export $$(find . -maxdepth 1 -name '*.go') | grep -v /node_modules/ || true); \
	if [ -n "$$files" ]; then echo "gofmt -w is needed on: $$files" >&2; exit 1; fi
	$(GO) vet ./...
	GOOS=darwin CGO_ENABLED=0 $(GO) vet ./...
	GOOS=windows CGO_ENABLED=0 $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

bench: need-go ## every benchmark, briefly (BENCHTIME=5s for longer)
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(PACKAGES)

bench-capture: need-go ## CPU a packet beside tcpdump and a bare ring walk, live (ten minutes; root)
	PACKETHEAT_BENCH_CAPTURE=1 $(GO) test -run '^TestBenchCapture$$' -count 1 -timeout 60m -v ./cmd/livetest

bench-store: need-go ## a store of a year beside plain rows: answers, bytes, ingest (ten minutes, 10 GB)
	PACKETHEAT_BENCH_STORE=1 $(GO) test -run '^TestBenchStore$$' -count 1 -timeout 60m -v ./store/sqlite

bench-fleet: need-go ## ClickHouse, old and current: ship, catch up, questions beside SQLite's (five minutes)
	@.ci/tools install
	PACKETHEAT_BENCH_FLEET=1 $(GO) test -run '^TestBenchFleet$$' -count 1 -timeout 60m -v ./cmd/internal/fleet

bench-page: page ## the saved page beside Folium: size, paint, pan, steps, heap (five minutes)
	@.ci/tools install bench
	cd export/page && node bench/bench.mjs $(ARGS)

screenshots: page program ## twelve states of the page as pictures, in export/page/shots
	@.ci/tools install
	cd export/page && node test/browser/shots.mjs $(ARGS)

# Until Go 1.27 a busy machine fails at the end of the time (go.dev/issue/75804); what is
# wrong with an input is always said with that input.
fuzz: need-go ## every fuzz target for FUZZTIME (10s) each
	@set -e; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; for package in $(PACKAGES); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package 2>&1 | tee "$$log" || \
				{ grep -q '^ *context deadline exceeded$$' "$$log" && ! grep -q 'Failing input' "$$log"; }; \
		done; done

torture: need-go ## the long runs (hours): PACKETHEAT_TORTURE=1, then every fuzz target for ten minutes
	PACKETHEAT_TORTURE=1 $(GO) test -p 1 -timeout 6h -count 1 -v $(if $(RUN),-run '$(RUN)') $(TEST)
	$(if $(RUN),,$(MAKE) --no-print-directory fuzz FUZZTIME=$(if $(filter 10s,$(FUZZTIME)),10m,$(FUZZTIME)))

package: page program ## .deb and tarball for this machine, in dist (ARCH=arm64: cross-built)
	cmd/packetheat/packaging/build $(ARCH) $(DIST)

package-all: ## the same for amd64 and arm64
	$(MAKE) --no-print-directory package ARCH=amd64
	$(MAKE) --no-print-directory package ARCH=arm64

container: package ## an image from scratch with this machine's package (buildah; root)
	cmd/packetheat/packaging/container/build "$$(ls -t $(DIST)/packetheat_*_linux_$(ARCH).tar.gz | head -n 1)"

supply: need-page program $(MODULES) ## licences and bill of materials into dist; known vulnerabilities
	$(GO) run ./cmd/packetheat/packaging/supply -program $(PROGRAM) -page export/page -out $(DIST)
	cmd/packetheat/packaging/audit $(PROGRAM)

clean: ## remove what the build made, not what the sensor stored
	rm -rf bin $(DIST) export/page/node_modules coverage .cache
	find export/page/dist -type f ! -name placeholder.html -delete
