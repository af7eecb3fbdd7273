# Tests, checks of form, demo: what a developer or CI calls. Nothing here is needed to build or
# install. No rule may use PGXS; what is built is built by calling make again.

# Single tests: make check-regress REGRESS='a b', check-isolation ISOLATION=..., check-tap PROVE_TESTS=...
export REGRESS ISOLATION PROVE_TESTS PG_CONFIG

.PHONY: $(TEST_GOALS) test-packages lint-packages
.NOTPARALLEL:

# Goals of the build named beside ours on one command line.
.PHONY: all install uninstall installcheck clean unit
all install uninstall installcheck clean unit:
	+$(MAKE) $@

test-packages:
	@test/install_packages test

lint-packages:
	@test/install_packages lint

# What must be installed to build, and to do all that is done here.
deps-build:
	@test/install_packages build

deps: lint-packages

# A browser is much to install for one test: check does without.
deps-desk:
	@test/install_packages desk

# patroni and etcd, which nothing else needs.
deps-cluster:
	@test/install_packages cluster

# pgq, which the bench compares with where it is installed.
deps-bench:
	@test/install_packages bench

check: test-packages
	+$(MAKE) all
	test/as_tester test/check unit fuzz regress isolation tap

check-unit check-fuzz check-regress check-isolation check-tap: check-%: test-packages
	+$(MAKE) all
	test/as_tester test/check $*

# Known mistakes, one by one, and the test that sees each: MUTANTS='late_commit field' for some of them.
mutants: test-packages
	test/mutants $(MUTANTS)

# Random histories under faults, judged from outside: make torture SEEDS=1..20; TORTURE='--seconds 120' and
# other options of test/torture/torture. What was found is in build/check/torture.
SEEDS = 1..5
torture: test-packages
	+$(MAKE) all
	test/as_tester test/torture/torture $(TORTURE) $(SEEDS)

# Three servers under patroni and two bridges, on machines that are network namespaces: primaries are killed, networks
# cut, bridges stopped. CLUSTER='cut lost' for some of the cases; ten minutes for all.
check-cluster:
	@test/install_packages cluster
	+$(MAKE) all
	test/as_tester test/cluster/cluster $(CLUSTER)

# Every fuzz target for FUZZ_SECONDS (300): make fuzz FUZZ_SECONDS=3600
export FUZZ_SECONDS
fuzz: test-packages
	+$(MAKE) all
	+$(MAKE) fuzz-long

# --- form -------------------------------------------------------------------------------------
C_FILES = $(filter-out extension/generated/%, $(sort $(wildcard extension/*.[ch] extension/*/*.[ch] \
	bridge/*.[ch] bridge/*/*.[ch] test/unit/*.[ch] test/unit/*/*.[ch] test/fuzz/*.[ch] test/bench/*.[ch])))
CLANG_FORMAT ?= clang-format

format:
	$(CLANG_FORMAT) -i $(C_FILES)

check-format:
	@$(CLANG_FORMAT) --dry-run --Werror $(C_FILES)

check-size:
	@test/check_size $(C_FILES)

check-sql:
	@test/check_sql $(SQL_EARLY_CODE) $(SQL_UPGRADE) $(SQL_CODE) $(SQL_LAST)

check-floors:
	@test/check_floors bridge $(BRIDGE_FLOORS)
	@test/check_floors extension $(EXTENSION_FLOORS)

# Every warning of the other compiler too, in trees of their own.
check-compilers: lint-packages
	+test/build_copy build/gcc $(MAKE) CC=gcc WERROR=-Werror all
	+test/build_copy build/clang $(MAKE) CC=clang WERROR=-Werror all

PG_INCLUDE = -I$(shell $(PG_CONFIG) --includedir-server) -Iextension
lint: lint-packages
	+$(MAKE) all
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability \
		--suppress=missingInclude --suppress=varFuncNullUB --suppress=normalCheckLevelMaxBranches bridge
	clang-tidy --quiet --warnings-as-errors='*' \
		--checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.Uninitialized,-clang-analyzer-optin.performance.Padding,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-bugprone-branch-clone,-bugprone-assignment-in-if-condition,-bugprone-macro-parentheses,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result' \
		$(BRIDGE_SOURCES) -- $(BRIDGE_LANGUAGE)
	clang-tidy --quiet --warnings-as-errors='*' --checks='-*,clang-analyzer-core.*,clang-analyzer-deadcode.*' \
		$(EXTENSION_SOURCES) -- $(PG_INCLUDE) -D_GNU_SOURCE

# --- under instruments ------------------------------------------------------------------------
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# What goes into the server, which itself is built without: it has no address checks.
SERVER_SANITIZERS = -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# The unit tests, then the bridge against real servers, with address and undefined-behaviour checks.
sanitize: test-packages
	+test/build_copy build/sanitize $(MAKE) BRIDGE_EXTRA_CFLAGS='$(SANITIZERS)' \
		PG_EXTRA_CFLAGS='$(SERVER_SANITIZERS)' all
	+BRIDGE_EXTRA_CFLAGS='$(SANITIZERS)' build/sanitize/test/as_tester test/check unit tap

# The same tests with the bridge under valgrind, which takes longer than partners wait for an answer.
VALGRIND_ANSWER_MS = 9000
valgrind: lint-packages
	+test/build_copy build/valgrind $(MAKE) BRIDGE_EXTRA_CFLAGS=-DANSWER_WITHIN_MS=$(VALGRIND_ANSWER_MS) all
	test/wrap_valgrind build/valgrind/bridge/casesync-bridge
	ANSWER_WITHIN_MS=$(VALGRIND_ANSWER_MS) build/valgrind/test/as_tester test/check tap

# Its threads: none may touch what another has at the same time. It takes as long.
THREAD_SANITIZER = -fsanitize=thread -fno-omit-frame-pointer -DANSWER_WITHIN_MS=$(VALGRIND_ANSWER_MS)
races: test-packages
	+test/build_copy build/races $(MAKE) BRIDGE_EXTRA_CFLAGS='$(THREAD_SANITIZER)' all
	+ANSWER_WITHIN_MS=$(VALGRIND_ANSWER_MS) BRIDGE_EXTRA_CFLAGS='$(THREAD_SANITIZER)' \
		build/races/test/as_tester test/check tap

coverage: test-packages
	+test/build_copy build/coverage $(MAKE) BRIDGE_EXTRA_CFLAGS=--coverage PG_EXTRA_CFLAGS=--coverage all
	test/show_coverage build/coverage

# A fresh Debian, by debootstrap: 12 brings PostgreSQL 15, 13 brings 17.
check-debian12:
	test/check_debian bookworm build/debian12 check

check-debian13:
	test/check_debian trixie build/debian13 check

# --- what others see --------------------------------------------------------------------------
demo: test-packages
	@+$(MAKE) --no-print-directory --silent all
	@test/as_tester test/demo/demo

# A web page before the demo's two systems; DESK_PORT and DESK_PASSWORD say where and with what.
export DESK_PORT DESK_PASSWORD
desk: test-packages
	@+$(MAKE) --no-print-directory --silent all
	@test/as_tester test/demo/desk/desk

# Its story in a headless Chromium (make deps-desk); check tells it by plain HTTP.
check-desk: test-packages
	+$(MAKE) all
	test/as_tester test/demo/desk/story --browser

# One node for a partner's engineers to try by hand; SANDBOX_PORT says where.
export SANDBOX_PORT
sandbox: test-packages
	@+$(MAKE) --no-print-directory --silent all
	@test/as_tester test/sandbox/sandbox

# One line for each figure, as doc/performance.md says: make bench BENCH='latency capture' for some of them,
# BENCH_QUICK=1 for all in three minutes. Only the figures go to the standard output.
bench:
	@test/install_packages bench >&2 || test/install_packages test >&2
	@+$(MAKE) --no-print-directory --silent all >&2
	@test/as_tester test/bench/bench $(BENCH)

# What the pages in doc/ repeat of the code; a unit test holds that it is up to date.
papers: test-packages
	@+$(MAKE) --no-print-directory --silent build/unit/config/settings_print
	test/write_papers

dist:
	@grep -q '"version": "$(EXTVERSION)"' META.json || { echo "META.json has another version" >&2; exit 1; }
	mkdir -p build
	git archive --format=zip --prefix=casesync-$(EXTVERSION)/ -o build/casesync-$(EXTVERSION).zip HEAD
