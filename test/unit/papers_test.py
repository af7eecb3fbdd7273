#!/usr/bin/python3
"""The papers against the code: what they cite exists, and what people call, see, set or get as an
error stands in doc/reference.md. Without a server; test/t/papers_*.pl compare with a running one."""
import glob
import os
import re
import subprocess
import sys

README_LINES = 300
LETTERS = {"publisher": "P", "admin": "A", "approver": "V", "reviewer": "R", "auditor": "U",
           "caseworker": "W", "portal": "O", "portal_login": "L", "reader": "S", "types": "T"}
# Functions that only compute are granted by a query (grants.sql): they are given to T and no other access.
COMPUTED = "types"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files(*patterns):
    return sorted(path for pattern in patterns for path in glob.glob(pattern, recursive=True)
                  if "generated" not in path and "/released/" not in path)


SQL = {path: read(path) for path in files("extension/*/*.sql") if "--" not in path}
C = {path: read(path) for path in files("extension/**/*.[ch]", "bridge/**/*.[ch]")}
# A page that stands in no version of the tree is no paper of ours: see which there are.
PAPERS = {path: read(path) for path in files("*.md", "doc/*.md")}


def made(what, schema):
    """The names of what the extension makes in a schema."""
    pattern = re.compile(rf"^\s*CREATE (?:OR REPLACE )?(?:{what}) {schema}\.(\w+)", re.M)
    return {name for text in SQL.values() for name in pattern.findall(text)}


FUNCTIONS = made("FUNCTION|AGGREGATE|PROCEDURE", "casesync")
VIEWS = made("VIEW", "casesync")
INTERNAL = made("FUNCTION|AGGREGATE|VIEW|TABLE|TYPE|SEQUENCE", "casesync_internal")
# What create_casework() makes, in a schema of its caller's.
MADE_FOR_CALLER = set(re.findall(r"^CREATE FUNCTION (\w+)\(", "".join(read(name) for name in glob.glob("extension/casework/*.sql")), re.M))
TYPES = made("TYPE", "casesync") | set(re.findall(r"^directory\t(\w+)", read("extension/code/codes.tsv"), re.M))
SETTINGS = set(re.findall(r'"casesync\.(\w+)"', read("extension/casesync.c")))
BRIDGE_SETTINGS = set(re.findall(r'^\t\{"(\w+)", SETTING_', read("bridge/config/config_table.c"), re.M))
COMMANDS = set(re.findall(r'"--([a-z-]+)"', "".join(text for path, text in C.items() if "/config/" in path))) | {"config"}


def comments(path, text):
    if path.endswith((".c", ".h", ".l", ".y")):
        return "\n".join(re.findall(r"/\*.*?\*/|//[^\n]*", text, re.S))
    if path.endswith(".sql"):
        return "\n".join(re.findall(r"/\*.*?\*/|--[^\n]*", text, re.S))
    return "\n".join(re.findall(r"^\s*#[^\n]*", text, re.M))


def code_comments():
    for path, text in {**SQL, **C}.items():
        yield path, comments(path, text)
    for path in files("extension/**/*.tsv", "test/**/*.p[ly]", "test/*"):
        if os.path.isfile(path):
            yield path, comments(path, read(path))


def code_of(page):
    """What stands in a page as code: blocks and spans."""
    return "\n".join(re.findall(r"^```.*?^```$|`[^`\n]+`|^    [^\n]+$", page, re.M | re.S))


def anchors(page):
    """The names under which a page's headings can be linked to, as GitHub makes them."""
    found = set()
    for line in re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S).splitlines():
        heading = re.match(r"#{1,6} (.*)", line)
        if heading:
            name = re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading[1]).lower()).replace(" ", "-")
            number = 0
            while (name if number == 0 else f"{name}-{number}") in found:
                number += 1
            found.add(name if number == 0 else f"{name}-{number}")
    return found


def check_links(checks):
    count = 0
    for path, page in PAPERS.items():
        checks.append((not re.search(r"^(?:<{7}|>{7}) ", page, re.M), f"{path}: has no marks of a merge"))
        bare = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page, flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", bare):
            if re.match(r"https?:", target):
                continue
            count += 1
            name, _, anchor = target.partition("#")
            other = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            good = os.path.exists(other) and (not anchor or anchor in anchors(read(other)))
            checks.append((good, f"{path}: {target} is there"))
    checks.append((count > 20, "there are links"))


def check_names(checks):
    """Every casesync.NAME and NAME(…) of the papers, and every casesync.NAME of a comment."""
    known = FUNCTIONS | VIEWS | TYPES | SETTINGS
    places = [(path, page, True) for path, page in PAPERS.items() if path != "CHANGELOG.md"]
    places += [(path, text, False) for path, text in code_comments()]
    for path, text, is_paper in places:
        text = re.sub(r"casesync\.(service|conf|control|so|c|sql|pem|md)\b|[\w-]\.?casesync\.\w+", "", text)
        for name in sorted(set(re.findall(r"\bcasesync\.(\w+)", text))):
            if not name[0].isupper() and name.lower() == name:
                checks.append((name in known or name in ("sandbox", "example"), f"{path}: casesync.{name} exists"))
        for name in sorted(set(re.findall(r"\bcasesync_internal\.(\w+)", text))):
            checks.append((name in INTERNAL, f"{path}: casesync_internal.{name} exists"))
        if is_paper:
            spans = re.findall(r"`([a-z_]\w*)\([^`\n]*\)`", text)
            for name in sorted(set(spans)):
                checks.append((name in FUNCTIONS | INTERNAL | MADE_FOR_CALLER, f"{path}: {name}() exists"))


def check_comments(checks):
    """Every NAME() of a comment is a name in the code, or one of the server's."""
    code = dict.fromkeys(("lastval", "get_attname"), "PostgreSQL")
    for path, text in {**SQL, **C}.items():
        bare = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for name in set(re.findall(r"\w+", re.sub(r"--[^\n]*", "", bare) if path.endswith(".sql") else bare)):
            code.setdefault(name, path)
    count = 0
    for path, text in {**SQL, **C}.items():
        for name in sorted(set(re.findall(r"\b([a-z_]\w+)\(\)", comments(path, text)))):
            count += 1
            checks.append((name in code, f"{path}: {name}() is in the code"))
    checks.append((count > 20, "comments name functions"))


def check_settings(checks):
    reference = PAPERS["doc/reference.md"]
    for name in sorted(SETTINGS):
        checks.append((f"| `casesync.{name}` |" in reference, f"reference.md has the setting casesync.{name}"))
    for path, page in PAPERS.items():
        for call in re.findall(r"casesync-bridge((?:[ \\\n]+--[^\s`]+)+)", page):
            for flag in re.findall(r"--([\w-]+)", call):
                good = flag.replace("-", "_") in BRIDGE_SETTINGS or flag in COMMANDS
                checks.append((good, f"{path}: casesync-bridge has --{flag}"))
        for name in re.findall(r"^(\w+) = '?[^=\n]*$", "\n".join(re.findall(r"^```ini\n(.*?)^```$", page, re.M | re.S)), re.M):
            checks.append((name in BRIDGE_SETTINGS, f"{path}: the bridge has the setting {name}"))
    checks.append((len(SETTINGS) > 3 and len(BRIDGE_SETTINGS) > 10, "there are settings"))


def check_targets(checks):
    goals = set(re.search(r"TEST_GOALS = (.*)", read("Makefile").replace("\\\n", " "))[1].split())
    goals |= set(re.findall(r"^([\w-]+):", read("Makefile") + read("test/unit/unit.mk") + read("bridge/bridge.mk"), re.M))
    goals |= {"all", "install", "uninstall", "clean", "installcheck"}
    cited = set()
    for path, page in PAPERS.items():
        for words in re.findall(r"(?:^|`|sudo |    )make((?: +[^\s`#]+)+)", code_of(page), re.M):
            for word in words.split():
                if re.fullmatch(r"[a-z][a-z0-9-]*", word):
                    cited.add(word)
                    checks.append((word in goals, f"{path}: make {word} exists"))
    checks.append((len(cited) > 10, "make targets are cited"))


def check_paths(checks):
    count = 0
    for path, page in PAPERS.items():
        for name in sorted(set(re.findall(r"`((?:extension|bridge|test|doc|sql|expected)/[\w./*-]*)`", page))):
            count += 1
            checks.append((bool(glob.glob(name)), f"{path}: {name} exists"))
        for name, file in re.findall(r"`(\w+)\(\)` in `([\w/.]+)`", page):
            made_here = os.path.exists(file) and re.search(rf"FUNCTION casesync(?:_internal)?\.{name}\(", read(file))
            checks.append((bool(made_here), f"{path}: {name}() is in {file}"))
    for path, text in code_comments():
        for name in sorted(set(re.findall(r"\bdoc/[\w-]+\.md\b", text))):
            checks.append((os.path.exists(name), f"{path}: {name} exists"))
        checks.append(("README" not in text or path.startswith("test/"), f"{path}: cites pages, not the README"))
    checks.append((count > 10, "files are cited"))


def check_contradictions(checks):
    """A1, B12, C4 … in papers and comments are entries of doc/standard.md."""
    entries = set(re.findall(r"^#+ ([A-E]\d+)\b", PAPERS["doc/standard.md"], re.M))
    cited = {}
    for path, text in [*code_comments(), *((path, re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S))
                                           for path, page in PAPERS.items())]:
        for number in re.findall(r"(?<![\w/.-])([A-E]\d{1,2})(?![\w-])", text.replace("C1 controls", "")):
            cited.setdefault(number, path)
    for number, path in sorted(cited.items()):
        checks.append((number in entries, f"{path}: {number} is in doc/standard.md"))
    checks.append((len(entries) > 60 and len(cited) > 8, "there are numbers"))


def rights():
    """The functions and views of each access, as grants.sql gives them."""
    text = read("extension/rights/grants.sql")
    found = {access: set() for access in LETTERS}
    for access, objects in re.findall(r"\('(\w+)', ARRAY\[(.*?)\]\)", text, re.S):
        if access in found:
            found[access] |= {name.split()[-1] for name in re.findall(r"'([^']*)'", objects)}
    listed = re.search(r"SELECT 'types', o FROM unnest\(ARRAY\[(.*?)\]\)", text, re.S)[1]
    found["types"] |= {name.split()[-1] for name in re.findall(r"'([^']*)'", listed)}
    return found


def table(header):
    """The rows of every table of reference.md with this header: name, letters."""
    rows = {}
    for body in re.findall(rf"^\| {header} \|.*\n\|.*\n((?:\|.*\n)+)", PAPERS["doc/reference.md"], re.M):
        for row in body.splitlines():
            cells = row.split("|")
            rows[re.search(r"`(\w+)", cells[1])[1]] = set(cells[2].split())
    return rows


def check_reference(checks):
    given = rights()
    for what, names, told in (("function", FUNCTIONS, table("function")), ("view", VIEWS, table("view"))):
        checks.append((len(names) > 25, f"there are {what}s"))
        for name in sorted(names | set(told)):
            checks.append((name in told, f"reference.md has the {what} {name}"))
            checks.append((name in names, f"the {what} {name} of reference.md exists"))
            letters = {LETTERS[access] for access in given if name in given[access]}
            mine = told.get(name, set())
            checks.append((mine == letters or (not letters and mine == {LETTERS[COMPUTED]}),
                           f"reference.md says who may use {name}: {' '.join(sorted(letters))}"))


def check_matrix(checks):
    """Each function, and each table, that an access may use has a line that says what it reaches at most."""
    block = re.search(r"^<!-- made by test/write_papers: what each access may execute -->\n(.*?)^<!-- end -->", PAPERS["doc/reference.md"],
                      re.M | re.S)[1]
    lines = re.findall(r"^\| (`.*?`) \|((?: x? ?\|){8}) (.*) \|$", block, re.M)
    told = {name: text for names, _, text in lines for name in re.findall(r"`([^`]+)`", names)}
    text = read("extension/rights/grants.sql")
    for names in re.findall(r"ARRAY\[(.*?)\]", text, re.S):
        for name in re.findall(r"'([^']*)'", names):
            verb, _, view = name.partition(" ON ")
            if view not in VIEWS:
                name = f"{verb} on {view}" if view else name
                checks.append((len(told.get(name, "")) > 12 and "?" not in told[name], f"reference.md says what {name} reaches at most"))
    checks.append((len(told) > 150, "the matrix has lines"))


def check_errors(checks):
    """Every errcode that the extension raises, or writes down, has one row, and no other has."""
    raised = set()
    for text in SQL.values():
        raised |= set(re.findall(r"errcode (?:=>|=) '(\w+)'", text, re.I))
        raised |= set(re.findall(r"'(CS\d{3})'", text))
    for path, text in C.items():
        if path.startswith("extension/") and not path.endswith("raise_error.c"):
            raised |= {name.lower() for name in re.findall(r"(?:errcode\(|sqlerrcode = )ERRCODE_(\w+)", text)}
            raised |= {re.sub(r"\W", "", letters) for letters in re.findall(r"MAKE_SQLSTATE\(('[^)]*)\)", text)}
    raised = {name.replace("e_r_i_e_", "") for name in raised if not name.startswith("casesync_")}
    rows = re.findall(r"^\| `([0-9A-Z]{5})` \|(?: `(\w+)`)? \|", PAPERS["doc/reference.md"], re.M)
    told = {name or state for state, name in rows}
    checks.append((len(raised) > 20, "there are errors"))
    checks.append((len(rows) == len(set(rows)), "no error has two rows"))
    for name in sorted(raised | told):
        checks.append((name in told, f"reference.md has the error {name}"))
        checks.append((name in raised, f"the error {name} of reference.md is raised"))


def recipe_of(test):
    return read(f"test/unit/{test}").partition("signing-and-encryption.md\n")[2].partition("# --- end")[0].strip()


def check_recipes(checks):
    page = PAPERS["doc/signing-and-encryption.md"]
    for test, function in (("seal/recipe_test.py", "def verify"), ("seal/encryption_test.py", "def decrypt")):
        recipe = recipe_of(test)
        checks.append((function in recipe and recipe in page, f"the recipe of {test} is in the page, word for word"))


def main():
    checks = [(len(PAPERS["README.md"].splitlines()) <= README_LINES, f"README.md has at most {README_LINES} lines")]
    for check in (check_links, check_names, check_comments, check_settings, check_targets, check_paths, check_contradictions,
                  check_reference, check_matrix, check_errors, check_recipes):
        check(checks)
    said = subprocess.run(["test/write_papers", "--check"], check=False, stdout=subprocess.PIPE, text=True).stdout
    checks.append((said == "", f"what papers repeat of the code is up to date {said.strip()}"))
    print(f"1..{len(checks)}")
    for number, (passed, name) in enumerate(checks, 1):
        print("ok" if passed else "not ok", number, "-", name)
    return 0 if all(passed for passed, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
