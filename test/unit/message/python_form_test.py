#!/usr/bin/python3
"""What Python signs and what is sent to those who verify with it, against Python's own writer."""
import json
import random
import struct
import subprocess
import sys


def of_python(value):
    """What such partners take the digest of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def text_of(source):
    kinds = ((0x20, 0x7f), (0, 0x20), (0x7f, 0x800), (0x800, 0xd800), (0xe000, 0x10000),
             (0x10000, 0x110000))
    return "".join(chr(source.randrange(*source.choice(kinds))) for _ in range(source.randrange(6)))


def number_of(source):
    while True:
        number = struct.unpack(">d", struct.pack(">Q", source.getrandbits(64)))[0]
        if number == number and abs(number) != float("inf"):
            return number


def value_of(source, depth):
    kind = source.randrange(11 if depth < 4 else 8)
    if kind < 3:
        return text_of(source)
    if kind == 3:
        return source.randrange(-2**53 + 1, 2**53)
    if kind == 4:
        return number_of(source)
    if kind == 5:
        return source.randrange(10**9) / 100 * 10**source.randrange(-9, 13)
    if kind < 8:
        return source.choice((None, True, False, 0.0, -0.0, 1.0, 1e16, 1e15, 0.0001, 0.00001, 0))
    if kind == 8:
        return [value_of(source, depth + 1) for _ in range(source.randrange(4))]
    return {text_of(source).replace("\0", ""): value_of(source, depth + 1)
            for _ in range(source.randrange(5))}


def printed(values, *options):
    lines = "".join(json.dumps(v, ensure_ascii=i % 2 == 0) + "\n" for i, v in enumerate(values))
    return subprocess.run(["build/unit/message/python_form_print", *options], check=True,
                          input=lines.encode("utf-8"), stdout=subprocess.PIPE
                          ).stdout.decode("ascii").splitlines()


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20261128
    print(f"# seed {seed}")
    source = random.Random(seed)
    values = [value_of(source, 0) for _ in range(20000)]
    got = printed(values)
    wrong = [(g, of_python(v)) for v, g in zip(values, got) if g != of_python(v)]
    # as it leaves: read by Python and written anew it must be what was signed, or it is not sent
    sent = printed(values, "--sent")
    changed = [s for s in sent if s != "none" and of_python(json.loads(s)) != s]
    kept = [s for v, s in zip(values, sent) if s != "none" and json.loads(s) != v]
    refused = sent.count("none")
    checks = ((len(got) == len(sent) == len(values), "every value is printed"),
              (not wrong, f"as Python writes it {wrong[:2] or ''}"),
              (not changed, f"what is sent is what Python makes of it {changed[:2] or ''}"),
              (not kept, f"and means the same {kept[:2] or ''}"),
              (0 < refused < len(values) / 2, f"{refused} of {len(values)} cannot be sent so"))
    print(f"1..{len(checks)}")
    for i, (holds, name) in enumerate(checks, 1):
        print("ok" if holds else "not ok", i, "-", name)
    return 0 if all(holds for holds, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
