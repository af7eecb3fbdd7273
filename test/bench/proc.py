"""What the kernel tells of processes: their processor time and memory."""

import os
import pathlib

TICK = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """The fields of /proc/PID/stat behind the name, which may hold blanks; none once it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def run_nanoseconds(pid):
    """What all threads of a process have run; ticks are too coarse for a few seconds of work."""
    try:
        return sum(int((thread / "schedstat").read_text(encoding="ascii").split()[0]) for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


def cpu_seconds(pids):
    """What living processes have used so far, together."""
    return sum(map(run_nanoseconds, pids)) / 1e9


def children_cpu_seconds(pid):
    """What those children of it used that have ended and were waited for."""
    fields = stat(pid)
    return (int(fields[13]) + int(fields[14])) / TICK


def children(pid, title):
    """Its children whose command line begins so."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        fields = stat(entry)
        if fields and fields[1] == str(pid):
            try:
                command = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith(title.encode()):
                found.append(int(entry))
    return found


def memory_peak_mb(pid):
    for row in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if row.startswith("VmHWM:"):
            return int(row.split()[1]) / 1024
    raise OSError(f"the kernel tells no peak of process {pid}")
