#!/usr/bin/python3
"""What was released as this version is what is built as this version, and there is a way from the one before."""
import pathlib
import re
import subprocess

tree = pathlib.Path(__file__).resolve().parents[2]
version = re.search(r"^default_version *= *'(.*)'", (tree / "casesync.control").read_text(), re.M)[1]
extension = tree / "extension"
scripts = [extension / f"casesync--{version}.sql"]
scripts += [extension / f"casesync--{path.name}" for path in sorted((extension / "upgrade").glob(f"*--{version}.sql"))]
run = subprocess.run([tree / "test/check_released", *(str(path.relative_to(tree)) for path in scripts)],
                     capture_output=True, text=True)
missing = [path.name for path in scripts if not path.exists()]

print("1..2")
print(f"{'not ' if missing else ''}ok 1 - make builds the scripts of version {version}: {', '.join(missing)}")
print(f"{'not ' if run.returncode else ''}ok 2 - they are as they were released")
for line in (run.stdout + run.stderr).splitlines():
    print("#", line)
