"""scripts/bench.sh logs: a log of a gigabyte beside ripgrep and lnav, and a defmt stream beside defmt-print.

What it needs is made once and kept in target/bench (FIELDSCOPE_BENCH_DIR): the log by scripts/generate_log.py, the stream from the
frames of a fixture. A peer that is not installed is named and left out."""

import datetime
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.environ.get("FIELDSCOPE_BENCH_DIR") or os.path.join(ROOT, "target", "bench")
DEFMT = os.path.join(ROOT, "tests", "fixtures", "defmt", "cistern-rzcobs")
DEFMT_BYTES = 5_000_000
LITERAL, REGEX = "HardFault at", r"HardFault at 0x0800[0-9a-f]{4}"
GOAL_INDEX = 1 / 4
GOAL_FIRST_SCREEN, GOAL_RAW, GOAL_PLAIN, GOAL_DEFMT = 1 / 20, 1.1, 2.0, 1 / 3
GOAL_PRIVATE_MB = 300
GOAL_IMPORT_MB_A_CORE, GOAL_STORED, GOAL_SECOND = 200, 0.33, 1 / 10


def large_log(megabytes):
    path = os.path.join(HERE, f"log-{megabytes}.log")
    if not os.path.exists(path):
        print(f"  making {os.path.basename(path)}", flush=True)
        subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "generate_log.py"), path + ".part", str(megabytes)], check=True,
                       stdout=subprocess.DEVNULL)
        os.rename(path + ".part", path)
    return path


def defmt_stream():
    path = os.path.join(HERE, "defmt-rzcobs.bin")
    if not os.path.exists(path):
        with open(DEFMT + ".bin", "rb") as file:
            frames = file.read()
        with open(path + ".part", "wb") as file:
            for _ in range(DEFMT_BYTES // len(frames)):
                file.write(frames)
        os.rename(path + ".part", path)
    return path


class Ran:
    """A process that ended: seconds, what it wrote, the most private memory that was seen of it (kB)."""

    def __init__(self, command, stdin=None, keeps=True):
        self.private = 0
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=open(stdin, "rb") if stdin else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE if keeps else subprocess.DEVNULL, stderr=subprocess.PIPE)
        watcher = threading.Thread(target=self.watch, args=(process.pid,))
        watcher.start()
        self.out, error = process.communicate()
        self.took = time.perf_counter() - started
        watcher.join()
        # 1: nothing found, as grep has it.
        if process.returncode not in (0, 1):
            sys.exit(f"bench: {' '.join(command[:6])} .. ended with {process.returncode}: {error.decode(errors='replace')[-400:]}")

    def watch(self, pid):
        while True:
            try:
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                    lines = [line.split() for line in file if line.startswith(("RssAnon", "State"))]
            except OSError:
                return
            state = {line[0]: line[1] for line in lines}
            if state.get("State:", "Z") in "ZX":
                return
            self.private = max(self.private, int(state.get("RssAnon:", 0)))
            time.sleep(0.005)


def beside(title, n, ours, peer, goal, same=None):
    """Both n times, alternating, after one round that warms the page cache. True when the goal is missed."""
    names = list(ours) + list(peer)
    commands = {**ours, **peer}
    runs = {name: [] for name in names}
    for number in range(n + 1):
        for name in names:
            ran = Ran(*commands[name][:1], **commands[name][1])
            if number:
                runs[name].append(ran)
    print(f"{title}, {n} runs each")
    for name in names:
        times = [run.took for run in runs[name]]
        private = max(run.private for run in runs[name]) / 1000
        print(f"    {name:26} min {min(times) * 1e3:9.1f} ms   median {statistics.median(times) * 1e3:9.1f} ms   private {private:6.1f} MB")
    failed = False
    for name in ours:
        private = max(run.private for run in runs[name]) / 1000
        if private > GOAL_PRIVATE_MB:
            print(f"    {name}: {private:.0f} MB private; goal under {GOAL_PRIVATE_MB}: NOT REACHED")
            failed = True
        for other in peer:
            ratio = statistics.median(run.took for run in runs[name]) / statistics.median(run.took for run in runs[other])
            failed |= ratio > goal
            print(f"    {name} / {other}: {ratio:.3f}; goal at most {goal:.3g}: {'reached' if ratio <= goal else 'NOT REACHED'}")
            if same and not same(runs[name][0].out, runs[other][0].out):
                print(f"    {name} and {other} DIFFER in what they print")
                failed = True
    sys.stdout.flush()
    return failed


def glogg_index(glogg, log):
    """Seconds that glogg needs to index the lines, by the times of its own messages; how many lines it found."""
    command = [glogg, "-dddd", "-m", "-n", log]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
                               env=dict(os.environ, QT_QPA_PLATFORM="offscreen"))
    started = None
    try:
        for line in process.stderr:
            at = re.search(r"\d\d:\d\d:\d\d\.\d{3}", line)
            at = at and datetime.datetime.strptime(at[0], "%H:%M:%S.%f")
            if at and "FullIndexOperation" in line and started is None:
                started = at
            done = re.search(r"indexingFinished: 1, found (\d+) lines", line)
            if done and at and started:
                return (at - started).total_seconds() % 86400, int(done[1])
    finally:
        process.kill()
        process.wait()
    sys.exit("bench: glogg ended before its index was complete")


def indexed(n, program, log):
    glogg = shutil.which("glogg")
    if not glogg:
        print("glogg is not installed: not compared")
        return False
    ours, theirs, lines = [], [], set()
    for number in range(n + 1):
        ran = Ran([program, "logs", log, "--count"])
        took, n_lines = glogg_index(glogg, log)
        lines |= {int(ran.out), n_lines}
        if number:
            ours.append(ran.took)
            theirs.append(took)
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    ratio = ours / theirs
    print(f"where every line is, {n} runs each: fieldscope {ours * 1e3:.0f} ms with its start, glogg {theirs * 1e3:.0f} ms without; "
          f"{'same number of lines' if len(lines) == 1 else f'lines DIFFER: {lines}'}")
    print(f"    fieldscope / glogg: {ratio:.3f}; goal at most {GOAL_INDEX:.3g}: {'reached' if ratio <= GOAL_INDEX else 'NOT REACHED'}")
    return ratio > GOAL_INDEX or len(lines) > 1


def stored(n, program, log, rg):
    """The log in a workspace: how fast it gets there, how large it is, and a rare text in it."""
    workspace = os.path.join(HERE, "logs.fieldscope")
    megabytes = os.path.getsize(log) / 1e6

    def cpu():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    runs = []
    for _ in range(3):
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(workspace + ending):
                os.remove(workspace + ending)
        before = cpu()
        ran = Ran([program, "import", "--no-cache", "--workspace", workspace, log])
        runs.append((ran.took, cpu() - before, ran.private / 1000))
    took, seconds, private = (statistics.median(values) for values in zip(*runs))
    share = os.path.getsize(workspace) / 1e6 / megabytes
    a_core = megabytes / seconds
    print(f"import into a workspace, 3 runs: {took:.2f} s, {megabytes / took:.0f} MB/s; {seconds:.2f} s of processor time, {a_core:.0f} MB/s a core; "
          f"{share:.3f} of the size; private {private:.0f} MB")
    failed = False
    for what, value, goal, is_reached in (("MB/s a core", a_core, GOAL_IMPORT_MB_A_CORE, a_core >= GOAL_IMPORT_MB_A_CORE),
                                          ("of the size", share, GOAL_STORED, share <= GOAL_STORED),
                                          ("MB private", private, GOAL_PRIVATE_MB, private < GOAL_PRIVATE_MB)):
        print(f"    {value:.3g} {what}; goal {goal:g}: {'reached' if is_reached else 'NOT REACHED'}")
        failed |= not is_reached
    if rg:
        with open(log, "rb") as file:
            file.seek(-200, os.SEEK_END)
            number = file.read().splitlines()[-1].decode(errors="replace")[-32:]
        for what, text, goal in (("a rare text", LITERAL, GOAL_SECOND), ("a text that is there once and looks like many others", number, 1.1)):
            ours = [program, "logs", os.path.basename(log), "--capture", "1", "--workspace", workspace, "--fixed", text, "--raw"]
            peer = {"ripgrep": ([rg, "-a", "-N", "--no-filename", "--color", "never", "-F", "--", text, log], {})}
            failed |= beside(f"{what} in the workspace, beside the file", n, {"fieldscope": (ours, {})}, peer, goal,
                             lambda ours, theirs: ours == theirs)
    return failed


def logs(n, program):
    os.makedirs(HERE, exist_ok=True)
    megabytes = int(os.environ.get("FIELDSCOPE_BENCH_LOG_MB", "1000"))
    log = large_log(megabytes)
    print(f"{os.path.getsize(log) / 1e6:.0f} MB of text")

    def command(*words):
        return [program, "logs", log, *words], {}

    failed = False
    rg = shutil.which("rg")
    lnav = shutil.which("lnav")
    if lnav:
        # What lnav prints is the whole log; it has loaded it before.
        failed |= beside("the first 50 rows, beside lnav's load", 1, {"first rows": command("--head", "50")},
                         {"lnav": ([lnav, "-n", "-c", ":filter-in HardFault", log], {})}, GOAL_FIRST_SCREEN)
    else:
        print("lnav is not installed: not compared")
    beside("every row counted, and every row decoded", max(n // 4, 1), {"rows": command("--count"), "levels": command("--count", "--level", "warn")}, {}, 0)
    failed |= indexed(max(n // 4, 1), program, log)
    if rg:
        for what, pattern, flag, theirs in (("a literal", LITERAL, "--fixed", ["-F"]), ("a regular expression", REGEX, "--grep", [])):
            peer = {"ripgrep": ([rg, "-a", "-N", "--no-filename", "--color", "never", *theirs, "--", pattern, log], {})}
            failed |= beside(f"{what}, bytes as they are", n, {"fieldscope --raw": command(flag, pattern, "--raw")}, peer, GOAL_RAW,
                             lambda ours, theirs: ours == theirs)
            failed |= beside(f"{what}, escapes taken out", n, {"fieldscope": command(flag, pattern)}, peer, GOAL_PLAIN)
    else:
        print("ripgrep is not installed: not compared")
    failed |= stored(n, program, log, rg)
    stream = defmt_stream()
    print(f"{os.path.getsize(stream) / 1e6:.0f} MB of defmt (rzcobs)")
    ours = {"fieldscope": ([program, "logs", stream, "--elf", DEFMT + ".elf", "--format", "defmt-rzcobs"], {"keeps": False})}
    defmt_print = os.environ.get("DEFMT_PRINT") or shutil.which("defmt-print")
    if defmt_print:
        failed |= beside("all frames", 1, ours, {"defmt-print": ([defmt_print, "-e", DEFMT + ".elf"], {"stdin": stream, "keeps": False})}, GOAL_DEFMT)
    else:
        print("defmt-print is not installed (cargo install defmt-print; DEFMT_PRINT names it): not compared")
        beside("all frames", max(n // 4, 1), ours, {}, 0)
    return failed
