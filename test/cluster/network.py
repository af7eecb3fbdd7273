"""Machines that are network namespaces: servers and bridges on one network, bridges and the partner on another. Needs no
root: enter() gives the caller a user namespace, in which he may make them. Knows nothing of what runs on a machine."""

import os
import pathlib
import signal
import subprocess
import sys
import time

INSIDE, CONSENSUS, OUTSIDE = "10.77.0", "10.78.0", "10.79.0"   # servers and bridges; etcd; bridges and partner
UNSHARE = ["unshare", "--user", "--map-current-user", "--keep-caps", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
ENTERED = "CLUSTER_ENTERED"


def ip(*words, machine=None):
    where = ["nsenter", f"--net=/proc/{machine.holder.pid}/ns/net"] if machine else []
    subprocess.run([*where, "ip", *words], check=True)


def enter():
    """Begins the program anew where machines can be made, and where nothing outlives it; returns there only."""
    if os.environ.pop(ENTERED, None) is None:
        probe = subprocess.run([*UNSHARE, "ip", "link", "add", "probe", "type", "bridge"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            sys.exit(f"cluster: this machine lets {os.environ.get('USER', 'this user')} make no network namespaces: {probe.stderr.strip()}\n"
                     "  see sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns")
        os.environ[ENTERED] = "yes"
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])
    worker = os.fork()
    if worker == 0:
        os.setsid()
        return
    # The first process of its namespace: all end with it, and it buries those whom nobody else does.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(worker, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == worker:
            os._exit(os.waitstatus_to_exitcode(status) & 255)


class Machine:
    def __init__(self, name, number, is_outside=False):
        self.name, self.processes = name, []
        self.address, self.consensus, self.outside = (f"{net}.{number}" for net in (INSIDE, CONSENSUS, OUTSIDE))
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        self.plug("inside", "eth0", self.address, self.consensus)
        if is_outside:
            self.plug("outside", "eth1", self.outside)
        ip("link", "set", "lo", "up", machine=self)

    def plug(self, network, port, *addresses):
        end = f"{self.name}-{port}"
        ip("link", "add", end, "type", "veth", "peer", "name", port, "netns", str(self.holder.pid))
        ip("link", "set", end, "master", network, "up")
        for address in addresses:
            ip("address", "add", f"{address}/24", "dev", port, machine=self)
        ip("link", "set", port, "up", machine=self)

    def launch(self, command, log):
        """Starts a program on the machine, without the rights that made it."""
        with open(log, "ab") as file:
            process = subprocess.Popen(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "setpriv", "--inh-caps=-all", "--ambient-caps=-all",
                                        *map(str, command)], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.processes.append(process)
        return process

    def end(self):
        for process in [*self.processes, self.holder]:
            process.kill()
            process.wait()


class Network:
    """inside, where servers and bridges are; island, for those who are cut off; outside, where the partner is."""

    def __init__(self):
        for name in ("inside", "island", "outside"):
            ip("link", "add", name, "type", "bridge")
            ip("link", "set", name, "up")
        ip("link", "set", "lo", "up")
        ip("address", "add", f"{INSIDE}.1/24", "dev", "inside")
        ip("address", "add", f"{OUTSIDE}.1/24", "dev", "outside")
        self.partner_address = f"{OUTSIDE}.1"

    @staticmethod
    def cut_off(*machines):
        """These see each other and the partner, and nobody else."""
        for machine in machines:
            ip("link", "set", f"{machine.name}-eth0", "master", "island")

    @staticmethod
    def heal(*machines):
        for machine in machines:
            ip("link", "set", f"{machine.name}-eth0", "master", "inside")

    @staticmethod
    def say_nothing(machine, *others, is_over=False):
        """What this one would tell these is lost on the way; the consensus is another network."""
        for other in others:
            ip("route", "delete" if is_over else "add", "blackhole", other.address, machine=machine)


def keep_in_memory(folder):
    """A file system of ours alone, for what is flushed all the time."""
    pathlib.Path(folder).mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700,size=512m", "tmpfs", folder], check=True)


def forget_memory(folder):
    subprocess.run(["umount", folder], check=True)
