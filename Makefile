# `make demo` and `make check` need no step before them; `make help` lists the rest.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
CMAKEDIR   ?= $(LIBDIR)/cmake/confdclient
# Where bash-completion and zsh look; distributions have other places for zsh's.
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
INSTALL    ?= install
CARGO      ?= cargo
CFLAGS     ?= -O2 -g

# Absolute, since some of the scripts work in other folders.
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CARGO_TARGET_DIR := $(TARGET)
# The libraries and confd-query as they are installed, and the simulator.
DIST := $(TARGET)/dist
SIM  := $(TARGET)/release/confd-sim
# What the tests load, link and start.
export CONFDCLIENT_LIBRARY := $(DIST)/libconfdclient.so
export CONFDCLIENT_LIBDIR  := $(DIST)
export CONFD_SIM           := $(SIM)

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME  := libconfdclient.so.0
SHARED  := libconfdclient.so.$(VERSION)

# For our own C: nothing that a compiler has to say about it is left standing.
STRICT := -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror

# A twelfth less code for two to three instructions in a hundred more on the hot paths. Functions are copied into their
# callers where they are short or marked `#[inline]`, as those of the hot paths are; loops are neither unrolled by a count
# that is known only when they run, nor aligned, nor made of vectors; ends of functions are not doubled to save a jump.
SMALL := -C llvm-args=-inline-threshold=65 -C llvm-args=-align-loops=1 -C llvm-args=-unroll-runtime=false \
    -C llvm-args=-tail-dup-size=1 -C llvm-args=-tail-dup-placement-threshold=1 -C no-vectorize-loops

# Functions that every request goes through stand side by side. GNU ld and lld can do that; for another linker, ORDER=.
ORDER := -C link-arg=-Wl,-T,tools/hot.ld

LIBRARY := $(DIST)/libconfdclient.so
ARCHIVE := $(DIST)/libconfdclient.a
COMPILE_TOOL = $(CC) -std=c99 $(CFLAGS) $(CPPFLAGS) -Iinclude examples-c/confd-query*.c \
    $(LDFLAGS) -L$(DIST) -lconfdclient

.DEFAULT_GOAL := help
# Each target with a comment behind it; check's parts are those with "#+", in their order here.
.PHONY: $(shell sed -n 's/^\([a-z][a-z-]*\):[^\#]*\#[\#+] .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this list
	@echo "libconfdclient $(VERSION). What there is to do, with nothing to set up before:"
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo "The parts of check, in its order:"
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*#+ \(.*\)/  make \1\t\2/p' Makefile | expand -t 26
	@echo "Variables: PREFIX DESTDIR BINDIR LIBDIR INCLUDEDIR MANDIR BASHCOMPDIR ZSHCOMPDIR"
	@echo "           CC CFLAGS LDFLAGS CARGO CARGO_TARGET_DIR"

demo: ## build, ask three simulated candidates (one stale, one slow) from C, show who said what
	@MAKE="$(MAKE)" sh tools/demo.sh

build: library ## the library, shared and static, and the simulator
	$(CARGO) build --release -p confd-sim

library: ## the library alone, shared and static
	$(CARGO) rustc --profile dist -p confdclient --lib --crate-type cdylib,staticlib -- $(SMALL) $(ORDER)
	@ln -sfn libconfdclient.so $(DIST)/$(SONAME)
	@sh tools/archive.sh $(ARCHIVE)

# For install, which then needs no cargo after `make build`, as under sudo.
$(LIBRARY): $(shell find src -name '*.rs') build.rs Cargo.toml Cargo.lock tools/hot.ld
	@$(MAKE) --no-print-directory library

# The copy in the target folder finds the library beside it.
confd-query: $(DIST)/confd-query ## the command-line tool, in the target folder
$(DIST)/confd-query: $(wildcard examples-c/confd-query*.[ch]) include/confdclient.h $(LIBRARY)
	$(COMPILE_TOOL) -Wl,-rpath,'$$ORIGIN' -o $@

check: ## install what the tests need, run every part below
	@MAKE="$(MAKE)" sh tests/check.sh

needs: #+ Debian packages that the tests need
	@sh tests/install-needs.sh

fmt: #+ the format of the Rust sources
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path tools/header/Cargo.toml --check
	$(CARGO) fmt --all --check --manifest-path fuzz/Cargo.toml
	$(CARGO) fmt --manifest-path tests/sanitizers/planted/Cargo.toml --check

layout: #+ size of files, place of unsafe code, nothing of one machine
	@sh tests/layout.sh

header-check: #+ the header is what the sources make, and clean in C and C++
	@sh tests/header.sh

lint: #+ clippy, where every warning is an error
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --manifest-path tools/header/Cargo.toml --all-targets -- -D warnings
	$(CARGO) clippy --manifest-path fuzz/Cargo.toml -p confd-fuzz-bodies --all-targets -- -D warnings
	$(CARGO) clippy --manifest-path tests/sanitizers/planted/Cargo.toml --all-targets -- -D warnings

unit: #+ cargo test, of the library and the simulator
	$(CARGO) test --workspace

man: ## write the manual in man/ anew from man/src and the header
	python3 tools/manual/make.py

pictures: ## draw docs/house.svg and docs/query.svg anew
	python3 tools/pictures.py

pictures-check: #+ the pictures are what their script draws, and well-formed
	@python3 tools/pictures.py --check

docs: ## the manual as HTML, in the target folder
	@sh tests/install-needs.sh mandoc python3 >/dev/null
	@python3 tools/manual/web.py $(TARGET)/docs

docs-check: docs #+ the manual as HTML: every link leads somewhere
	@python3 tests/manual/links.py $(TARGET)/docs

man-check: #+ the manual is what the sources make, and sound mdoc; man finds each name
	@sh tests/man.sh

man-examples: build #+ the examples of the manual, compiled and run as they stand there
	@MAKE="$(MAKE)" STRICT="$(STRICT)" sh tests/man-examples.sh

exports: build #+ what the libraries define and need
	@sh tests/exports.sh

hot-check: build #+ the functions that every request goes through stand side by side
	@python3 tools/hot.py --check

abi-check: build #+ the ABI is what it was, by libabigail; planted changes are found; LONG=1: planted everywhere
	@LONG=$(LONG) python3 tests/abi/run.py check

abi-baseline: build ## the ABI as it is now becomes what abi-check demands; FIRST=1: before the first release
	@FIRST=$(FIRST) python3 tests/abi/run.py baseline

examples: build #+ the C examples, strict, with gcc and clang
	@STRICT="$(STRICT)" sh tests/examples.sh

readme: build #+ the program in README.md compiles, and gets an answer
	@sh tests/readme.sh

install-test: build #+ install, use by pkg-config, uninstall
	@sh tests/install.sh

consumers: build #+ programs of others find what is installed: CMake, Meson, beside other Rust archives
	@sh tests/consumers.sh

cinstall-test: build #+ cargo cinstall gives the same library
	@sh tests/cinstall.sh

deb-test: #+ the Debian packages: built offline, lintian, installed, real daemons asked; on this system
	@sh tests/packages.sh

trixie-test: #+ the same on Debian 13, with the oldest compiler that will do, unit tests included
	@sh packaging/debian13.sh sh tests/packages.sh --disposable

trixie-bindings: #+ the bindings on Debian 13, with its Go 1.24 and GHC 9.6
	@sh packaging/debian13.sh make --no-print-directory go-tests haskell-tests

rpm-test: build #+ the RPM spec file: rpmlint, rpmbuild, programs with what it makes
	@sh tests/rpm.sh

musl-test: build #+ the archive for musl, in a C program of musl's
	@sh tests/musl.sh

demo-test: #+ the demo shows what it says
	@MAKE="$(MAKE)" sh tests/demo.sh

c-tests: build #+ C programs over the whole of the C API
	@tests/c/run.sh

c-tests-valgrind: build #+ the same under valgrind
	@tests/c/run.sh --valgrind

c-tests-sanitized: build #+ the same under the sanitizers for addresses, leaks and undefined behaviour
	@tests/c/run.sh --sanitize=address

tsan: build #+ the same under ThreadSanitizer, Rust's standard library included; LONG=1: eight threads hammer for a minute
	@HAMMER_SECONDS=$(or $(SECONDS),$(if $(LONG),60,8)) tests/c/run.sh --sanitize=thread

secrets-test: build #+ keys leave nothing in memory, lack of memory does no harm, hostile input is bounded work
	@tests/secrets/run.sh

completions-test: build confd-query #+ completion in bash and zsh; --help, completions and manual name the same
	@sh tests/install-needs.sh bash zsh python3 >/dev/null
	@python3 tests/completions/test_completions.py

cpp-tests: build #+ the C++ header, strict, installed, with sanitizers; g++ and clang++, C++17 to 23
	@MAKE="$(MAKE)" tests/cpp/run.sh

tool-tests: build #+ confd-query, its output and its exit codes
	@tests/tool/run.sh

go-tests: build #+ the Go binding: tests, race detector, examples
	@STRICT="$(STRICT)" sh tests/go.sh

haskell-tests: build #+ the Haskell package, built and tested with both of GHC's run-time systems
	@MAKE="$(MAKE)" STRICT="$(STRICT)" sh tests/haskell.sh

examples-real: build #+ the examples in C and C++, answered by real daemons
	@sh tests/examples-real.sh

languages-test: build #+ the programs in README.md for C++, Go and Haskell
	@MAKE="$(MAKE)" sh tests/languages.sh

real: build #+ real ganeti-confd daemons, and Ganeti's own client beside this one
	@tests/real/run.sh

faults: build #+ faults of network, system and clock, and hostile peers; LONG=1: ten times as many queries
	@LONG=$(LONG) tests/faults/run.sh

torture: build ## the long forms of the checks by chance and by force, in one table; SHORT=1 KINDS="…" MINUTES SEEDS MUTANTS=1
	@MAKE="$(MAKE)" SHORT=$(SHORT) MINUTES=$(MINUTES) SEEDS=$(SEEDS) REQUESTS=$(REQUESTS) MUTANTS=$(MUTANTS) python3 tests/torture.py $(KINDS)

copyright: ## write debian/copyright anew from LICENSE and Cargo.lock's crates
	sh packaging/vendor.sh $(TARGET)/vendor
	python3 packaging/copyright.py $(TARGET)/vendor

source: ## the Debian source package, in the target folder, ready for dpkg-buildpackage
	sh packaging/source.sh $(TARGET)/source

FUZZ_TARGETS := datagrams answers requests sequences loopback
RANDOM_INPUTS ?= 1000

fuzz-replay: #+ the corpora of the fuzz targets, and RANDOM_INPUTS random inputs for each
	$(CARGO) run --quiet --manifest-path fuzz/Cargo.toml -p confd-fuzz-bodies -- --random $(RANDOM_INPUTS) \
	    $(foreach target,$(FUZZ_TARGETS),$(target)=fuzz/corpus/$(target).pack)

fuzz: ## coverage-guided fuzzing, MINUTES (1) for each of TARGETS (all), under AddressSanitizer
	@fuzz/run.sh run

# Hours of a core for all of them; each run goes on where the last one ended.
mutants: ## which changes of src/engine and src/wire no test notices; SHARD=k/n or ONLY=regex of them, AGAIN=1 all anew
	@python3 tests/mutants/run.py $(if $(SHARD),--shard $(SHARD)) $(if $(ONLY),--only '$(ONLY)') $(if $(AGAIN),--again)

header: ## write include/confdclient.h anew from the sources
	$(CARGO) run --quiet --manifest-path tools/header/Cargo.toml

hot: ## find anew which functions every request goes through, and write tools/hot.ld
	python3 tools/hot.py

bench: build ## what the library costs beside the sockets under it, in one table
	python3 benches/run.py

# For who builds something else as the library is built.
small-flags:
	@echo '$(SMALL)'

# The headers, pages and completions that there are.
HEADERS  := $(wildcard include/*.h include/*.hpp)
PARTS    := $(wildcard include/confdclient/*.hpp)
MAN1     := $(wildcard man/*.1)
MAN3     := $(wildcard man/*.3)
BASHCOMP := $(wildcard completions/confd-query.bash)
ZSHCOMP  := $(wildcard completions/_confd-query)
INSTALLED = $(LIBDIR)/libconfdclient.so $(LIBDIR)/$(SONAME) $(LIBDIR)/$(SHARED) $(LIBDIR)/libconfdclient.a \
    $(LIBDIR)/pkgconfig/confdclient.pc $(addprefix $(CMAKEDIR)/,confdclient-config.cmake confdclient-config-version.cmake) \
    $(patsubst include/%,$(INCLUDEDIR)/%,$(HEADERS) $(PARTS)) $(BINDIR)/confd-query \
    $(addprefix $(MANDIR)/man1/,$(notdir $(MAN1))) $(addprefix $(MANDIR)/man3/,$(notdir $(MAN3))) \
    $(if $(BASHCOMP),$(BASHCOMPDIR)/confd-query) $(if $(ZSHCOMP),$(ZSHCOMPDIR)/_confd-query)
# From a file with @NAMES@, to a file.
fill = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
    -e 's|@VERSION@|$(VERSION)|' -e "s|@TO_LIBDIR@|$$(realpath -ms --relative-to='$(CMAKEDIR)' '$(LIBDIR)')|" \
    -e "s|@TO_INCLUDEDIR@|$$(realpath -ms --relative-to='$(CMAKEDIR)' '$(INCLUDEDIR)')|" $(1) >"$(2)" && chmod 644 "$(2)"

install: $(LIBRARY) ## libraries, headers, what pkg-config and CMake look for, confd-query, to DESTDIR and PREFIX
	@mkdir -p $(foreach file,$(INSTALLED),"$(DESTDIR)$(dir $(file))")
	$(INSTALL) -m 755 $(STRIP) $(LIBRARY) "$(DESTDIR)$(LIBDIR)/$(SHARED)"
	ln -sfn $(SHARED) "$(DESTDIR)$(LIBDIR)/$(SONAME)"
	ln -sfn $(SONAME) "$(DESTDIR)$(LIBDIR)/libconfdclient.so"
	$(INSTALL) -m 644 $(ARCHIVE) "$(DESTDIR)$(LIBDIR)/libconfdclient.a"
	$(INSTALL) -m 644 $(HEADERS) "$(DESTDIR)$(INCLUDEDIR)"
	$(if $(PARTS),$(INSTALL) -m 644 $(PARTS) "$(DESTDIR)$(INCLUDEDIR)/confdclient")
	@$(call fill,packaging/confdclient.pc.in,$(DESTDIR)$(LIBDIR)/pkgconfig/confdclient.pc)
	@$(call fill,packaging/confdclient-config.cmake.in,$(DESTDIR)$(CMAKEDIR)/confdclient-config.cmake)
	@$(call fill,packaging/confdclient-config-version.cmake.in,$(DESTDIR)$(CMAKEDIR)/confdclient-config-version.cmake)
	$(COMPILE_TOOL) $(STRIP) -o "$(DESTDIR)$(BINDIR)/confd-query"
	$(if $(MAN1),$(INSTALL) -m 644 $(MAN1) "$(DESTDIR)$(MANDIR)/man1")
	$(if $(MAN3),$(INSTALL) -m 644 $(MAN3) "$(DESTDIR)$(MANDIR)/man3")
	$(if $(BASHCOMP),$(INSTALL) -m 644 $(BASHCOMP) "$(DESTDIR)$(BASHCOMPDIR)/confd-query")
	$(if $(ZSHCOMP),$(INSTALL) -m 644 $(ZSHCOMP) "$(DESTDIR)$(ZSHCOMPDIR)/_confd-query")
	@test -n "$(DESTDIR)" || echo "Where the loader does not look in $(LIBDIR) by itself, run ldconfig now."

install-strip: ## the same, without symbols and line numbers
	@$(MAKE) --no-print-directory install STRIP=-s

uninstall: ## remove what install put there
	rm -f $(foreach file,$(INSTALLED),"$(DESTDIR)$(file)")
	@rmdir "$(DESTDIR)$(CMAKEDIR)" "$(DESTDIR)$(INCLUDEDIR)/confdclient" 2>/dev/null || true

clean: ## remove what was built
	$(CARGO) clean
