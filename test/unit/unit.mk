# unit.mk: the pure files of the bridge, under address and undefined-behaviour sanitizers.
UNIT_PURE = ack address_guard base64 bearer buffer canonical_json config config_check config_setting config_table delivery_policy \
	encryption_key envelope failure http_framing http_route iso_time json_span jwe_agree jwe_content jwe_decrypt jwe_encrypt \
	jwe_header jwe_wrap jwt jwt_claims jwt_jose key_file key_jwk key_ring log message_check message_decrypt \
	message_parse message_rules message_value rate_limit reply signature signature_text signing_key token_issue \
	form_text token_answer token_request secret_file \
	tls_files url_guard uuid
UNIT_DIR = build/unit
UNIT_TESTS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/*_test.c)))
UNIT_PROGRAMS = $(patsubst test/unit/%.c,$(UNIT_DIR)/%,$(sort $(wildcard test/unit/*_print.c)))
UNIT_SCRIPTS = $(sort $(wildcard test/unit/*_test.py))
UNIT_OBJS = $(patsubst %,$(UNIT_DIR)/%.o,$(basename $(notdir \
	$(wildcard $(addprefix bridge/,$(addsuffix .c,$(UNIT_PURE))))))) $(UNIT_DIR)/tap.o $(UNIT_DIR)/test_key.o \
	$(UNIT_DIR)/test_token.o
UNIT_CFLAGS = $(filter-out -O2,$(BRIDGE_CFLAGS)) -O1 -Ibridge -Itest/unit \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_LIBS = $(shell pkg-config --libs libpq jansson jose openssl) -lm

.PHONY: unit
.SECONDARY: $(UNIT_OBJS) $(addsuffix .o,$(UNIT_TESTS) $(UNIT_PROGRAMS))

$(UNIT_DIR)/%.o: bridge/%.c $(wildcard bridge/*.h)
	@mkdir -p $(UNIT_DIR)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/%.o: test/unit/%.c $(wildcard bridge/*.h test/unit/*.h)
	@mkdir -p $(UNIT_DIR)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/%_test: $(UNIT_DIR)/%_test.o $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

$(UNIT_DIR)/%_print: $(UNIT_DIR)/%_print.o $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) -o $@ $^ $(UNIT_LIBS)

# The one pure file of the extension: it needs the server's headers and portability library.
UNIT_SERVER_CFLAGS = $(UNIT_CFLAGS) -I$(shell $(PG_CONFIG) --includedir-server) -Iextension \
	-Wno-unused-parameter -Wno-sign-compare
$(UNIT_DIR)/code_directory.o: extension/code_directory.c extension/code_directory.h $(GENERATED_HEADERS)
	@mkdir -p $(UNIT_DIR)
	$(CC) $(UNIT_SERVER_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/code_directory_test.o: test/unit/code_directory_test.c extension/code_directory.h
	@mkdir -p $(UNIT_DIR)
	$(CC) $(UNIT_SERVER_CFLAGS) -c -o $@ $<

$(UNIT_DIR)/code_directory_test: $(UNIT_DIR)/code_directory_test.o $(UNIT_DIR)/code_directory.o \
		$(UNIT_DIR)/tap.o
	$(CC) $(UNIT_CFLAGS) -o $@ $^ -L$(shell $(PG_CONFIG) --pkglibdir) -L$(shell $(PG_CONFIG) --libdir) -lpgport

unit: $(UNIT_TESTS) $(UNIT_PROGRAMS)
	prove --exec '' $(UNIT_TESTS) $(UNIT_SCRIPTS)
