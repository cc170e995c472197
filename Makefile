# libmmx. The two commands are `make demo` and `make test`; the rest serves them.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release
PREFIX_MAP := --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(HOME)/.cargo=cargo

.PHONY: demo test lib header

# The two libraries that users link. The rlib stays out, so that link-time optimisation applies.
lib:
	@$(CARGO) rustc --release --quiet --lib --crate-type cdylib,staticlib
	@ln -sf libmmx.so $(RELEASE)/libmmx.so.1

header:
	MMX_WRITE=1 $(CARGO) test --quiet --test header
