#!/usr/bin/python3
"""Messages of ours whose signature is a JWS, verified by another library as their readers do it."""
import base64
import json
import subprocess

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DETACHED, COMPACT = "signature=jws_detached", "signature=jws_compact"
MESSAGE = '{"zeta": 1, "alpha": {"b": [true, false, null], "a": "Zo\\u00eb \\ud83d\\ude00 \\"\\\\ \\u0001 \\u007f"}, "n": [0.5, 1.0, 123.25]}'
NO_RSA = "no: the bridge has no rsa_key_file, and the partner's profile asks for RS256"
LONG = json.dumps({"text": "é" * 22000})

# name, forms, message, what must be said
CASES = [
    ("detached EdDSA", DETACHED, MESSAGE, "detached EdDSA kid"),
    ("detached EdDSA, no kid", "kid=none " + DETACHED, MESSAGE, "detached EdDSA"),
    ("detached EdDSA, long", DETACHED, LONG, "detached EdDSA kid"),
    ("detached of an empty message", DETACHED, "{}", "detached EdDSA kid"),
    ("compact EdDSA", COMPACT, MESSAGE, "compact EdDSA kid"),
    ("compact in ASCII with a full header", "digest=python header=full " + COMPACT, MESSAGE, "compact EdDSA kid"),
    ("compact that holds too much", COMPACT, LONG, "no: the message is larger than"),
    ("detached RS256", "algorithm=rs256 " + DETACHED, MESSAGE, "detached RS256 kid"),
    ("detached RS256, no kid", "algorithm=rs256 kid=none " + DETACHED, MESSAGE, "detached RS256"),
    ("compact RS256", "algorithm=rs256 " + COMPACT, MESSAGE, "compact RS256 kid"),
    ("RS256 without a key for it", "algorithm=rs256 " + DETACHED, MESSAGE, NO_RSA),
    ("RS256 of the standard's own text", "algorithm=rs256", MESSAGE, "no: rules of the partner's profile contradict"),
    ("both at once", DETACHED + " " + COMPACT, MESSAGE, "no: rules of the partner's profile contradict"),
    ("no kid of the standard's own text", "kid=none", MESSAGE, "no: rules of the partner's profile contradict"),
    ("a form that is not known", "signature=jws_json", MESSAGE, "no: the partner's profile has a rule that this bridge does not know"),
    ("the beginning of a form", "signature=jws", MESSAGE, "no: the partner's profile has a rule that this bridge does not know"),
    ("a message that is none", DETACHED, "[]", "no: the message is no JSON object"),
]


def decode(text):
    assert "=" not in text and "+" not in text and "/" not in text, "not base64url"
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(decode(text), "big")


def holds(jwk, text, signature):
    try:
        if jwk["kty"] == "RSA":
            key = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        else:
            Ed25519PublicKey.from_public_bytes(decode(jwk["x"])).verify(signature, text)
        return True
    except InvalidSignature:
        return False


def verify(body, keys):
    """What a reader finds: the kind of the signature, or why it holds not."""
    message = json.loads(body)
    head, payload, signature = message.pop("signature").split(".")
    header = json.loads(decode(head))
    kind = "compact" if payload else "detached"
    if set(message) != {"header", "message"} or not set(header) <= {"alg", "kid"}:
        return "other members"
    if payload and json.loads(decode(payload)) != message:
        return "another message"
    if not payload:  # what is written anew, sorted, in UTF-8
        written = json.dumps(message, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        payload = base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")
    fitting = [jwk for jwk in keys if jwk["alg"] == header["alg"] and jwk["kid"] == header.get("kid", jwk["kid"]) and jwk["use"] == "sig"]
    text = f"{head}.{payload}".encode()
    if not any(holds(jwk, text, decode(signature)) for jwk in fitting):
        return "no key of ours"
    if any(holds(jwk, text + b"A", decode(signature)) for jwk in fitting):
        return "anything holds"
    return f"{kind} {header['alg']}{' kid' if 'kid' in header else ''}"


def main():
    lines = "".join(json.dumps({"forms": forms, "message": message, "few": wanted == NO_RSA}) + "\n" for _, forms, message, wanted in CASES)
    first, *said = subprocess.run(["build/unit/seal/jws_make_print"], input=lines.encode(), check=True,
                                  stdout=subprocess.PIPE).stdout.decode().split("\n")
    keys = json.loads(first)["keys"]
    for count, ((name, _, _, wanted), line) in enumerate(zip(CASES, said), 1):
        got = line if line.startswith("no: ") else verify(line, keys)
        good = wanted in got and "but something was left" not in got if wanted.startswith("no: ") else got == wanted
        print(f"{'ok' if good else 'not ok'} {count} - {name}" + ("" if good else f"\n# {got[:300]}"))
    print(f"1..{len(CASES)}")


main()
