#!/usr/bin/python3
"""Our signatures, verified by another program that follows only the recipe of doc/signing-and-encryption.md."""
import subprocess
import sys

# --- the recipe, as in doc/signing-and-encryption.md
import base64
import hashlib
import json
import re
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verify(body, jwk):
    """Raises InvalidSignature unless body was signed with the key of jwk."""
    envelope = json.loads(body)
    part = dict(re.findall(r'(\w+)="([^"]*)"', envelope["signature"]))
    content = json.dumps({"header": envelope["header"], "message": envelope["message"]},
                         sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    text = f"(created): {part['created']}\n(expires): {part['expires']}\ndigest: {digest}"
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwk["x"] + "=="))
    key.verify(base64.b64decode(part["signature"]), text.encode())
# --- end of the recipe


def holds(body, jwk):
    try:
        verify(body, jwk)
        return True
    except InvalidSignature:
        return False


def main():
    lines = subprocess.run(["build/unit/seal/envelope_print"], check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\n")
    jwk = json.loads(lines[0])
    bodies = [line for line in lines[1:] if line]
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(
        json.dumps({m: jwk[m] for m in ("crv", "kty", "x")}, sort_keys=True,
                   separators=(",", ":")).encode()).digest()).decode().rstrip("=")
    checks = [(len(bodies) >= 6, "there are messages"),
              (thumbprint == jwk["kid"], "kid is the RFC 7638 thumbprint")]
    for number, body in enumerate(bodies):
        envelope = json.loads(body)
        again = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        checks.append((holds(body, jwk), f"message {number} verifies"))
        checks.append((again == body, f"message {number} is in canonical form throughout"))
        envelope["header"]["total_count"] = 2
        checks.append((not holds(json.dumps(envelope), jwk), f"message {number} changed: refused"))
        kid = f"ess.example.org|{jwk['kid']}|ed25519"
        checks.append((f'kidId="{kid}"' in envelope["signature"], f"message {number} names the key"))
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
