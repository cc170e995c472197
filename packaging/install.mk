# Installing and packaging; docs/packaging.md is the page on it.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man

.PHONY: install uninstall test-install reproducible wheel dist third-party sbom

INSTALL = @DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" INCLUDEDIR="$(INCLUDEDIR)" BINDIR="$(BINDIR)" \
	DATADIR="$(DATADIR)" MANDIR="$(MANDIR)" VERSION="$(VERSION)" RELEASE="$(RELEASE)" COMMAND="$(TARGET)/cli/mmx-files" \
	PACKAGE="$(TARGET)/package" PYTHON="$(PYTHON)" sh packaging/install.sh

install: lib cli ## PREFIX=/usr/local, DESTDIR=…: the libraries, headers, pkg-config, CMake, command, manual pages
	$(INSTALL) install

uninstall: ## removes what `make install` with the same PREFIX and DESTDIR installed
	$(INSTALL) uninstall
