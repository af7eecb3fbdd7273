#!/usr/bin/python3
"""What was released as this version is what is built as this version, and there is a way from the one before."""
import pathlib
import re
import shutil
import subprocess
import tempfile

tree = pathlib.Path(__file__).resolve().parents[2]
version = re.search(r"^default_version *= *'(.*)'", (tree / "casesync.control").read_text(), re.M)[1]
extension = tree / "extension"
scripts = [extension / f"casesync--{version}.sql"]
scripts += [extension / f"casesync--{path.name}" for path in sorted((extension / "upgrade").glob(f"*--{version}.sql"))]
run = subprocess.run([tree / "test/check_released", *(str(path.relative_to(tree)) for path in scripts)],
                     capture_output=True, text=True)
missing = [path.name for path in scripts if not path.exists()]



def refusals():
    """What is said of scripts of an earlier version that were changed, or removed, after their release."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder)
        (copy / "test").mkdir()
        (copy / "extension/upgrade").mkdir(parents=True)
        shutil.copy(tree / "test/check_released", copy / "test")
        said = []
        for name in "1.0", "1.1":
            (copy / "casesync.control").write_text(f"default_version = '{name}'\n")
            (copy / "META.json").write_text(f'{{"version": "{name}"}}\n')
            (copy / "extension/upgrade/1.0--1.1.sql").write_text("")
            script = f"extension/casesync--{name}.sql"
            (copy / script).write_text(f"SELECT '{name}';\n")
            subprocess.run([copy / "test/check_released", "--freeze", script], check=True, capture_output=True)
        old = copy / "extension/released/casesync--1.0.sql"
        for change in (lambda: None), (lambda: old.write_text("SELECT 'changed';\n")), old.unlink:
            change()
            said.append(subprocess.run([copy / "test/check_released", script], capture_output=True, text=True).stderr)
        return said


def unnamed(script, read):
    """What applications read, a script alters, and its upgrade_begin() does not name: an application could wait in a circle with it."""
    altered = set(re.findall(r"^(?:ALTER TABLE(?: ONLY)?|(?:CREATE|DROP) (?:POLICY|TRIGGER) .* ON) casesync_internal\.(\w+)", script, re.M))
    named = re.search(r"upgrade_begin\((?:'\{([\w,]*)\}')?\)", script)
    return sorted(altered & read - set((named[1] or "").split(",")))


locks = (extension / "upgrade/upgrade.sql").read_text()
read = set(re.sub(r"'\s*'", "", re.search(r"relname = ANY \('\{(.*?)\}'\) AS is_read", locks, re.S)[1]).split(","))
circles = [f"{path.name}: {', '.join(tables)}" for path in sorted((extension / "upgrade").glob("*--*.sql"))
           if (tables := unnamed(path.read_text(), read))]
is_seen = unnamed("SELECT casesync_internal.upgrade_begin('{node}');\nALTER TABLE casesync_internal.tracking ADD x int;\n"
                  "ALTER TABLE casesync_internal.node ADD x int;\n", read) == ["tracking"]
untouched, changed, removed = refusals()
named = "extension/released/casesync--1.0.sql is not what was released"
print("1..4")
print(f"{'not ' if missing else ''}ok 1 - make builds the scripts of version {version}: {', '.join(missing)}")
print(f"{'not ' if run.returncode else ''}ok 2 - they are as they were released")
seen = not untouched and named in changed and named in removed
print(f"{'' if seen else 'not '}ok 3 - a script of an earlier version that was changed or removed is seen")
print(f"{'not ' if circles or not is_seen else ''}ok 4 - what applications read and an upgrade alters is named where it begins: {'; '.join(circles)}")
for line in (run.stdout + run.stderr).splitlines():
    print("#", line)
