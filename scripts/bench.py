"""The measurements of scripts/bench.sh. Whole processes by the wall clock, alternating, so that a busy machine slows all alike."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import oracle  # noqa: E402

FIELDSCOPE = os.environ["FIELDSCOPE"]
FIXTURES = os.path.join(ROOT, "tests", "fixtures")
# (ELF, core, the core with one thread a task that gdb needs)
CORES = [
    ("qemu-freertos/an386.elf", "qemu-freertos/an386-1.core", "qemu-freertos/an386-1.core.mt"),
    ("sample/brook-an386-cc.elf", "sample/brook-an386-cc-bad-pointer.core", "sample/brook-an386-cc-bad-pointer.core.mt"),
    ("qemu-bare/an386.elf", "qemu-bare/an386-1.core", "qemu-bare/an386-1.core"),
]
GOAL_FIRST, GOAL_CACHED = 5.0, 10.0
BOGUS_END = "previous frame identical to this frame (corrupt stack?)"


def timed(command, environment, stdin=None):
    started = time.perf_counter()
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, input=stdin)
    took = time.perf_counter() - started
    if run.returncode not in (0, 3):
        sys.exit(f"bench: {' '.join(command[:6])}.. ended with {run.returncode}: {run.stderr.decode()[-400:]}")
    return took, run.stdout


def report(name, times):
    print(f"  {name:34} min {min(times) * 1e3:8.1f} ms   median {statistics.median(times) * 1e3:8.1f} ms")


def alternate(commands, n, environment):
    """{name: (command, stdin)} -> {name: [seconds]}; one unmeasured round first warms the page cache."""
    times = {name: [] for name in commands}
    for round_number in range(n + 1):
        for name, (command, stdin) in commands.items():
            took, _ = timed(command, environment, stdin)
            if round_number:
                times[name].append(took)
    return times


def gdb_frames(elf, core):
    """Functions of every thread by gdb, without the frame it makes up at a task's end; and how many it made up."""
    chains, bogus = [], 0
    for thread in oracle.ask(elf, core)["threads"]:
        names = [frame["function"] for frame in thread["frames"]]
        if thread["stop"] == BOGUS_END:
            names.pop()
            bogus += 1
        chains.append(names)
    return sorted(chains), bogus


def crash(n):
    failed = False
    for elf, core, many in CORES:
        elf, core, many = (os.path.join(FIXTURES, path) for path in (elf, core, many))
        with tempfile.TemporaryDirectory() as cache:
            environment = dict(os.environ, FIELDSCOPE_CACHE=cache)
            ours = [FIELDSCOPE, "backtrace", core, "--elf", elf, "--locals", "--json"]
            gdb = ["gdb-multiarch", "-nx", "-batch", "-ex", "set pagination off", "-ex", "thread apply all bt full", elf, many]
            print(f"{os.path.relpath(core, FIXTURES)}, {n} runs each")
            _, out = timed(ours, environment)  # fills the cache
            times = alternate({"gdb": (gdb, None), "fieldscope --no-cache": (ours + ["--no-cache"], None), "fieldscope": (ours, None)}, n, environment)
            for name, values in times.items():
                report(name, values)
            for name, goal in (("fieldscope --no-cache", GOAL_FIRST), ("fieldscope", GOAL_CACHED)):
                ratio_min = min(times["gdb"]) / min(times[name])
                ratio = statistics.median(times["gdb"]) / statistics.median(times[name])
                reached = ratio >= goal
                failed |= not reached
                print(f"  gdb / {name}: {ratio:.1f} (median), {ratio_min:.1f} (min); goal {goal:g}: {'reached' if reached else 'MISSED'}")
            chains = sorted([frame["function"] for frame in thread["frames"]] for thread in json.loads(out)["threads"])
            theirs, bogus = gdb_frames(elf, many)
            same = chains == theirs
            failed |= not same
            print(f"  frames: fieldscope {sum(map(len, chains))} in {len(chains)} threads, gdb {sum(map(len, theirs))} in {len(theirs)}"
                  f" (and {bogus} made up at the ends): {'the same' if same else 'DIFFERENT'}")
            if not same:
                for ours_chain, their_chain in zip(chains, theirs):
                    if ours_chain != their_chain:
                        print(f"    fieldscope {ours_chain}\n    gdb        {their_chain}")
    return failed


def addresses_of(elf, n):
    """Seeded addresses inside the functions of an ELF."""
    functions = []
    for line in subprocess.run(["nm", "-S", elf], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[2] in "tTwW":
            functions.append((int(fields[0], 16) & ~1, int(fields[1], 16)))
    chance = random.Random(20261123)
    return [start + chance.randrange(0, max(size, 2)) // 2 * 2 for start, size in (chance.choice(functions) for _ in range(n))]


def symbolize(n):
    addr2line = shutil.which("arm-none-eabi-addr2line") or shutil.which("addr2line") or sys.exit("bench: no addr2line (binutils)")
    elf = os.path.join(FIXTURES, "qemu-freertos/an386.elf")
    with tempfile.TemporaryDirectory() as cache:
        environment = dict(os.environ, FIELDSCOPE_CACHE=cache)
        for count in (1, 10_000):
            text = "".join(f"0x{address:08x}\n" for address in addresses_of(elf, count)).encode()
            ours = [FIELDSCOPE, "symbolize", "--elf", elf, "--json"]
            timed(ours, environment, text)
            times = alternate({"addr2line": ([addr2line, "-fiCae", elf], text), "fieldscope --no-cache": (ours + ["--no-cache"], text),
                               "fieldscope": (ours, text)}, n, environment)
            print(f"{count} address{'es' if count > 1 else ''} of {os.path.relpath(elf, FIXTURES)}, {n} runs each")
            for name, values in times.items():
                report(name, values)
    return False


sys.exit(1 if {"crash": crash, "symbolize": symbolize}[sys.argv[1]](int(sys.argv[2])) else 0)
