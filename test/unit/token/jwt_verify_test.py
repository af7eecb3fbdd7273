#!/usr/bin/python3
"""Tokens of outside issuers as jwcrypto makes them, each algorithm, with the right and a wrong key."""
import json
import subprocess
import sys

from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALGORITHMS = ["EdDSA", *CURVES, "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]


def key_make(alg):
    if alg == "EdDSA":
        return jwcrypto_jwk.JWK.generate(kty="OKP", crv="Ed25519")
    if alg in CURVES:
        return jwcrypto_jwk.JWK.generate(kty="EC", crv=CURVES[alg])
    return jwcrypto_jwk.JWK.generate(kty="RSA", size=2048)


def token_make(key, alg):
    token = jwcrypto_jws.JWS(json.dumps({"sub": "client-1"}))
    token.add_signature(key, alg, json.dumps({"alg": alg, "kid": "k1"}))
    return token.serialize(compact=True)


def main():
    rows = []
    for alg in ALGORITHMS:
        key, other = key_make(alg), key_make(alg)
        token = token_make(key, alg)
        for name, holder in (("good", key), ("refused", other)):
            rows.append((alg, name, {"alg": alg, "jwk": json.loads(holder.export_public()), "token": token}))
    lines = "".join(json.dumps(row) + "\n" for _, _, row in rows)
    printed = subprocess.run(["build/unit/token/jwt_verify_print"], input=lines, check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()
    checks = [(len(printed) == len(rows), "each token is judged")]
    for (alg, wanted, _), said in zip(rows, printed):
        checks.append((said == wanted, f"{alg}: {wanted} by {'its' if wanted == 'good' else 'another'} key"))
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
