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
GO_TEST := PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) test -count=1

# Tests take no key, host, proxy or certificate store from the environment. Fetching packages may need a proxy, so it is
# done before.
CLEAN := env -u MINIMAX_API_KEY -u MINIMAX_BASE_URL -u SSL_CERT_FILE -u SSL_CERT_DIR \
	-u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u NO_PROXY -u http_proxy -u https_proxy -u all_proxy -u no_proxy

PYTHON_CODE := bindings/python examples/python
PYTHON_LINTED := $(PYTHON_CODE) benches/python packaging tests/clients tests/infra tests/install
PYTHON_SETTINGS := bindings/python/pyproject.toml

# need(command, package): says what is missing and which package brings it.
need = @command -v $(1) >/dev/null 2>&1 || { echo "libmmx needs $(1): install the package $(2)" >&2; exit 1; }

include packaging/install.mk

.PHONY: help demo demo-real test lib release-folder cli sandbox header lint test-rust test-python test-go test-go-plain \
	test-go-race test-go-cgocheck \
	test-go-gogc test-clients test-infra torture valgrind bench bench-goals bench-instructions bench-page bench-programs tools fetch clean

.DEFAULT_GOAL := help

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: tools lib cli ## a file's whole life at a stand-in server on this machine, what a failure says, and a prune
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

lib: ## builds libmmx.so and libmmx.a
	@sh packaging/lib.sh "$(CARGO)" "$(CC)" "$(TARGET)" "$(RELEASE)"
	@mkdir -p "$(PKG_CONFIG_FOLDER)"
	@for name in mmx mmx-static; do \
		case $$name in \
			mmx) libs='-L$(call escaped,$(RELEASE)) -Wl,--enable-new-dtags -Wl,-rpath,$(call escaped,$(RELEASE)) -lmmx' ;; \
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

C_FILES = $(wildcard tests/c/*.[ch] tests/torture/*.[ch] tests/json/*.c tests/cpp/*.[ch]pp examples/c/*.c examples/cpp/*.cpp benches/c/*.[ch])

lint: $(VENV_TARGET)/ready
	@$(CARGO) fmt --all --check
	@$(VENV)/bin/clang-format --dry-run -Werror $(C_FILES)
	@$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	@$(PYTHON) packaging/third_party.py "$(CARGO)" THIRD-PARTY.md --check

test-rust:
	$(call need,jq,jq)
	$(call need,g++,g++)
	$(call need,clang++,clang)
	@$(CLEAN) $(CARGO) test --quiet --workspace

MYPY = $(VENV)/bin/mypy --no-error-summary --cache-dir $(TARGET)/mypy --config-file $(PYTHON_SETTINGS)
UNDER_VALGRIND = $(CLEAN) MMX_TEST_UNDER="valgrind --quiet --error-exitcode=9 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite
test-python: lib $(VENV_TARGET)/ready
	@$(VENV)/bin/ruff check --quiet --no-cache --config $(PYTHON_SETTINGS) $(PYTHON_LINTED)
	@$(VENV)/bin/ruff format --quiet --check --no-cache --config $(PYTHON_SETTINGS) $(PYTHON_LINTED)
	@MYPYPATH=tests/clients $(MYPY) $(PYTHON_CODE) tests/clients/run.py
	@MYPYPATH=tests/clients:tests/infra $(MYPY) tests/infra/*.py
	@for file in packaging/*.py; do $(MYPY) $$file || exit 1; done
	@MYPYPATH=tests/install $(MYPY) tests/install/*.py
	@$(CLEAN) $(VENV)/bin/pytest -q -c $(PYTHON_SETTINGS) --rootdir bindings/python -o cache_dir=$(TARGET)/pytest \
		bindings/python/tests

test-go: lib
	@unformatted=$$(gofmt -l bindings/go examples/go benches/go); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@cd bindings/go && PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) vet ./...
	@cd benches/go && PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) vet ./...
	@cd examples/go/delete && PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) vet ./...
	@cd examples/go/life && PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) vet ./...
	@cd examples/go/prune && PKG_CONFIG_PATH=$(PKG_CONFIG_FOLDER) $(GO) vet ./...
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
	proxy log

# Under valgrind a call takes some hundred times as long: a tenth of the points is cut there.
TORTURE = $(CARGO) test --quiet --test torture -- --nocapture --test-threads 1
UNDER_VALGRIND_WITH_TLS = $(UNDER_VALGRIND) --suppressions=$(CURDIR)/tests/valgrind.supp"
torture: tools lib ## every byte cut, every system call failing once, bad calls: all of them, in about half an hour
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

clean:
	@$(CARGO) clean
