# libmmx. The two commands are `make demo` and `make test`; the rest serves them. `make help` lists them all.

CARGO ?= cargo
PYTHON ?= python3
GO ?= go
# Where cargo builds, also if its configuration says so.
TARGET := $(or $(CARGO_TARGET_DIR),$(shell $(CARGO) metadata --offline --no-deps --format-version 1 2>/dev/null | \
	sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'),$(CURDIR)/target)
RELEASE := $(TARGET)/release
PKG_CONFIG_FOLDER := $(TARGET)/pkgconfig
VENV := $(TARGET)/venv
# The same as a target, where a space ends a name.
SPACE := $(subst ,, )
escaped = $(subst $(SPACE),\$(SPACE),$(1))
VENV_TARGET := $(call escaped,$(VENV))
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Go's cache notices neither a new header nor a new library: the one is made part of its key, and tests are never taken
# from it.
export CGO_CFLAGS := -g -O2 -DMMX_HEADER=$(shell cksum <include/mmx.h | cut -d ' ' -f 1)
GO_TEST := PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) test -count=1

# Tests take no key, host, proxy or certificate store from the environment. Fetching packages may need a proxy, so it is
# done before.
CLEAN := env -u MINIMAX_API_KEY -u MINIMAX_API_KEY_FILE -u MMX_LEDGER -u MINIMAX_BASE_URL -u SSL_CERT_FILE -u SSL_CERT_DIR \
	-u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u NO_PROXY -u http_proxy -u https_proxy -u all_proxy -u no_proxy

PYTHON_CODE := bindings/python examples/python examples/containers/python
PYTHON_LINTED := $(PYTHON_CODE) benches/python packaging tests/clients tests/infra tests/install tests/soak
PYTHON_SETTINGS := bindings/python/pyproject.toml

# need(command, package): says what is missing and which package brings it.
need = @command -v $(1) >/dev/null 2>&1 || { echo "libmmx needs $(1): install the package $(2)" >&2; exit 1; }

include packaging/install.mk

.PHONY: help demo demo-real test lib release-folder cli sandbox header lint test-rust test-python test-go test-go-plain \
	test-go-race test-go-cgocheck \
	test-go-gogc test-freethreaded test-clients test-infra torture valgrind bench bench-goals bench-instructions bench-page bench-programs tools fetch docs clean

.DEFAULT_GOAL := help

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# On a terminal cargo shows where it is.
QUIET = $$([ -t 2 ] || echo --quiet)

demo: tools ## a file's whole life at a stand-in server on this machine, what a failure says, and a prune
	@echo "1/4  the library; optimised as a whole: the first time about 3 minutes"
	@$(MAKE) --no-print-directory lib
	@echo "2/4  the command mmx-files; the first time about 3 minutes"
	@$(MAKE) --no-print-directory cli
	@echo "3/4  the stand-in server and the demo; the first time about 2 minutes"
	@$(CARGO) build $(QUIET) --example demo
	@echo "4/4  the example programs in C and Go; the first time about a minute"
	@echo
	@$(CLEAN) $(CARGO) run --quiet --example demo

demo-real: tools lib ## FILE_ID=… PURPOSE=…: deletes that file of the real account whose key is in MINIMAX_API_KEY
	@sh examples/demo-real.sh "$(FILE_ID)" "$(PURPOSE)" "$(RELEASE)"

test: tools fetch lib lint test-rust test-python test-go ## every test, format check and lint
	@echo "all tests passed"

tools:
	$(call need,$(CARGO),cargo (or rustup))
	$(call need,cc,gcc)
	$(call need,c++,g++)
	$(call need,pkg-config,pkg-config)
	$(call need,$(PYTHON),python3)
	$(call need,$(GO),golang (or go.dev))

fetch:
	@$(CARGO) fetch --quiet --locked

# The first two flags stand apart from -rpath: some pkg-config join flags of -Wl, and then escape no space in them.
lib: ## builds libmmx.so and libmmx.a
	@sh packaging/lib.sh "$(CARGO)" "$(CC)" "$(TARGET)" "$(RELEASE)"
	@mkdir -p "$(PKG_CONFIG_FOLDER)"
	@for name in mmx mmx-static; do \
		case $$name in \
			mmx) libs='-Wl,--enable-new-dtags -L$(call escaped,$(RELEASE)) -Wl,-rpath,$(call escaped,$(RELEASE)) -lmmx' ;; \
			*) libs='$(call escaped,$(RELEASE))/libmmx.a -lm -lpthread -ldl' ;; \
		esac; \
		printf '%s\n' "Name: $$name" "Description: The native client for the MiniMax file API, as built in this checkout" \
			"Version: $(VERSION)" "Cflags: -I$(call escaped,$(CURDIR))/include" "Libs: $$libs" "Libs.private: -lm -lpthread -ldl" \
			>"$(PKG_CONFIG_FOLDER)/$$name-uninstalled.pc"; \
	done

release-folder:
	@echo "$(RELEASE)"

cli: ## builds the command mmx-files
	@sh packaging/command.sh "$(CARGO)" "$(CC)" "$(TARGET)" "$(TARGET)/cli/mmx-files"

sandbox: ## builds the stand-in server for your own tests and prints its path, see docs/testing.md
	@$(CARGO) build --release --quiet -p mmx-sandbox
	@echo "$(RELEASE)/mmx-sandbox"

header: $(VENV_TARGET)/ready ## writes include/mmx.h and what else is generated from the sources
	@MMX_WRITE=1 $(CARGO) test --quiet --test header
	@$(VENV)/bin/python bindings/python/generate_ffi.py

# What the checks of the Python code need, apart from the library and from whatever else is installed.
$(VENV_TARGET)/ready: bindings/python/requirements-dev.txt
	@$(PYTHON) -m venv "$(VENV)"
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -r $<
	@touch "$@"

C_FILES = $(wildcard tests/c/*.[ch] tests/sanitizers/*.c tests/soak/*.[ch] tests/torture/*.[ch] tests/json/*.c tests/cpp/*.[ch]pp examples/c/*.c examples/cpp/*.cpp examples/containers/cpp/*.cpp benches/c/*.[ch])

lint: $(VENV_TARGET)/ready
	@$(CARGO) fmt --all --check
	@$(VENV)/bin/clang-format --dry-run -Werror $(C_FILES)
	@$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	@$(PYTHON) packaging/third_party.py "$(CARGO)" THIRD-PARTY.md --check
	@$(PYTHON) packaging/docs.py check

test-rust:
	$(call need,jq,jq)
	$(call need,g++,g++)
	$(call need,clang++,clang)
	@echo 'int main() {}' | clang++ -x c++ -fsanitize=address -o /dev/null - 2>/dev/null || \
		{ echo "libmmx needs clang++ with AddressSanitizer: install the package libclang-rt-dev" >&2; exit 1; }
	@$(CLEAN) $(CARGO) test --quiet --workspace

MYPY = $(VENV)/bin/mypy --no-error-summary --cache-dir $(TARGET)/mypy --config-file $(PYTHON_SETTINGS)
UNDER_VALGRIND = $(CLEAN) MMX_TEST_UNDER="valgrind --quiet --error-exitcode=9 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite
test-python: lib $(VENV_TARGET)/ready
	@$(VENV)/bin/ruff check --quiet --no-cache --config $(PYTHON_SETTINGS) $(PYTHON_LINTED)
	@$(VENV)/bin/ruff format --quiet --check --no-cache --config $(PYTHON_SETTINGS) $(PYTHON_LINTED)
	@MYPYPATH=tests/clients $(MYPY) $(PYTHON_CODE) tests/clients/run.py
	@MYPYPATH=tests/clients:tests/infra $(MYPY) tests/infra/*.py
	@for file in packaging/*.py; do MYPYPATH=packaging $(MYPY) $$file || exit 1; done
	@MYPYPATH=tests/install $(MYPY) tests/install/*.py
	@MYPYPATH=tests/soak $(MYPY) tests/soak/*.py
	@$(CLEAN) $(VENV)/bin/pytest -q -c $(PYTHON_SETTINGS) --rootdir bindings/python -o cache_dir=$(TARGET)/pytest \
		bindings/python/tests

# Of the tests of the Python package those of calls, callbacks and threads. At the end of such an interpreter modules are empty
# sooner, and signal handlers run in destructors of other objects, so the tests of these (test_fork.py, test_run_ends.py,
# test_interrupt.py) are not among them: docs/packaging.md.
PYTHON_FREE_THREADED ?= python3.13t
FREE_THREADED_TESTS := threads delete delete_many prune callbacks contents upload upload_ends download transfer_ends lifetimes \
	log errors failures absent metadata
test-freethreaded: tools lib ## the tests of the Python package without the GIL; PYTHON_FREE_THREADED names another interpreter
	$(call need,$(PYTHON_FREE_THREADED),CPython built with --disable-gil)
	@$(PYTHON_FREE_THREADED) -m venv "$(TARGET)/freethreaded"
	@"$(TARGET)/freethreaded/bin/python" -m pip install --quiet --disable-pip-version-check \
		$$(grep '^pytest==' bindings/python/requirements-dev.txt)
	@$(CLEAN) PYTHON_GIL=0 "$(TARGET)/freethreaded/bin/python" -m pytest -q -c $(PYTHON_SETTINGS) --rootdir bindings/python \
		-o cache_dir="$(TARGET)/pytest" $(FREE_THREADED_TESTS:%=bindings/python/tests/test_%.py)

test-go: lib
	@unformatted=$$(gofmt -l bindings/go examples/go examples/containers/go benches/go); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@cd bindings/go && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@cd benches/go && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@cd examples/go/delete && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@cd examples/go/life && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@cd examples/go/prune && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@cd examples/containers/go && PKG_CONFIG_PATH="$(PKG_CONFIG_FOLDER)" $(GO) vet ./...
	@$(MAKE) --no-print-directory -j 2 test-go-plain test-go-race test-go-cgocheck test-go-gogc

# Most of their time the tests wait: two runs at once take hardly more than one.
test-go-plain:
	@cd bindings/go && $(CLEAN) $(GO_TEST) ./...

test-go-race:
	@cd bindings/go && $(CLEAN) $(GO_TEST) -race ./...

test-go-cgocheck:
	@cd bindings/go && $(CLEAN) GOEXPERIMENT=cgocheck2 $(GO_TEST) ./...

test-go-gogc:
	@cd bindings/go && $(CLEAN) GOGC=1 $(GO_TEST) ./...

# It needs the registries of npm and PyPI, so it is no part of `make test`.
test-clients: ## other people's clients against the stand-in server, where no other host can be reached
	$(call need,$(CARGO),cargo (or rustup))
	$(call need,$(PYTHON),python3)
	@$(CARGO) build --quiet -p mmx-sandbox
	@$(PYTHON) tests/clients/run.py $(TARGET)/clients $(TARGET)/debug/mmx-sandbox

# It needs the Debian packages nginx-light (or nginx), haproxy and squid. Of toxiproxy there is no package: the module
# github.com/Shopify/toxiproxy/v2 is built with Go unless toxiproxy-server is in the path. One that is missing is a failure.
test-infra: lib ## all calls through nginx, haproxy, squid and toxiproxy, on loopback alone; ONLY="nginx squid" limits it
	$(call need,$(PYTHON),python3)
	$(call need,openssl,openssl)
	@$(CARGO) build --quiet -p mmx-sandbox
	@GO=$(GO) $(PYTHON) tests/infra/run.py $(TARGET)/infra $(ONLY)

# Those that neither measure time nor fork inside a callback: what a child of a call leaves is the parent's, not lost.
VALGRIND_PROGRAMS := bulk bulk_doubt prune list retrieve files_parse upload download_resume retry_delete reconcile ownership \
	proxy log ledger take

# Under valgrind a call takes some hundred times as long: a tenth of the points is cut there.
TORTURE = $(CARGO) test --quiet --test torture -- --nocapture --test-threads 1
UNDER_VALGRIND_WITH_TLS = $(UNDER_VALGRIND) --suppressions=$(CURDIR)/tests/valgrind.supp"
torture: tools lib ## every byte cut, every system call and every function of libc failing once: all of them, in about half an hour
	$(call need,valgrind,valgrind)
	@$(CLEAN) MMX_TEST_ONE_IN=1 MMX_TEST_LONGEST_S=7200 $(TORTURE)
	@$(UNDER_VALGRIND_WITH_TLS) MMX_TEST_ONE_IN=10 MMX_TEST_LONGEST_S=7200 $(TORTURE) --exact cut

valgrind: tools lib ## 1,000 deletes, one of each failure, and programs of every call under valgrind
	$(call need,valgrind,valgrind)
	@$(UNDER_VALGRIND)" MMX_TEST_DELETES=1000 MMX_TEST_OVER=http $(CARGO) test --quiet --test c_programs -- leaks
	@$(UNDER_VALGRIND) --suppressions=$(CURDIR)/tests/valgrind.supp" $(CARGO) test --quiet --test c_programs -- failures
	@$(UNDER_VALGRIND) --suppressions=$(CURDIR)/tests/valgrind.supp" MMX_TEST_DELETES=1000 MMX_TEST_OVER=https \
		$(CARGO) test --quiet --test c_programs -- leaks
	@for program in $(VALGRIND_PROGRAMS); do \
		$(UNDER_VALGRIND) --suppressions=$(CURDIR)/tests/valgrind.supp" \
			$(CARGO) test --quiet --test c_programs -- --exact c::$$program || exit 1; \
	done

# ---- Fuzz, sanitizers, soak, supply chain: docs/reliability.md ----

.PHONY: fuzz schedules sanitize sanitize-threads sanitize-addresses soak deny

# With coverage, by libFuzzer and a nightly compiler; `make test` runs the same targets over fuzz/corpus without either.
SECONDS ?= 60
fuzz: ## SECONDS=60, ONLY="ledger glob …": each fuzz target that long, by libFuzzer under AddressSanitizer; needs a nightly Rust
	$(call need,c++,g++)
	@sh fuzz/run.sh "$(CARGO)" "$(TARGET)" "$(SECONDS)" $(ONLY)

# In a folder of its own: with that cfg every crate is built anew. One test at a time: each has the model's clock to itself.
SCHEDULES ?= 1000
schedules: ## SCHEDULES=1000: so many random and PCT schedules of the threads of limiter, pool, body, lookups and tables, by shuttle
	@MMX_TEST_SCHEDULES=$(SCHEDULES) RUSTFLAGS="--cfg shuttle" $(CLEAN) $(CARGO) test --locked --quiet \
		--target-dir "$(TARGET)/shuttle" --lib -- schedules:: --nocapture --test-threads 1

# Programs that bound memory or time, that fork among threads, that count threads, or that have hundreds of processes are left
# out where a sanitizer doesn't let them: docs/reliability.md.
CALLS ?= 200000
sanitize: tools lib sanitize-threads sanitize-addresses ## CALLS=200000: so many calls by 64 threads, and the two targets below
	@MMX_TEST_CALLS=$(CALLS) MMX_TEST_UNDER="env --" $(CLEAN) $(CARGO) test --quiet --test c_programs -- --exact c::many_threads

THREAD_SANITIZER := $(TARGET)/thread-sanitizer
NOT_THREAD_SANITIZED ?= bulk_memory huge_responses limits upload_ends engine_resources engine_fork ledger_many
THREAD_CALLS ?= 50000
sanitize-threads: tools ## THREAD_CALLS=50000: the C programs with ThreadSanitizer, also in the library; so many calls by 64 threads
	@sh tests/sanitizers/library.sh thread "$(CC)" "$(THREAD_SANITIZER)"
	@MMX_TEST_CC="$(THREAD_SANITIZER)/cc" MMX_TEST_LIBRARY="$(THREAD_SANITIZER)" MMX_TEST_CALLS=$(THREAD_CALLS) \
		MMX_TEST_UNDER="env TSAN_OPTIONS=halt_on_error=1:exitcode=66:die_after_fork=0" $(CLEAN) \
		$(CARGO) test --quiet --test c_programs -- $(NOT_THREAD_SANITIZED:%=--skip c::%)

ADDRESS_SANITIZER := $(TARGET)/address-sanitizer
NOT_ADDRESS_SANITIZED ?= bulk_memory huge_responses ledger_many engine_fork engine_interrupt
sanitize-addresses: tools ## the C programs with AddressSanitizer, UBSan and LeakSanitizer, and with the first also in the library
	@sh tests/sanitizers/library.sh address "$(CC)" "$(ADDRESS_SANITIZER)"
	@MMX_TEST_CC="$(ADDRESS_SANITIZER)/cc" MMX_TEST_LIBRARY="$(ADDRESS_SANITIZER)" MMX_TEST_UNDER="env --" $(CLEAN) \
		$(CARGO) test --quiet --test c_programs -- $(NOT_ADDRESS_SANITIZED:%=--skip c::%)

MINUTES ?= 10
soak: tools lib ## MINUTES=10: eight threads and all calls through relays that break connections; memory, descriptors and threads stay flat
	@$(CARGO) build --release --quiet -p mmx-sandbox
	@$(CLEAN) $(PYTHON) tests/soak/run.py "$(RELEASE)" "$(RELEASE)/mmx-sandbox" "$(TARGET)/soak" "$(MINUTES)"

deny: ## licences, second versions and sources of all crates by deny.toml; ADVISORIES=1 fetches RustSec's advisories, too, =offline has them
	$(call need,cargo-deny,crates.io: cargo install cargo-deny --locked)
	@$(CARGO) deny --all-features $(if $(filter offline,$(ADVISORIES)),--offline) --log-level error check --hide-inclusion-graph licenses bans sources $(if $(ADVISORIES),advisories)

# The contestants get a clean environment; fetching the peers for Python may need a proxy.
BENCH_SIZE = $(if $(QUICK),--quick) $(if $(SMOKE),--smoke)
BENCH = @GO=$(GO) PYTHON=$(PYTHON) $(RELEASE)/mmx-bench $(BENCH_SIZE) $(if $(BEFORE),--before $(BEFORE))

bench: bench-programs ## measures libmmx beside its peers, see benches/README.md; QUICK=1 is shorter, ONLY="…" measures a part
	$(BENCH) $(ONLY)

# The last commit whose library stood on a tokio runtime.
bench-goals: BEFORE ?= f367510
bench-goals: bench-programs ## measures all of it and prints which goals are met; ONLY="…" measures a part
	$(call need,valgrind,valgrind)
	$(BENCH) --goals $(ONLY)

bench-instructions: bench-programs ## counts instructions and allocations of a call, to the committed numbers; WRITE=1 replaces these
	$(call need,valgrind,valgrind)
	@$(RELEASE)/bench-instructions $(if $(WRITE),--write) $(ONLY)

bench-page: ## writes docs/performance.md, its picture and the README's line; RESULTS="…" names other files of benches/results
	@$(CARGO) run --quiet -p mmx-bench --bin bench-page -- $(RESULTS)

bench-programs: tools lib
	$(call need,taskset,util-linux)
	@$(CARGO) build --release --quiet -p mmx-sandbox -p mmx-bench

# Once Sphinx is installed from PyPI, it needs no network; a warning or a dead link is a failure.
DOCS := $(TARGET)/docs
docs: $(call escaped,$(TARGET)/docs-venv/ready) ## builds the pages as a site for a browser, in target/docs/site
	@$(PYTHON) packaging/docs.py check
	@rm -rf "$(DOCS)"
	@$(PYTHON) packaging/docs.py stage "$(DOCS)/source"
	@MMX_VERSION=$(VERSION) "$(TARGET)/docs-venv/bin/sphinx-build" --quiet --fail-on-warning --fresh-env --write-all \
		--builder html --conf-dir packaging/docs --doctree-dir "$(DOCS)/doctrees" "$(DOCS)/source" "$(DOCS)/site"
	@$(PYTHON) packaging/docs.py verify "$(DOCS)/site"
	@echo "$(DOCS)/site/index.html"

$(call escaped,$(TARGET)/docs-venv/ready): packaging/docs/requirements.txt
	@$(PYTHON) -m venv "$(TARGET)/docs-venv"
	@"$(TARGET)/docs-venv/bin/python" -m pip install --quiet --disable-pip-version-check -r $<
	@touch "$@"

clean:
	@$(CARGO) clean
