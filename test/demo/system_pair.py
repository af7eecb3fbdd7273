"""Two systems side by side, as the demo and the desk need them: a social protection system (SP) and an employment
support system (ESS), each with an application, casesync and a bridge. Says what is done; shows nothing."""

import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from system import DemoError, System, stage, until


def start_applications(ess, sp, **variables):
    """Two databases with an application each, that know nothing of each other; few=1: with some hundred people."""
    for system in (sp, ess):
        system.start_cluster()
        system.load(f"{system.name}.sql", **variables)


def introduce(ess, sp):
    """casesync in both, each a partner and a client of the other; the ESS keeps the client it is at the SP."""
    for system in (sp, ess):
        system.make_key()
        system.write_config()
    for system, partner in ((sp, ess), (ess, sp)):
        system.load(f"{system.name}_casesync.sql", base_url=system.url, partner_url=partner.url,
                    partner_jwk=partner.public_key())
    sp.introduce_to(ess)
    ess.client = ess.introduce_to(sp)


def activate(ess, sp, *agreements):
    for system in (sp, ess):
        for agreement in agreements:
            system.do(f"SELECT casesync.activate('{agreement}');", role="officer")


def subscribe(system, partner, *news, reg_type="ESS"):
    """Over the wire, to (event type, record type); does not wait for the answer."""
    system.do("".join(f"SELECT casesync.subscribe_to('{partner.sender_id}', '{event}', '{record}', reg_type => '{reg_type}');"
                      for event, record in news))


def wait_for_subscriptions(system, count):
    until(f"{system.name}'s subscriptions to be active", lambda: system.value(
        "SELECT count(*) FROM casesync.my_subscriptions WHERE state = 'active'") == str(count))


def share_enrolments(ess, sp):
    """The subscriptions of the first day."""
    subscribe(sp, ess, ("enrolment", "Beneficiary"), ("enrolment_status_change", "Beneficiary"),
              ("enrolment_status_change", "Member"))
    subscribe(ess, sp, ("enrolment_status_change", "Beneficiary"), ("enrolment_status_change", "Member"), reg_type="Social")
    wait_for_subscriptions(sp, 3)
    wait_for_subscriptions(ess, 2)


def share_cases(ess, sp):
    """Case work in both, the SP on tables of its own, the ESS on the casework schema, shared both ways."""
    before = {system: int(system.value("SELECT count(*) FROM casesync.my_subscriptions")) for system in (sp, ess)}
    for system in (sp, ess):
        system.load(f"{system.name}_case.sql")
    activate(ess, sp, "CASES-SP-ESS", "CASES-ESS-SP")
    subscribe(sp, ess, ("plan_change", "Member"), ("referral", "Member"))
    subscribe(ess, sp, ("plan_change", "Member"), ("referral", "Member"), reg_type="Social")
    for system in (sp, ess):
        wait_for_subscriptions(system, before[system] + 2)


def wait_until_settled(ess, sp):
    """Nothing waits to be routed or sent in one system, or to be applied in the other; the ESS first,
    since what it sends may have consequences in the SP."""
    for system, other in ((ess, sp), (sp, ess)):
        until(f"{system.name}'s changes to be routed", lambda s=system: s.value(
            "SELECT casesync_internal.unrouted_since() IS NULL") == "t", 60)
        until(f"{system.name}'s queue to be empty", lambda s=system: s.value(
            "SELECT coalesce(sum(due), 0) FROM casesync.queue") == "0", 60)
        until(f"{other.name}'s inbox to be worked", lambda s=other: s.value(
            "SELECT count(*) FROM casesync.inbox WHERE state = 'new'") == "0", 60)


def stop_on_signal(number, _frame):
    raise SystemExit(128 + number)


def print_logs(systems):
    for system in systems:
        for log in ("bridge.log", "server.log"):
            if (system.folder / log).exists():
                lines = (system.folder / log).read_text(encoding="utf-8", errors="replace").splitlines()
                print(f"--- the end of {system.name}'s {log}\n" + "\n".join(lines[-15:]), file=sys.stderr)


def with_two_systems(name, use):
    """Calls use(ess, sp) and returns the program's exit code. Stops and removes all that was made, also when a
    signal ends it."""
    sys.stdout.reconfigure(errors="replace")    # a terminal may not know the letters of all names
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, stop_on_signal)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"casesync-{name}."))
    systems = []
    try:
        bindir = stage(folder)
        sp = System("sp", "sp.social.gov.xx", bindir, folder)
        systems.append(sp)
        ess = System("ess", "ess.labour.gov.xx", bindir, folder)
        systems.append(ess)
        use(ess, sp)
        return 0
    except DemoError as error:
        print(f"\nThe {name} failed: {error}", file=sys.stderr)
        print_logs(systems)
        return 1
    finally:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        for system in systems:
            system.stop()
        shutil.rmtree(folder, ignore_errors=True)
