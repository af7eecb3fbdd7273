#!/usr/bin/python3
"""The published vectors, checked without any code of casesync: OpenSSL's command line, and jwcrypto."""
import base64
import json
import subprocess
import sys
import tempfile

from jwcrypto import jwe, jwk

# DER of an Ed25519 public key (RFC 8410) up to the key itself.
ED25519_DER = bytes.fromhex("302a300506032b6570032100")


def load(name):
    with open(f"test/vectors/{name}", encoding="utf-8") as file:
        return json.load(file)


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)


def keep(folder, name, data):
    path = f"{folder}/{name}"
    with open(path, "wb") as file:
        file.write(data)
    return path


def public_pem(key):
    text = base64.b64encode(ED25519_DER + base64.urlsafe_b64decode(key["x"] + "==")).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n".encode()


def verifies(folder, public, text, value):
    return openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin",
                   "-in", keep(folder, "text", text.encode()),
                   "-sigfile", keep(folder, "value", base64.b64decode(value))).returncode == 0


def check_signature(folder, vector, document, checks):
    name = vector["name"]
    public = keep(folder, "public.pem", public_pem(document["jwk"]))
    both = {"header": vector["header"], "message": vector["message"]}
    canonical = json.dumps(both, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = openssl("dgst", "-sha256", "-binary", data=canonical.encode()).stdout
    text = f"(created): {vector['created']}\n(expires): {vector['expires']}\ndigest: {vector['digest']}"
    made = openssl("pkeyutl", "-sign", "-inkey", f"test/vectors/{document['key_file']}", "-rawin",
                   "-in", keep(folder, "text", text.encode())).stdout
    checks.append((canonical == vector["canonical"], f"{name}: canonical form"))
    checks.append((digest.hex() == vector["sha256"], f"{name}: SHA-256 by openssl"))
    checks.append((base64.b64encode(digest).decode() == vector["digest"], f"{name}: digest"))
    checks.append((text == vector["signing_string"], f"{name}: signing string"))
    checks.append((base64.b64encode(made).decode() == vector["signature_value"],
                   f"{name}: openssl signs to the same bytes"))
    checks.append((verifies(folder, public, text, vector["signature_value"]),
                   f"{name}: openssl verifies"))
    checks.append((not verifies(folder, public, text + " ", vector["signature_value"]),
                   f"{name}: and refuses another text"))
    checks.append((vector["signature"].endswith(f'signature="{vector["signature_value"]}"'),
                   f"{name}: the member that is sent"))


def check_encryption(number, vector, checks):
    message = vector["message"]
    with open(f"test/vectors/{vector['key_file']}", "rb") as file:
        key = jwk.JWK.from_pem(file.read())
    flattened = {name: message[name] for name in ("iv", "ciphertext", "tag")}
    if message["encrypted_key"]:
        flattened["encrypted_key"] = message["encrypted_key"]
    if vector["protected"]:
        flattened["protected"] = vector["protected"]
    else:
        flattened["header"] = message["header"]
    token = jwe.JWE()
    token.deserialize(json.dumps(flattened), key)
    checks.append((json.loads(token.payload) == vector["plain"],
                   f"{number}: {vector['alg']} of {vector['made_by']}: jwcrypto decrypts"))
    checks.append((message["header"]["kid"] == key.thumbprint(), f"{number}: kid"))


def main():
    signatures = load("signature.json")
    encrypted = load("encryption.json")
    checks = [(len(signatures["vectors"]) >= 3 and len(encrypted["vectors"]) >= 8, "there are vectors")]
    with tempfile.TemporaryDirectory() as folder:
        for vector in signatures["vectors"]:
            check_signature(folder, vector, signatures, checks)
    for number, vector in enumerate(encrypted["vectors"]):
        check_encryption(number, vector, checks)
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
