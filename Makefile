# casesync: the extension by PGXS, then the bridge, then the tests.
EXTENSION = casesync
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" casesync.control)

MODULE_big = casesync
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard extension/*.c extension/*/*.c)))

# Folders from the ground up: nothing below knows what stands above it (test/check_floors holds it).
EXTENSION_FLOORS = base code record filter party outbox agreement capture registry subscription \
	delivery routing inbox answer care
BRIDGE_FLOORS = base config database message key seal net token http delivery turn api

# The parts of the install script: tables and types first, then what works on them, in the order in
# which they need each other. A part that is not there is an error.
GENERATED_SQL = extension/generated/code_type.sql
GENERATED_HEADERS = extension/generated/code_tables.h extension/generated/code_types.h
OBJECT_TABLES = extension/generated/object_tables.h
SQL_FILES = extension/base/schema.sql extension/base/tables.sql extension/code/tables.sql \
	extension/party/tables.sql extension/outbox/tables.sql extension/agreement/tables.sql \
	extension/capture/tables.sql extension/registry/tables.sql extension/subscription/tables.sql \
	extension/delivery/tables.sql extension/routing/tables.sql extension/inbox/tables.sql \
	extension/answer/tables.sql extension/care/tables.sql extension/base/value.sql \
	extension/base/text_format.sql extension/base/owner_query.sql extension/base/audit.sql \
	extension/code/code_type.sql $(GENERATED_SQL) extension/code/crosswalk.sql \
	extension/record/record_check.sql extension/record/record_build.sql \
	extension/record/projection.sql extension/filter/filter.sql extension/party/node.sql \
	extension/party/partner.sql extension/party/partner_key.sql extension/party/client.sql \
	extension/party/client_check.sql extension/party/jwks.sql extension/party/encryption.sql \
	extension/party/lane.sql extension/outbox/notification.sql extension/outbox/again.sql \
	extension/agreement/event_type.sql extension/agreement/registry.sql \
	extension/agreement/agreement.sql extension/agreement/sharing.sql \
	extension/capture/change_log.sql extension/capture/tracking.sql \
	extension/capture/tracking_trigger.sql extension/capture/gap.sql \
	extension/capture/tracking_drift.sql extension/registry/render.sql \
	extension/registry/search.sql extension/registry/preview.sql extension/subscription/cron.sql \
	extension/subscription/subscription.sql extension/subscription/subscription_wish.sql \
	extension/subscription/my_subscription.sql extension/delivery/delivery.sql \
	extension/delivery/outcome.sql extension/delivery/dead_letter.sql \
	extension/delivery/answer_sent.sql extension/routing/routing_window.sql \
	extension/routing/routing_subject.sql extension/routing/routing_filter.sql \
	extension/routing/routing_partner.sql extension/routing/routing.sql \
	extension/routing/rehearsal.sql extension/inbox/inbox.sql extension/inbox/message_read.sql \
	extension/inbox/receive_subscription.sql extension/inbox/receive_notify.sql \
	extension/inbox/search_at.sql extension/answer/answering.sql extension/answer/search_answer.sql \
	extension/answer/transaction_status.sql extension/answer/enrollment.sql \
	extension/care/receive.sql extension/care/upkeep.sql extension/care/status_views.sql \
	extension/care/erasure.sql extension/care/onboarding.sql extension/care/grants.sql

EXTENSION_SCRIPT = extension/casesync--$(EXTVERSION).sql
DATA_built = $(EXTENSION_SCRIPT)

WARNINGS = -Wall -Wextra -Wmissing-prototypes -Wshadow -Wdeclaration-after-statement
# PGXS hands on the flags, and the server's headers the attributes, of PostgreSQL's own gcc.
ifneq ($(findstring clang,$(CC)),)
WARNINGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes \
	-Wno-unused-command-line-argument
endif
PG_CPPFLAGS = -I$(srcdir)/extension
PG_CFLAGS = $(WARNINGS) -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers $(WERROR) \
	$(PG_EXTRA_CFLAGS)
SHLIB_LINK = $(PG_EXTRA_CFLAGS)

EXTRA_CLEAN = $(EXTENSION_SCRIPT) extension/generated bridge/casesync-bridge bridge/*.o bridge/*/*.o build

# The bridge needs nothing of PGXS.
BRIDGE_SOURCES = $(sort $(wildcard bridge/*.c bridge/*/*.c))
BRIDGE_OBJS = $(patsubst %.c,%.o,$(BRIDGE_SOURCES))
BRIDGE_PACKAGES = libpq jansson jose libcurl libmicrohttpd gnutls openssl
BRIDGE_CFLAGS = -std=gnu11 -O2 -g $(WARNINGS) $(WERROR) -D_GNU_SOURCE \
	-Ibridge -DCASESYNC_VERSION='"$(EXTVERSION)"' $(shell pkg-config --cflags $(BRIDGE_PACKAGES)) $(BRIDGE_EXTRA_CFLAGS)
BRIDGE_LIBS = $(shell pkg-config --libs $(BRIDGE_PACKAGES))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# The goals of test.mk must work where nothing is installed yet, so they are kept apart from PGXS:
# they install what they need and then call make for what is built.
TEST_GOALS = check check-regress check-isolation check-tap check-unit check-fuzz fuzz check-compilers check-format \
	check-size check-debian12 check-debian13 format lint valgrind sanitize coverage bench demo sandbox deps dist
ifneq ($(filter $(TEST_GOALS),$(MAKECMDGOALS)),)
include test/test.mk
else ifeq ($(wildcard $(PGXS)),)
$(error PostgreSQL's server development files are missing: run "make deps")
else

override with_llvm := no
include $(PGXS)

all: $(EXTENSION_SCRIPT) bridge/casesync-bridge

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

bridge/%.o: bridge/%.c $(wildcard bridge/*.h bridge/*/*.h)
	$(CC) $(BRIDGE_CFLAGS) -c -o $@ $<

bridge/casesync-bridge: $(BRIDGE_OBJS)
	$(CC) $(BRIDGE_CFLAGS) -o $@ $^ $(BRIDGE_LIBS)

-include test/unit/unit.mk
-include test/fuzz/fuzz.mk

endif
