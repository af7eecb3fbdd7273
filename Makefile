# casesync: the extension by PGXS, then the bridge, then the tests.
EXTENSION = casesync
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" casesync.control)

MODULE_big = casesync
include extension/extension.mk
include bridge/bridge.mk
OBJS = $(EXTENSION_SOURCES:.c=.o)
GENERATED_HEADERS = extension/generated/code_tables.h extension/generated/code_types.h
OBJECT_TABLES = extension/generated/object_tables.h
EXTENSION_SCRIPT = extension/casesync--$(EXTVERSION).sql
# From the version before: what a person wrote in extension/upgrade, then all code again.
UPGRADE_SCRIPTS = $(patsubst extension/upgrade/%,extension/casesync--%,\
	$(wildcard extension/upgrade/*--$(EXTVERSION).sql))
DATA_built = $(EXTENSION_SCRIPT) $(UPGRADE_SCRIPTS)
# Scripts of released versions never change again (make freeze).
DATA = $(filter-out $(patsubst extension/%,extension/released/%,$(DATA_built)),\
	$(wildcard extension/released/casesync--*.sql))

WARNINGS = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wdeclaration-after-statement
# PGXS hands on the flags, and the server's headers the attributes, of PostgreSQL's own gcc.
ifneq ($(findstring clang,$(CC)),)
WARNINGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes \
	-Wno-unused-command-line-argument
endif
PG_CPPFLAGS = -I$(srcdir)/extension
PG_CFLAGS = $(WARNINGS) -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(WERROR) \
	$(PG_EXTRA_CFLAGS)
# The server loads a library with its names visible to all others: only what it must find is shown.
SHLIB_LINK = -Wl,--version-script=$(srcdir)/extension/exports.map $(PG_EXTRA_CFLAGS)

EXTRA_CLEAN = extension/casesync--*.sql extension/generated bridge/casesync-bridge bridge/*.o bridge/*/*.o build

# The bridge needs nothing of PGXS, but of the server's development files the library with Ryu.
BRIDGE_OBJS = $(BRIDGE_SOURCES:.c=.o)
BRIDGE_PACKAGES = libpq jansson libcurl libmicrohttpd gnutls openssl
BRIDGE_LANGUAGE = -std=gnu11 -pthread $(WARNINGS) $(WERROR) -D_GNU_SOURCE \
	-Ibridge -DCASESYNC_VERSION='"$(EXTVERSION)"' $(shell pkg-config --cflags $(BRIDGE_PACKAGES)) \
	-idirafter $(shell $(PG_CONFIG) --includedir-server)
# What the caller gave, by now: PGXS sets the same names to what PostgreSQL was built with.
BRIDGE_OWN_CFLAGS := $(CPPFLAGS) $(CFLAGS) $(BRIDGE_EXTRA_CFLAGS)
BRIDGE_OWN_LDFLAGS := $(LDFLAGS)
# It reads what strangers send. Checked calls of the C library (FORTIFY) need an optimizing compiler,
# and would hide from sanitizers what these look for.
BRIDGE_HARDENING = -fPIE -fstack-protector-strong -fstack-clash-protection
ifeq ($(findstring _FORTIFY_SOURCE,$(BRIDGE_OWN_CFLAGS))$(findstring -fsanitize,$(BRIDGE_OWN_CFLAGS))$(filter -O0,$(BRIDGE_OWN_CFLAGS)),)
BRIDGE_HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
BRIDGE_CFLAGS = $(BRIDGE_LANGUAGE) -O2 -g $(BRIDGE_HARDENING) $(BRIDGE_OWN_CFLAGS)
BRIDGE_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code $(BRIDGE_OWN_LDFLAGS)
BRIDGE_SERVER_LIBS = -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgcommon -lpgport
BRIDGE_LIBS = $(shell pkg-config --libs $(BRIDGE_PACKAGES)) $(BRIDGE_SERVER_LIBS)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# The goals of test.mk must work where nothing is installed yet, so they are kept apart from PGXS:
# they install what they need and then call make for what is built.
TEST_GOALS = check check-regress check-isolation check-tap check-unit check-fuzz fuzz check-compilers check-format \
	check-size check-sql check-floors mutants papers check-debian12 check-debian13 format lint valgrind sanitize races \
	coverage bench demo desk check-desk check-cluster sandbox torture deps deps-build deps-desk deps-bench deps-cluster dist
ifneq ($(filter $(TEST_GOALS),$(MAKECMDGOALS)),)
include test/test.mk
else ifeq ($(wildcard $(PGXS)),)
$(error PostgreSQL's server development files are missing: run "make deps-build")
else

override with_llvm := no
include $(PGXS)

all: $(EXTENSION_SCRIPT) $(UPGRADE_SCRIPTS) bridge/casesync-bridge

$(OBJS): $(wildcard extension/*/*.h) $(GENERATED_HEADERS) $(OBJECT_TABLES)

CODE_FACTS = extension/code/codes.tsv extension/code/code_type.template.sql
extension/generated/code_type.sql: extension/code/gen_codes.pl $(CODE_FACTS)
	mkdir -p $(@D)
	perl extension/code/gen_codes.pl $(CODE_FACTS) $(@D)

# One run makes all three.
$(GENERATED_HEADERS): extension/generated/code_type.sql ;

OBJECT_FACTS = extension/record/data_objects.tsv extension/code/codes.tsv
$(OBJECT_TABLES): extension/record/gen_objects.pl $(OBJECT_FACTS)
	mkdir -p $(@D)
	perl extension/record/gen_objects.pl $(OBJECT_FACTS) $@

$(EXTENSION_SCRIPT): $(SQL_FILES) Makefile casesync.control
	cat $(SQL_FILES) > $@

# What a script of the extension may call of the library is what the version before had of it.
extension/casesync--%--$(EXTVERSION).sql: extension/upgrade/%--$(EXTVERSION).sql $(SQL_FILES) \
		Makefile casesync.control
	@grep -q '^SELECT casesync_internal.upgrade_begin(' $< || \
		{ echo "$< does not begin with SELECT casesync_internal.upgrade_begin(…);" >&2; exit 1; }
	{ printf '%s\n' '\echo Use "ALTER EXTENSION casesync UPDATE" to load this file. \quit'; \
		cat $(SQL_UPGRADE) $< $(SQL_EARLY_CODE) $(SQL_CODE) $(SQL_LAST); \
		echo 'SELECT casesync_internal.ring();'; } > $@

.PHONY: freeze
freeze: $(DATA_built)
	test/check_released --freeze $(DATA_built)

bridge/%.o: bridge/%.c $(wildcard bridge/*.h bridge/*/*.h) Makefile casesync.control
	$(CC) $(BRIDGE_CFLAGS) -c -o $@ $<

bridge/casesync-bridge: $(BRIDGE_OBJS)
	$(CC) $(BRIDGE_CFLAGS) $(BRIDGE_LDFLAGS) -o $@ $^ $(BRIDGE_LIBS)

-include test/unit/unit.mk
-include test/fuzz/fuzz.mk

endif
