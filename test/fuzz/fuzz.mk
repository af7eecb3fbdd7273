# fuzz.mk: libFuzzer on what reads foreign bytes, under address and undefined-behaviour sanitizers.
#
# A target is test/fuzz/NAME_fuzz.c with its seeds in test/fuzz/corpus/NAME/ (one file each) and, if
# it helps, words in test/fuzz/NAME.dict. It is linked with the pure files of the bridge (UNIT_PURE)
# and of the extension (FUZZ_EXTENSION_PURE), and with test_key.c.
FUZZ_CC = clang
FUZZ_DIR = build/fuzz
FUZZ_EXTENSION_PURE = extension/subscription/cron_parse.c extension/subscription/cron_find.c
FUZZ_TARGETS = $(patsubst test/fuzz/%_fuzz.c,%,$(sort $(wildcard test/fuzz/*_fuzz.c)))
FUZZ_OBJS = $(patsubst %.c,$(FUZZ_DIR)/%.o,$(UNIT_PURE) $(FUZZ_EXTENSION_PURE) test/unit/test_key.c)
FUZZ_CFLAGS = $(BRIDGE_LANGUAGE) -O1 -g -Iextension -Itest/unit \
	-Wno-unknown-warning-option -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_PROGRAMS = $(patsubst %,$(FUZZ_DIR)/%_fuzz,$(FUZZ_TARGETS))

.PHONY: fuzz-short fuzz-long
.SECONDARY: $(FUZZ_OBJS) $(addsuffix .o,$(FUZZ_PROGRAMS))

$(FUZZ_DIR)/bridge/%.o: bridge/%.c $(wildcard bridge/*.h bridge/*/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(FUZZ_DIR)/extension/%.o: extension/%.c $(wildcard extension/*/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(FUZZ_DIR)/test/unit/%.o: test/unit/%.c $(wildcard bridge/*/*.h test/unit/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(FUZZ_DIR)/%_fuzz.o: test/fuzz/%_fuzz.c $(wildcard bridge/*/*.h extension/*/*.h test/unit/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

$(FUZZ_DIR)/%_fuzz: $(FUZZ_DIR)/%_fuzz.o $(FUZZ_OBJS)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $^ \
		$(filter-out -lmicrohttpd,$(BRIDGE_LIBS)) -lm

# The same inputs every time, for make check; and as long as one likes, from another seed each time.
fuzz-short: $(FUZZ_PROGRAMS)
	test/fuzz/fuzz short $(FUZZ_TARGETS)

fuzz-long: $(FUZZ_PROGRAMS)
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),300) test/fuzz/fuzz long $(FUZZ_TARGETS)
