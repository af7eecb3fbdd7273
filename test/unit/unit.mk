# unit.mk: the pure files of the bridge, under address and undefined-behaviour sanitizers.
UNIT_PURE = \
	bridge/base/backoff.c bridge/base/base64.c bridge/base/buffer.c bridge/base/caller_hash.c \
	bridge/base/failure.c bridge/base/form_text.c bridge/base/iso_time.c bridge/base/log.c \
	bridge/base/log_quota.c bridge/base/rate_limit.c bridge/base/secret_file.c \
	bridge/base/uuid.c \
	bridge/config/config.c bridge/config/config_check.c bridge/config/config_setting.c \
	bridge/config/config_table.c \
	bridge/database/extension_version.c bridge/database/pg_hosts.c bridge/database/pg_query.c \
	bridge/database/plan_age.c bridge/database/sql_call.c \
	bridge/database/told_entry.c bridge/database/told_journal.c \
	bridge/message/ack.c bridge/message/canonical_json.c bridge/message/json_bounds.c \
	bridge/message/json_number.c bridge/message/json_span.c \
	bridge/message/locale_code.c bridge/message/message_check.c bridge/message/message_mend.c bridge/message/message_response.c \
	bridge/message/message_parse.c bridge/message/message_rules.c bridge/message/message_value.c \
	bridge/message/names_mend.c bridge/message/odd_form.c bridge/message/query_mend.c \
	bridge/message/reply.c bridge/message/shortest_digits.c \
	bridge/key/encryption_key.c bridge/key/key_file.c bridge/key/key_jwk.c bridge/key/key_ring.c \
	bridge/key/signing_key.c \
	bridge/seal/envelope.c bridge/seal/jwe_agree.c bridge/seal/jwe_content.c \
	bridge/seal/jwe_decrypt.c bridge/seal/jwe_encrypt.c bridge/seal/jwe_header.c \
	bridge/seal/jwe_wrap.c bridge/seal/jws.c bridge/seal/jws_check.c bridge/seal/jws_make.c \
	bridge/seal/message_decrypt.c bridge/seal/signature.c bridge/seal/signature_text.c \
	bridge/seal/signed_content.c \
	bridge/net/address_guard.c bridge/net/tls_files.c bridge/net/url_guard.c \
	bridge/token/bearer.c bridge/token/callback_address.c bridge/token/jwt.c bridge/token/jwt_claims.c bridge/token/jwt_verify.c \
	bridge/token/token_answer.c bridge/token/token_issue.c bridge/token/token_request.c \
	bridge/http/http_framing.c bridge/http/http_route.c \
	bridge/delivery/delivery_policy.c bridge/turn/linger.c \
	bridge/api/partner_budget.c
UNIT_DIR = build/unit
UNIT_TESTS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/*_test.c test/unit/*/*_test.c)))
UNIT_PROGRAMS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/*/*_print.c)))
UNIT_SCRIPTS = $(sort $(wildcard test/unit/*_test.py test/unit/*/*_test.py))
UNIT_OBJS = $(patsubst %.c,$(UNIT_DIR)/%.o,$(UNIT_PURE)) $(UNIT_DIR)/tap.o $(UNIT_DIR)/test_key.o \
	$(UNIT_DIR)/test_message.o $(UNIT_DIR)/test_token.o
UNIT_CFLAGS = $(BRIDGE_LANGUAGE) -O1 -g -Itest/unit \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_LIBS = $(shell pkg-config --libs libpq jansson libmicrohttpd openssl) $(BRIDGE_SERVER_LIBS) -lm

# What another compiler or other flags built is built again: a warning that only one of them
# knows must not hide behind an object that is already there.
UNIT_BUILT_WITH = $(UNIT_DIR)/built-with

.PHONY: unit unit-looks-again
.SECONDARY: $(UNIT_OBJS) $(addsuffix .o,$(UNIT_TESTS) $(UNIT_PROGRAMS))

$(UNIT_BUILT_WITH): unit-looks-again
	@mkdir -p $(@D)
	@echo '$(CC) $(WERROR)' | cmp -s - $@ || echo '$(CC) $(WERROR)' > $@

$(UNIT_DIR)/bridge/%.o: bridge/%.c $(wildcard bridge/*.h bridge/*/*.h) casesync.control \
		$(UNIT_BUILT_WITH)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/%.o: test/unit/%.c $(wildcard bridge/*.h bridge/*/*.h test/unit/*.h) $(UNIT_BUILT_WITH)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

# They contain the file that they test, whose callees they play.
$(UNIT_DIR)/turn/gate_test.o: bridge/turn/gate.c
$(UNIT_DIR)/database/fence_test.o: bridge/database/fence.c
$(UNIT_DIR)/http/http_guarded_test.o: bridge/http/http_guarded.c

$(UNIT_DIR)/%_test: $(UNIT_DIR)/%_test.o $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT_DIR)/%_print: $(UNIT_DIR)/%_print.o $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

# The one pure file of the extension: it needs the server's headers and portability library.
UNIT_SERVER_CFLAGS = $(UNIT_CFLAGS) -I$(shell $(PG_CONFIG) --includedir-server) -Iextension \
	-Wno-unused-parameter -Wno-sign-compare
$(UNIT_DIR)/extension/code/code_directory.o: extension/code/code_directory.c extension/code/code_directory.h \
		$(GENERATED_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(UNIT_SERVER_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/code/code_directory_test.o: test/unit/code/code_directory_test.c extension/code/code_directory.h
	@mkdir -p $(@D)
	$(CC) $(UNIT_SERVER_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/code/code_directory_test: $(UNIT_DIR)/code/code_directory_test.o $(UNIT_DIR)/extension/code/code_directory.o \
		$(UNIT_DIR)/tap.o
	$(CC) $(UNIT_CFLAGS) -o $@ $^ -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgport

unit: $(UNIT_TESTS) $(UNIT_PROGRAMS)
	prove --failures --comments --directives --exec '' $(UNIT_TESTS) $(UNIT_SCRIPTS)
