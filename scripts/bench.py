"""The measurements of scripts/bench.sh. Whole processes by the wall clock, alternating, so that a busy machine slows all alike."""

import glob
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import bench_charts  # noqa: E402
import bench_import  # noqa: E402
import bench_live  # noqa: E402
import bench_logs  # noqa: E402
import bench_metrics  # noqa: E402
import bench_symbols  # noqa: E402
import bench_links  # noqa: E402
import bench_uart  # noqa: E402
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
GOAL_FIRST_FRAME, GOAL_FRAME_MS = 1.5, 16.0
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


def frames_of(command, environment, log, until, patience=120.0):
    """Runs a window until its frame log satisfies `until`; answers (seconds to the first frame, the log's records)."""
    environment = dict(environment, FIELDSCOPE_FRAME_LOG=log)
    if os.path.exists(log):
        os.remove(log)
    started = time.time_ns()
    window = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up = time.time() + patience
        while time.time() < give_up:
            time.sleep(0.02)
            if window.poll() is not None:
                sys.exit(f"bench: {command[0]} ended with {window.returncode} before it drew anything")
            if not os.path.exists(log):
                continue
            with open(log, encoding="utf-8") as file:
                lines = file.read().split("\n")[:-1]
            records = [json.loads(line) for line in lines]
            shown = [record["unix_ns"] for record in records if record["event"] == "shown"]
            if shown and until(records):
                return (shown[0] - started) / 1e9, records
        sys.exit(f"bench: {command[0]} was not done within {patience:.0f} s")
    finally:
        window.kill()
        window.wait()


def window(n):
    """First frame against an empty eframe window; and the longest frame while an import runs."""
    if not os.environ.get("DISPLAY"):
        os.execvp("xvfb-run", ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, *sys.argv])
    empty = os.path.join(os.path.dirname(FIELDSCOPE), "examples", "empty_window")
    demo = os.path.join(ROOT, "sample-data", "demo-bundle.zip")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, FIELDSCOPE_CACHE=os.path.join(folder, "cache"), XDG_DATA_HOME=os.path.join(folder, "data"), XDG_RUNTIME_DIR=folder)
        workspace, log = os.path.join(folder, "demo.fieldscope"), os.path.join(folder, "frames")
        timed([FIELDSCOPE, "import", demo, "--workspace", workspace], environment)
        times = {"empty eframe window": [], "fieldscope, demo workspace open": []}
        for round_number in range(n + 1):
            for name, command in zip(times, ([empty], [FIELDSCOPE, "--workspace", workspace])):
                took, _ = frames_of(command, environment, log, lambda records: True)
                if round_number:
                    times[name].append(took)
        print(f"start to first frame on screen, {n} runs each")
        for name, values in times.items():
            report(name, values)
        baseline, ours = times.values()
        ratio = statistics.median(ours) / statistics.median(baseline)
        failed |= ratio > GOAL_FIRST_FRAME
        print(f"  fieldscope / empty: {ratio:.2f} (median), {min(ours) / min(baseline):.2f} (min); goal at most {GOAL_FIRST_FRAME:g}: "
              f"{'reached' if ratio <= GOAL_FIRST_FRAME else 'MISSED'}")

        # Many captures with several crashes each, no two alike.
        overnight = os.path.join(folder, "overnight")
        os.mkdir(overnight)
        with zipfile.ZipFile(demo) as bundle:
            for name in bundle.namelist():
                if name.endswith(".elf"):
                    with open(os.path.join(overnight, os.path.basename(name)), "wb") as file:
                        file.write(bundle.read(name))
                elif name.endswith(".log"):
                    for rig in range(40):
                        with open(os.path.join(overnight, f"rig{rig}-{name.replace('/', '-')}"), "wb") as file:
                            file.write(f"rig {rig}\n".encode() + bundle.read(name))
        for path in glob.glob(workspace + "*"):
            os.remove(path)
        _, records = frames_of([FIELDSCOPE, "--workspace", workspace, overnight], environment, log, lambda records: records[-1]["event"] == "still" or any(
            record["event"] == "still" for record in records))
        busy = [record for record in records if record["event"] == "frame" and record["busy"]]
        last = busy[-1]["frame"] if busy else 0
        whole = [record["thread_us"] for record in records if record["event"] == "between" and 1 < record["frame"] <= last]
        ours = [record["cpu_us"] for record in busy if record["frame"] > 1]
        if not ours or not whole:
            sys.exit("bench: the import was over before a frame was drawn")
        longest = max(ours) / 1e3
        failed |= longest > GOAL_FRAME_MS
        print(f"import of 80 logs with several crashes each, {len(ours)} frames drawn meanwhile; processor time of the window's thread")
        print(f"  our part of a frame                median {statistics.median(ours) / 1e3:8.2f} ms   longest {longest:8.2f} ms; "
              f"goal at most {GOAL_FRAME_MS:g} ms: {'reached' if longest <= GOAL_FRAME_MS else 'MISSED'}")
        print(f"  with tessellation and OpenGL       median {statistics.median(whole) / 1e3:8.2f} ms   longest {max(whole) / 1e3:8.2f} ms")
    return failed


def charts(_n):
    return bench_charts.charts(FIELDSCOPE)


def rows(_n):
    return bench_live.rows(FIELDSCOPE)


def links(seconds):
    return bench_links.links(seconds, FIELDSCOPE)


def uart(seconds):
    return bench_uart.uart(seconds, FIELDSCOPE)


def follow(seconds):
    return bench_live.follow(seconds, FIELDSCOPE, frames_of, GOAL_FRAME_MS)


def live(seconds):
    failed = uart(seconds)
    return links(seconds) or failed


def symbols(n):
    return bench_symbols.symbols(n, FIELDSCOPE)


def logs(n):
    return bench_logs.logs(n, FIELDSCOPE)


def metrics(n):
    return bench_metrics.metrics(n, FIELDSCOPE)


def imports(n):
    return bench_import.imports(n, FIELDSCOPE)


STAGES = {"charts": charts, "crash": crash, "import": imports, "links": links, "follow": follow, "live": live, "logs": logs, "metrics": metrics, "rows": rows, "symbolize": symbolize, "symbols": symbols, "uart": uart, "window": window}
sys.exit(1 if STAGES[sys.argv[1]](int(sys.argv[2])) else 0)
