# Installing and packaging; docs/packaging.md is the page on it.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man

.PHONY: install uninstall test-install reproducible wheel dist test-dist sbom third-party third-party-check

INSTALL = @DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" INCLUDEDIR="$(INCLUDEDIR)" BINDIR="$(BINDIR)" \
	DATADIR="$(DATADIR)" MANDIR="$(MANDIR)" VERSION="$(VERSION)" RELEASE="$(RELEASE)" COMMAND="$(TARGET)/cli/mmx-files" \
	PACKAGE="$(TARGET)/package" PYTHON="$(PYTHON)" CARGO="$(CARGO)" CC="$(CC)" sh packaging/install.sh

install: lib cli ## PREFIX=/usr/local, DESTDIR=…: the libraries, headers, pkg-config, CMake, command, manual pages
	$(INSTALL) install

uninstall: ## removes what `make install` with the same PREFIX and DESTDIR installed
	$(INSTALL) uninstall

third-party: ## writes THIRD-PARTY.md from Cargo.lock
	@$(PYTHON) packaging/third_party.py "$(CARGO)" THIRD-PARTY.md

sbom: ## writes target/sbom/mmx.cdx.json: what is linked in, as CycloneDX JSON 1.5
	@CC="$(CC)" $(PYTHON) packaging/sbom.py "$(CARGO)" "$(TARGET)/sbom/mmx.cdx.json"
	@echo "$(TARGET)/sbom/mmx.cdx.json"

# With the library inside; auditwheel confirms the platform that its name promises.
wheel: $(VENV_TARGET)/packaging ## builds a wheel for Python with the library inside, in target/wheel
	@rm -rf "$(TARGET)/wheel"
	@"$(VENV)/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$(TARGET)/wheel" bindings/python
	@"$(VENV)/bin/python" packaging/check_wheel.py "$(TARGET)/wheel"

$(VENV_TARGET)/packaging: tests/install/requirements.txt $(VENV_TARGET)/ready
	@"$(VENV)/bin/python" -m pip install --quiet --disable-pip-version-check -r $<
	@touch "$@"

third-party-check:
	@$(PYTHON) packaging/third_party.py "$(CARGO)" THIRD-PARTY.md --check

# It takes more than a minute and needs cmake and PyPI, so it is no part of `make test`.
test-install: tools lib cli wheel ## installs into a folder and builds programs from there by the lines of docs/install.md
	$(call need,cmake,cmake)
	$(call need,man,man-db)
	$(call need,unshare,util-linux)
	@$(CARGO) build --quiet -p mmx-sandbox
	@cd tests/install && $(CLEAN) MMX_TARGET="$(TARGET)" PATH="$(VENV)/bin:$$PATH" PYTHONDONTWRITEBYTECODE=1 "$(VENV)/bin/python" -m pytest \
		-q -W error -p no:cacheprovider --rootdir . --override-ini pythonpath=. $(ARGUMENTS)

reproducible: ## builds the libraries in two folders, which takes minutes, and compares every byte
	@sh packaging/reproducible.sh "$(CARGO)" "$(CC)" "$(TARGET)/reproducible"

dist: ## writes target/dist/mmx-VERSION.tar.gz: the committed sources with all crates, to build offline
	@sh packaging/dist.sh "$(CARGO)" "$(TARGET)/dist" "mmx-$(VERSION)"

test-dist: dist ## installs from that archive with no network and an empty cargo home, which takes minutes
	$(call need,unshare,util-linux)
	@sh packaging/offline.sh "$(TARGET)/dist/mmx-$(VERSION).tar.gz" "$(TARGET)/dist/offline"
