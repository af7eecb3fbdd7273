#!/usr/bin/python3
"""Our encrypted messages, read and written by other programs: the recipe of doc/signing-and-encryption.md, and jwcrypto."""
import hashlib
import subprocess
import sys

from cryptography.hazmat.primitives import serialization
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk as jwcrypto_jwk

# --- the recipe, as in doc/signing-and-encryption.md
import base64
import json
import os
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def protected(header):
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return to_base64(text.encode()).encode()


def agreed_key(private, public):
    parts = [len(part).to_bytes(4, "big") + part for part in (b"A256GCM", b"", b"")]
    info = b"".join(parts) + (256).to_bytes(4, "big")
    return ConcatKDFHash(hashes.SHA256(), 32, info).derive(private.exchange(ec.ECDH(), public))


def public_point(jwk):
    x, y = (int.from_bytes(unbase64(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[jwk["crv"]]).public_key()


def decrypt(message, private):
    """The plain message of an encrypted one, for the holder of the private key."""
    header = message["header"]
    if header["alg"] == "ECDH-ES":
        key = agreed_key(private, public_point(header["epk"]))
    else:
        key = private.decrypt(unbase64(message["encrypted_key"]), OAEP)
    hidden = unbase64(message["ciphertext"]) + unbase64(message["tag"])
    return json.loads(AESGCM(key).decrypt(unbase64(message["iv"]), hidden, protected(header)))


def encrypt(message, jwk):
    """The message, encrypted by ECDH-ES for the holder of an EC key."""
    own = ec.generate_private_key(CURVES[jwk["crv"]])
    numbers = own.public_key().public_numbers()
    size = (own.key_size + 7) // 8
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": jwk["kid"],
              "epk": {"kty": "EC", "crv": jwk["crv"], "x": to_base64(numbers.x.to_bytes(size, "big")),
                      "y": to_base64(numbers.y.to_bytes(size, "big"))}}
    iv = os.urandom(12)
    hidden = AESGCM(agreed_key(own, public_point(jwk))).encrypt(
        iv, json.dumps(message).encode(), protected(header))
    return {"header": header, "encrypted_key": "", "iv": to_base64(iv),
            "ciphertext": to_base64(hidden[:-16]), "tag": to_base64(hidden[-16:])}
# --- end of the recipe


PLAIN = {"transaction_id": "t", "notify_event": [{"name": "Zoë 名前 😀", "n": [0, 1.5, -7]}]}
SENT = {**PLAIN, "meta": {"stream": "s", "items": [{"seq": 1}]}}
FILES = ["encryption_p256.pem", "encryption_p256.pem", "encryption_p521.pem", "encryption_rsa.pem"]
NAMES = ["ECDH-ES P-256", "ECDH-ES+A256KW P-256", "ECDH-ES P-521", "RSA-OAEP-256"]


def private_pem(name):
    with open(f"test/vectors/{name}", "rb") as file:
        return file.read()


def our_decryption(messages):
    lines = "".join(json.dumps(message) + "\n" for message in messages)
    printed = subprocess.run(["build/unit/seal/jwe_print", "decrypt"], input=lines.encode(), check=True,
                             stdout=subprocess.PIPE).stdout.decode().split("\n")[:-1]
    return [line if line == "refused" else json.loads(line) for line in printed]


def jwcrypto_decrypt(message, pem):
    """As flattened JSON serialization: header under its name of RFC 7516."""
    token = jwcrypto_jwe.JWE()
    flattened = {name: message[name] for name in ("iv", "ciphertext", "tag")}
    if message["encrypted_key"]:
        flattened["encrypted_key"] = message["encrypted_key"]
    flattened["protected"] = protected(message["header"]).decode()
    token.deserialize(json.dumps(flattened), jwcrypto_jwk.JWK.from_pem(pem))
    return json.loads(token.payload)


def jwcrypto_encrypt(jwk, alg):
    """A compact JWE taken apart: the header's members are in jwcrypto's order, not in ours."""
    header = {"kid": jwk["kid"], "enc": "A256GCM", "alg": alg}
    text = json.dumps(header, separators=(",", ":"))
    token = jwcrypto_jwe.JWE(json.dumps(PLAIN).encode(), text,
                             recipient=jwcrypto_jwk.JWK(**jwk))
    parts = token.serialize(compact=True).split(".")
    names = ("encrypted_key", "iv", "ciphertext", "tag")
    return {"header": json.loads(unbase64(parts[0])), **dict(zip(names, parts[1:]))}


def jwcrypto_encrypt_unprotected(jwk, alg):
    """What RFC 7516 itself calls "header": nothing is authenticated but the content."""
    header = json.dumps({"kid": jwk["kid"], "enc": "A256GCM", "alg": alg})
    token = jwcrypto_jwe.JWE(json.dumps(PLAIN).encode(), header=header,
                             recipient=jwcrypto_jwk.JWK(**jwk))
    return {"encrypted_key": "", **json.loads(token.serialize())}


def check_what_we_send(lines, checks):
    for line, file, name in zip(lines, FILES, NAMES):
        message = json.loads(line)["message"]
        pem = private_pem(file)
        checks.append((jwcrypto_decrypt(message, pem) == SENT, f"jwcrypto reads {name}"))
        checks.append(("notify_event" not in line and "stream" not in line, f"{name} hides"))
        if "KW" not in name:
            checks.append((decrypt(message, serialization.load_pem_private_key(pem, None)) == SENT,
                           f"the recipe reads {name}"))


def check_what_we_take(keys, checks):
    algs = [name.split(" ")[0] for name in NAMES]
    jwks = [keys[0], keys[0], keys[1], keys[2]]
    taken = our_decryption([jwcrypto_encrypt(jwk, alg) for jwk, alg in zip(jwks, algs)])
    for plain, name in zip(taken, NAMES):
        checks.append((plain == PLAIN, f"we read {name} of jwcrypto"))
    taken = our_decryption([jwcrypto_encrypt_unprotected(jwk, alg) for jwk, alg in zip(jwks, algs)])
    for plain, name in zip(taken, NAMES):
        checks.append((plain == PLAIN, f"we read {name} of jwcrypto with an unprotected header"))
    for plain in our_decryption([encrypt(PLAIN, keys[0]), encrypt(PLAIN, keys[1])]):
        checks.append((plain == PLAIN, "we read what the recipe writes"))
    spoilt = jwcrypto_encrypt(keys[0], "ECDH-ES")
    spoilt["header"]["typ"] = "x"
    checks.append((our_decryption([spoilt]) == ["refused"], "but not with another header"))


def check_names(keys, checks):
    for jwk in keys:
        required = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
        text = json.dumps(required, sort_keys=True, separators=(",", ":"))
        name = to_base64(hashlib.sha256(text.encode()).digest())
        checks.append((name == jwk["kid"], f"kid of {jwk['kty']} is the RFC 7638 thumbprint"))
        checks.append((jwk["use"] == "enc" and "d" not in jwk and "p" not in jwk,
                       f"{jwk['kty']} is published for encryption, and nothing private of it"))


def main():
    printed = subprocess.run(["build/unit/seal/jwe_print"], check=True,
                             stdout=subprocess.PIPE).stdout.decode().split("\n")
    keys = json.loads(printed[0])["keys"][1:]
    checks = [(len(keys) == 3 and len(printed) == 6, "there are keys and messages")]
    check_names(keys, checks)
    check_what_we_send(printed[1:5], checks)
    check_what_we_take(keys, checks)
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
