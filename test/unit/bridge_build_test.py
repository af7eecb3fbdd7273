#!/usr/bin/python3
"""How the bridge is built: hardened, and with the flags that the caller gives."""
import os
import subprocess
import sys

PROGRAM = "bridge/casesync-bridge"
LIBRARY = "casesync.so"
NOTHING = {name: "" for name in ("CPPFLAGS", "CFLAGS", "LDFLAGS", "BRIDGE_EXTRA_CFLAGS", "MAKEFLAGS", "MAKELEVEL")}
FLAGS = {"CPPFLAGS": "-DFROM_CPPFLAGS", "CFLAGS": "-DFROM_CFLAGS", "LDFLAGS": "-Wl,--from-ldflags"}


def printed(*command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C", **environment}).stdout


def commands(*arguments, **environment):
    """What make would run to build the bridge anew: how a file is compiled, how all are linked."""
    lines = printed("make", "--dry-run", "--always-make", PROGRAM, *arguments, **{**NOTHING, **environment}).splitlines()
    compiling = [line.split() for line in lines if line.endswith("-o bridge/main.o bridge/main.c")]
    linking = [line.split() for line in lines if f"-o {PROGRAM} " in line]
    return compiling[0], linking[0]


def check_program(checks):
    seen = printed("readelf", "--file-header", "--program-headers", "--dynamic", "--wide", PROGRAM)
    symbols = printed("readelf", "--dyn-syms", "--wide", PROGRAM)
    checks.append(("DYN (" in seen and " PIE" in seen, "the bridge is position-independent"))
    checks.append(("GNU_RELRO" in seen and "BIND_NOW" in seen, "what the loader has filled in is read-only then"))
    checks.append(("GNU_STACK" in seen and not any("GNU_STACK" in line and "E" in line.split()[-2]
                                                   for line in seen.splitlines()), "no stack can be run"))
    checks.append(("RPATH" not in seen and "RUNPATH" not in seen, "and libraries come from where the system has them"))
    library = printed("readelf", "--program-headers", "--dynamic", "--wide", LIBRARY)
    checks.append(("GNU_RELRO" in library and "BIND_NOW" in library, "so is the library's of the extension"))
    checks.append(("__stack_chk_fail" in symbols, "it notices an overrun stack"))
    checks.append(("__asan_init" in symbols or "__memcpy_chk" in symbols or "__snprintf_chk" in symbols,
                   "and an overrun buffer, in calls of the C library"))


def check_flags(checks):
    for how, arguments, environment in (("the environment", [], FLAGS),
                                        ("make's command line", [f"{n}={v}" for n, v in FLAGS.items()], {})):
        compiling, linking = commands(*arguments, **environment)
        checks.append(("-DFROM_CPPFLAGS" in compiling and "-DFROM_CFLAGS" in compiling,
                       f"CPPFLAGS and CFLAGS of {how} reach the compiler"))
        checks.append((compiling.index("-O2") < compiling.index("-DFROM_CFLAGS"), "after our own, so that they count"))
        checks.append(("-Wl,--from-ldflags" in linking, f"LDFLAGS of {how} reach the linker"))
    checks.append(("-fstack-clash-protection" in compiling and "-D_FORTIFY_SOURCE=3" in compiling,
                   "and leave the hardening as it is"))
    for flag in ("-fsanitize=address", "-O0", "-D_FORTIFY_SOURCE=2"):
        compiling, _ = commands(f"CFLAGS={flag}")
        checks.append((flag in compiling and "-D_FORTIFY_SOURCE=3" not in compiling, f"but for {flag}"))


def main():
    checks = []
    check_program(checks)
    check_flags(checks)
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
