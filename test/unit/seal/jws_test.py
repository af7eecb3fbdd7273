#!/usr/bin/python3
"""Messages signed by a JWS that another library made, and every way in which one must not pass."""
import base64
import hashlib
import hmac
import json
import subprocess

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW = 1795309323456  # 2026-11-22T01:02:03.456Z
TIME = "2026-11-22T01:02:00Z"
ED, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)


def encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def ed_jwk(key):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}


def rsa_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": encode(numbers.n.to_bytes(256, "big")), "e": encode(numbers.e.to_bytes(3, "big"))}


KEYS = [{"kid": "ed", "jwk": ed_jwk(ED)}, {"kid": "rsa", "jwk": rsa_jwk(RSA)}]


def content(time=TIME, **more):
    return {"header": {"sender_id": "ess.example.org", "message_ts": time}, "message": {"b": "é", "a": 1, **more}}


def plain(value, **options):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), **options)


def sign(key, text):
    if key is RSA:
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return key(text) if callable(key) else key.sign(text)


def jws(key, payload, detached=True, **header):
    head = encode(json.dumps(header).encode())
    middle = encode(payload.encode())
    signature = encode(sign(key, f"{head}.{middle}".encode()))
    return f"{head}..{signature}" if detached else f"{head}.{middle}.{signature}"


def body(signature, value=None, **options):
    return plain({"signature": signature, **(value or content())}, **options)


def hmac_with_public(text):
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hmac.new(pem, text, hashlib.sha256).digest()


SORTED, WRITTEN = plain(content(), sort_keys=True), plain(content())
ED_GOOD = jws(ED, SORTED, alg="EdDSA", kid="ed")
RS_GOOD = jws(RSA, WRITTEN, detached=False, alg="RS256", kid="rsa")
OLD, FUTURE, ZONELESS = (content(time) for time in ("2026-11-22T00:50:00Z", "2026-11-22T01:05:00Z", "2026-11-22T01:02:00"))
WRONG_ALG, NO_KEY = "alg does not fit", "not registered here"

# name, body, what must be said, keys
CASES = [
    ("detached EdDSA over the sorted form", body(ED_GOOD), "kid ed", KEYS),
    ("the same without a kid, of the only key", body(jws(ED, SORTED, alg="EdDSA")), "kid ed", KEYS[:1]),
    ("detached RS256 over what was sent", body(jws(RSA, WRITTEN, alg="RS256", kid="rsa")), "kid rsa", KEYS),
    ("compact RS256", body(RS_GOOD), "kid rsa", KEYS),
    ("compact EdDSA", body(jws(ED, WRITTEN, detached=False, alg="Ed25519", kid="ed")), "kid ed", KEYS),
    ("compact, the body in another order", body(RS_GOOD, sort_keys=True), "kid rsa", KEYS),
    ("digits that differ, of the same number", body(RS_GOOD).replace('"a":1', '"a":1e0'), "kid rsa in other digits", KEYS),
    ("no kid, of two keys", body(jws(ED, SORTED, alg="EdDSA")), "has no kid", KEYS),
    ("kid of nobody", body(jws(ED, SORTED, alg="EdDSA", kid="x")), NO_KEY, KEYS),
    ("another key under its kid", body(jws(OTHER, SORTED, alg="EdDSA", kid="ed")), "does not fit header and message", KEYS),
    ("alg none", body(jws(lambda t: b"x", SORTED, alg="none", kid="ed")), WRONG_ALG, KEYS),
    ("HMAC by the public key", body(jws(hmac_with_public, SORTED, alg="HS256", kid="rsa")), WRONG_ALG, KEYS),
    ("RS256 of an Ed25519 key", body(jws(ED, SORTED, alg="RS256", kid="ed")), WRONG_ALG, KEYS),
    ("EdDSA of an RSA key", body(jws(RSA, SORTED, alg="EdDSA", kid="rsa")), WRONG_ALG, KEYS),
    ("a key to encrypt with", body(RS_GOOD), WRONG_ALG, [{"kid": "rsa", "jwk": {**rsa_jwk(RSA), "use": "enc"}}]),
    ("no alg", body(jws(ED, SORTED, kid="ed")), "alg is missing", KEYS),
    ("unknown crit", body(jws(ED, SORTED, alg="EdDSA", kid="ed", crit=["exp"])), "crit or b64", KEYS),
    ("b64", body(jws(ED, SORTED, alg="EdDSA", kid="ed", b64=False)), "crit or b64", KEYS),
    ("a kid without end", body(jws(ED, SORTED, alg="EdDSA", kid="k" * 200)), "too long", KEYS),
    ("a header without end", body(jws(ED, SORTED, alg="EdDSA", kid="ed", x="y" * 4000)), "too long", KEYS),
    ("a changed message, detached", body(ED_GOOD, content(a=2)), "does not fit header and message", KEYS),
    ("a changed message, compact", body(RS_GOOD, content(a=2)), "payload is not", KEYS),
    ("a payload with more in it", body(jws(RSA, plain({**content(), "x": 1}), False, alg="RS256", kid="rsa")), "payload is not", KEYS),
    ("a payload with a member twice", body(jws(RSA, WRITTEN[:-2] + ',"a":1}}', False, alg="RS256", kid="rsa")), "payload is not", KEYS),
    ("a spoiled signature", body(RS_GOOD[:-10] + "AAAAAAAAAA"), "not what the registered key signed", KEYS),
    ("a signature that is cut", body(ED_GOOD[:-2]), "does not fit header and message", KEYS),
    ("padding behind it", body(ED_GOOD + "=="), "no signature in base64url", KEYS),
    ("a fourth part", body(RS_GOOD + ".e30"), "no signature in base64url", KEYS),
    ("an old message", body(jws(ED, plain(OLD, sort_keys=True), alg="EdDSA", kid="ed"), OLD), "600 seconds ago", KEYS),
    ("one of the future", body(jws(ED, plain(FUTURE), alg="EdDSA", kid="ed"), FUTURE), "in the future", KEYS),
    ("one without a zone", body(jws(ED, plain(ZONELESS), alg="EdDSA", kid="ed"), ZONELESS), "with a zone", KEYS),
]


def main():
    lines = "".join(json.dumps({"now": NOW, "keys": keys, "body": text}) + "\n" for _, text, _, keys in CASES)
    said = subprocess.run(["build/unit/seal/jws_print"], input=lines.encode(), check=True,
                          stdout=subprocess.PIPE).stdout.decode().split("\n")
    for number, ((name, _, wanted, _), got) in enumerate(zip(CASES, said), 1):
        good = got == wanted if wanted.startswith("kid ") else wanted in got
        print(f"{'ok' if good else 'not ok'} {number} - {name}" + ("" if good else f"\n# {got}"))
    print(f"1..{len(CASES)}")


main()
