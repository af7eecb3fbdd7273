#!/usr/bin/python3
"""README.md against the code: the table of settings and the recipes for partners."""
import os
import subprocess
import sys


def recipe_of(test):
    with open(f"test/unit/{test}", encoding="utf-8") as file:
        return file.read().partition("in the README\n")[2].partition("# --- end")[0].strip()


def main():
    if not os.path.exists("README.md"):
        print("1..0 # SKIP there is no README.md")
        return 0
    with open("README.md", encoding="utf-8") as file:
        readme = file.read()
    recipes = [recipe_of("recipe_test.py"), recipe_of("encryption_test.py")]
    table = subprocess.run(["build/unit/settings_print"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    checks = [(row in readme.splitlines(), f"README.md has the row {row}") for row in table]
    checks.append((len(table) > 10 and "def verify" in recipes[0] and "def decrypt" in recipes[1],
                   "there is something to compare"))
    checks.append((recipes[0] in readme, "README.md has the recipe of recipe_test.py, word for word"))
    checks.append((recipes[1] in readme, "and that of encryption_test.py"))
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
