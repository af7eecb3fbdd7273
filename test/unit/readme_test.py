#!/usr/bin/python3
"""README.md against the code: the table of settings and the recipes for partners."""
import os
import re
import subprocess
import sys


def recipe_of(test):
    with open(f"test/unit/{test}", encoding="utf-8") as file:
        return file.read().partition("in the README\n")[2].partition("# --- end")[0].strip()


# Granted with an access, but no use to a person: what views and other functions call.
INNER = {"raise_error", "failure_wait", "gap_hint", "problems", "tracking_drift"}
LETTERS = {"publisher": "P", "admin": "A", "approver": "V", "reviewer": "R", "auditor": "U", "reader": "S"}


def rights():
    """The functions of each access, as grants.sql gives them."""
    with open("extension/rights/grants.sql", encoding="utf-8") as file:
        text = file.read()
    found = {access: set() for access in LETTERS}
    for access, objects in re.findall(r"\('(\w+)', ARRAY\[(.*?)\]\)", text, re.S):
        if access in found:
            found[access] |= {name for name in re.findall(r"'([^']*)'", objects) if " " not in name}
    return found


def check_functions(readme, checks):
    """Every function for people is in the table, with the accesses that have it; publishers' helpers are not."""
    table = readme.partition("| function | who |")[2].partition("\n\n")[0]
    rows = [(re.findall(r"`(\w+)", row.split("|")[1]), set(row.split("|")[2].split()))
            for row in table.splitlines() if row.startswith("| `")]
    told = {name: letters for names, letters in rows for name in names}
    given = rights()
    names = set().union(*(names for access, names in given.items() if access != "publisher")) - INNER
    checks.append((len(names) > 50 and len(told) > 60, "there are functions to compare"))
    for name in sorted(names | set(told)):
        letters = {LETTERS[access] for access in given if name in given[access]}
        checks.append((told.get(name, set()) - {"T"} == letters, f"README.md says who may call {name}"))


def main():
    if not os.path.exists("README.md"):
        print("1..0 # SKIP there is no README.md")
        return 0
    with open("README.md", encoding="utf-8") as file:
        readme = file.read()
    recipes = [recipe_of("seal/recipe_test.py"), recipe_of("seal/encryption_test.py")]
    table = subprocess.run(["build/unit/config/settings_print"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    checks = [(row in readme.splitlines(), f"README.md has the row {row}") for row in table]
    checks.append((len(table) > 10 and "def verify" in recipes[0] and "def decrypt" in recipes[1],
                   "there is something to compare"))
    checks.append((recipes[0] in readme, "README.md has the recipe of recipe_test.py, word for word"))
    checks.append((recipes[1] in readme, "and that of encryption_test.py"))
    check_functions(readme, checks)
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
