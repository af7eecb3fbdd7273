#!/usr/bin/python3
"""Numbers in canonical form against Python's own shortest digits, which are another program's."""
import math
import random
import struct
import subprocess
import sys


def ecmascript(number):
    """Number::toString of ECMA-262 from the digits of repr()."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    n = len(whole) + int(exponent or 0)
    digits = whole + fraction
    n -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    k = len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    tail = "." + digits[1:] if k > 1 else ""
    return f"{sign}{digits[0]}{tail}e{n - 1:+d}"


def halfway():
    """The doubles beside every decimal of few digits that lies exactly half-way between two."""
    for zeros in range(18, 24):
        for half in range(5 ** zeros, 2 ** 54, 2 * 5 ** zeros):
            # half * 2^k, of 54 bits and odd, has no double of its own
            odd = half
            while odd < 2 ** 53:
                odd = odd * 3
            if odd < 2 ** 54 and odd % 2 == 1:
                for shift in (zeros, zeros + 1, zeros + 3):
                    yield struct.unpack(">Q", struct.pack(">d", float(odd * 2 ** shift)))[0]


def bits_of_interest():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20261122
    print(f"# seed {seed}")
    source = random.Random(seed)
    for exponent in range(2047):  # every power of two and its neighbours
        for offset in (-1, 0, 1):
            yield max(0, (exponent << 52) + offset)
    for _ in range(20000):
        yield source.getrandbits(64)
    for zeros in range(24):  # decimals that lie half-way between two doubles, and round to one
        for _ in range(200):
            digits = source.randrange(10 ** source.randrange(1, 17))
            yield struct.unpack(">Q", struct.pack(">d", digits * 10 ** zeros))[0]
    for exponent in range(1075, 1165):
        for _ in range(100):
            yield (exponent << 52) + 2 * source.getrandbits(51)
    yield from halfway()
    for _ in range(20000):  # money and the like
        yield struct.unpack(">Q", struct.pack(">d", source.randrange(10**9) / 100))[0]


def main():
    chosen = [b for b in bits_of_interest()
              if math.isfinite(struct.unpack(">d", struct.pack(">Q", b))[0])]
    output = subprocess.run(["build/unit/message/number_print"], check=True, text=True,
                            input="".join(f"{b:016x}\n" for b in chosen),
                            stdout=subprocess.PIPE).stdout.split()
    wrong = [(f"{b:016x}", got, want) for b, got, want in
             zip(chosen, output, (ecmascript(struct.unpack(">d", struct.pack(">Q", b))[0])
                                  for b in chosen)) if got != want]
    print("1..2")
    print("ok 1" if len(output) == len(chosen) > 40000 else "not ok 1", "- every number is printed")
    print("not ok 2" if wrong else "ok 2", "- in the shortest digits", wrong[:3] or "")
    return 1 if wrong or len(output) != len(chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
