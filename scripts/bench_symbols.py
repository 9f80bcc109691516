"""scripts/bench.sh symbols: names for 1, 10,000 and 1,000,000 addresses beside binutils' addr2line, llvm-symbolizer and
gimli's addr2line, on an ELF of about 10 MB and one of several hundred MB; and whether all say the same.

What it needs is made once and kept in target/bench (FIELDSCOPE_BENCH_DIR): gimli's addr2line from crates.io, SQLite and
zstd built by gcc -O2 -g (C, some 40 units), and Fieldscope itself, rustc's full debug information (Rust
and C, some 10,000 units)."""

import glob
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.environ.get("FIELDSCOPE_BENCH_DIR") or os.path.join(ROOT, "target", "bench")
GOAL_INDEXED, GOAL_FIRST = 1 / 5, 1.0
COMPARED = 10_000
# So many addresses are asked for one at a time.
SINGLE = 25
SHOWN = 5


def sources(pattern):
    home = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    found = sorted(glob.glob(os.path.join(home, "registry", "src", "*", pattern)))
    return found[-1] if found else sys.exit(f"bench: {pattern} is not in Cargo's registry: cargo fetch")


def run(command, **options):
    print(f"  making: {' '.join(command[:6])} ..", flush=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def gimli_addr2line():
    program = os.path.join(HERE, "peers", "bin", "addr2line")
    if not os.path.exists(program):
        run(["cargo", "install", "addr2line", "--features", "bin", "--root", os.path.join(HERE, "peers")])
    return program


def small_elf():
    elf = os.path.join(HERE, "small.elf")
    if not os.path.exists(elf):
        folder = os.path.join(HERE, "small")
        os.makedirs(folder, exist_ok=True)
        sqlite, zstd = sources("libsqlite3-sys-*/sqlite3/sqlite3.c"), sources("zstd-sys-*/zstd/lib")
        files = [sqlite] + sorted(glob.glob(os.path.join(zstd, "*", "*.c")))
        flags = ["-O2", "-g", "-fPIC", "-DSQLITE_ENABLE_FTS5", "-DSQLITE_ENABLE_RTREE", "-DZSTD_DISABLE_ASM", f"-I{zstd}"]
        objects = []
        for number, source in enumerate(files):
            objects.append(os.path.join(folder, f"{number}.o"))
            run(["gcc", *flags, "-c", source, "-o", objects[-1]])
        # Moved into its place when it is whole.
        run(["gcc", "-shared", "-Wl,--build-id=sha1", *objects, "-lm", "-lpthread", "-o", elf + ".part"])
        os.rename(elf + ".part", elf)
    return elf


def large_elf():
    elf = os.path.join(HERE, "large.elf")
    if not os.path.exists(elf):
        target = os.path.join(HERE, "large")
        run(["cargo", "build", "--bin", "fieldscope"], cwd=ROOT,
            env=dict(os.environ, CARGO_TARGET_DIR=target, CARGO_PROFILE_DEV_DEBUG="2", RUSTFLAGS="-Clink-arg=-Wl,--build-id=sha1"))
        shutil.copy(os.path.join(target, "debug", "fieldscope"), elf + ".part")
        os.rename(elf + ".part", elf)
        shutil.rmtree(target)
    return elf


def addresses_of(elf, n):
    """Seeded addresses inside .text."""
    for line in subprocess.run(["readelf", "-SW", elf], capture_output=True, text=True, check=True).stdout.splitlines():
        fields = line.replace("[ ", "[").split()
        if len(fields) > 6 and fields[1] == ".text":
            start, size = int(fields[3], 16), int(fields[5], 16)
            chance = random.Random(20261123)
            return [start + chance.randrange(size) for _ in range(n)]
    sys.exit(f"bench: {elf} has no .text")


def timed(command, text, environment=None):
    """Seconds from the start of a process to its end. posix_spawn: what starts the process costs as little as can be."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as errors, open(os.devnull, "wb") as nothing:
        asked.write(text)
        asked.flush()
        asked.seek(0)
        streams = [(os.POSIX_SPAWN_DUP2, file.fileno(), number) for number, file in enumerate((asked, nothing, errors))]
        started = time.perf_counter()
        process = os.posix_spawnp(command[0], command, environment or os.environ, file_actions=streams)
        _, status = os.waitpid(process, 0)
        took = time.perf_counter() - started
        if status != 0:
            errors.seek(0)
            sys.exit(f"bench: {' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}: {errors.read().decode(errors='replace')[-400:]}")
    return took


def answered(command, text, environment, n_lines):
    """Seconds until the whole answer is there, and until the process has ended (it writes the index after the answer)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    process.stdin.write(text)
    process.stdin.close()
    for _ in range(n_lines):
        process.stdout.readline()
    told = time.perf_counter() - started
    process.stdout.read()
    process.wait()
    return told, time.perf_counter() - started


def plain(name):
    """A function's own name. Where it is (its path), what it is an instance of (its generic arguments) and the linker's
    marks for copies of it are written in as many ways as there are tools: `sort<u8, F>` in the debug information is
    `core::slice::sort::stable::drift::sort::h0123456789abcdef` in the symbol table."""
    name = name or "??"
    for written, meant in (("$LT$", "<"), ("$GT$", ">"), ("$u20$", " "), ("$RF$", "&"), ("$BP$", "*"), ("$C$", ","), ("$u7b$", "{"), ("$u7d$", "}"), ("..", "::")):
        name = name.replace(written, meant)
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    name = re.sub(r"(\.(part|constprop|isra|cold|lto_priv|llvm)(\.\d+)*)+$", "", name)
    name = re.sub(r"\{\{vtable[._]shim\}\}$", "", name)
    name = re.sub(r"\{+(async_block|async_closure|async_fn|closure)(_env)?(#\d+)?\}+", "{closure}", name)
    while re.search(r"<[^<>]*>", name.replace("->", "  ")):
        name = re.sub(r"<[^<>]*>", "", name.replace("->", "  "))
    return name.split("::")[-1].strip("_ ") or "??"


def parts(path):
    return [part for part in os.path.normpath(path or "??").split("/") if part not in ("", ".", "..")]


def same_file(ours, theirs):
    """Ours is as the compiler was told, theirs has the folder of compilation before it."""
    ours, theirs = parts(ours), parts(theirs)
    return theirs[-len(ours):] == ours or ours[-len(theirs):] == theirs


def frames_by_peer(command, text, n):
    """Output of `-a -f -i`: an address, then a line of the name and a line of the place for each frame."""
    out = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(errors="replace")
    answers, lines = [], out.split("\n")
    at = 0
    while at < len(lines) and len(answers) < n:
        if not re.fullmatch(r"0x[0-9a-fA-F]+", lines[at]):
            at += 1
            continue
        frames, at = [], at + 1
        while at + 1 < len(lines) and lines[at] and not re.fullmatch(r"0x[0-9a-fA-F]+", lines[at]):
            place = re.sub(r" \(discriminator \d+\)$", "", lines[at + 1])
            place = re.match(r"(.*?):(\d+|\?)(:\d+)?$", place)
            file, line = (place.group(1), place.group(2)) if place else ("??", "?")
            frames.append((plain(lines[at]), file, 0 if line == "?" else int(line)))
            at += 2
        answers.append([frame for frame in frames if frame != ("??", "??", 0)])
    return answers


def frames_by_us(command, text, addresses):
    """No line for an address means that nothing is known of it."""
    out = subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True).stdout.decode()
    known = {}
    for line in out.splitlines():
        answer = json.loads(line)
        known[int(answer["address"], 16)] = [
            (plain(frame["qualified"] or frame["function"]), frame["file"] or "??", frame["line"] or 0) for frame in answer["frames"]]
    return [known.get(address, []) for address in addresses]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and a[2] == b[2] and same_file(a[1], b[1]) for a, b in zip(ours, theirs))


def lines_by_gdb(elf, addresses):
    """{address: innermost line} as gdb has it."""
    if not addresses or not shutil.which("gdb"):
        return {}
    questions = [word for address in addresses[:500] for word in ("-ex", f"info line *0x{address:x}")]
    out = subprocess.run(["gdb", "-nx", "-batch", *questions, elf], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode(errors="replace")
    lines = re.findall(r"^(?:Line (\d+) of|No line number information)", out, re.M)
    return {address: int(line) if line else 0 for address, line in zip(addresses, lines)}


def compare(elf, addresses, peers, ours):
    text = "".join(f"0x{address:x}\n" for address in addresses).encode()
    mine = frames_by_us(ours, text, addresses)
    theirs = {name: frames_by_peer(command, text, len(addresses)) for name, command in peers.items()}
    n = len(addresses)
    for name, answers in theirs.items():
        if len(answers) != n:
            print(f"  {name} gave {len(answers)} answers for {n} addresses")
        print(f"  the same as {name:22} {sum(map(same, mine, answers)):6} of {n}")
    votes = list(zip(mine, *theirs.values()))
    alone = [(address, vote) for address, vote in zip(addresses, votes) if not any(same(vote[0], other) for other in vote[1:])]
    against = [(address, vote) for address, vote in alone if any(
        vote[a] and same(vote[a], vote[b]) for a in range(1, len(vote)) for b in range(a + 1, len(vote)))]
    split = sum(any(not same(vote[a], vote[b]) for a in range(1, len(vote)) for b in range(a + 1, len(vote))) for vote in votes)
    print(f"  the peers differ among themselves at {split}; we agree with one of them at least at {n - len(alone)}, "
          f"with none at {len(alone)}, two of them agree against us at {len(against)}")
    gdb = lines_by_gdb(elf, [address for address, _ in against])
    n_gdb = sum(bool(vote[0]) and gdb.get(address) == vote[0][0][2] for address, vote in against)
    print(f"  tie-break: at these {len(against)}, gdb names our line at {n_gdb} (of several rows of the line table at one address the last that "
          f"begins a statement counts; the peers take the last one)")
    against = [(address, vote) for address, vote in against if not vote[0] or gdb.get(address) != vote[0][0][2]]
    for address, vote in (against or alone)[:SHOWN]:
        print(f"    0x{address:x}")
        for name, frames in zip(["fieldscope", *theirs], vote):
            print(f"      {name:22} {' < '.join(f'{f[0]} {os.path.basename(f[1])}:{f[2]}' for f in frames) or '??'}")
    return len(against)


def together(commands, text, environment, runs):
    """{name: seconds}, the median of runs of all addresses."""
    times = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(timed(command, text, environment))
    n_addresses = text.count(b"\n")
    print(f"  {n_addresses} addresses, {runs} runs each")
    for name, values in times.items():
        print(f"    {name:26} min {min(values) * 1e3:9.1f} ms   median {statistics.median(values) * 1e3:9.1f} ms")
    return {name: statistics.median(values) for name, values in times.items()}


def one_by_one(commands, addresses, environment, runs):
    """{name: seconds}: each address is a process of its own; the median of its runs, and the mean of all addresses. What one
    address costs a peer depends on the unit it lies in, so one alone says little."""
    medians = {name: [] for name in commands}
    for address in addresses:
        text = f"0x{address:x}\n".encode()
        times = {name: [timed(command, text, environment) for _ in range(runs)] for name, command in commands.items()}
        for name, values in times.items():
            medians[name].append(statistics.median(values))
    print(f"  1 address, {len(addresses)} of them, {runs} runs each")
    for name, values in medians.items():
        print(f"    {name:26} least {min(values) * 1e3:7.1f} ms   mean {statistics.mean(values) * 1e3:7.1f} ms   most {max(values) * 1e3:7.1f} ms")
    ours = medians["fieldscope, indexed"]
    peers = [values for name, values in medians.items() if not name.startswith("fieldscope")]
    ratios = sorted(our / min(theirs) for our, *theirs in zip(ours, *peers))
    print(f"    fieldscope, indexed / the best peer at each: {ratios[0]:.2f} to {ratios[-1]:.2f}, median {statistics.median(ratios):.2f}")
    return {name: statistics.mean(values) for name, values in medians.items()}


def symbols(n, program):
    os.makedirs(HERE, exist_ok=True)
    gimli = gimli_addr2line()
    llvm = shutil.which("llvm-symbolizer") or sys.exit("bench: no llvm-symbolizer")
    binutils = shutil.which("addr2line") or sys.exit("bench: no addr2line (binutils)")
    failed = False
    for label, elf in (("small", small_elf()), ("large", large_elf())):
        print(f"{label} ELF, {os.path.getsize(elf) / 1e6:.0f} MB", flush=True)
        with tempfile.TemporaryDirectory() as cache:
            environment = dict(os.environ, FIELDSCOPE_CACHE=cache)
            ours = [program, "symbolize", "--elf", elf]
            for count in (1, 10_000, 1_000_000):
                addresses = addresses_of(elf, count)
                text = "".join(f"0x{address:x}\n" for address in addresses).encode()
                commands = {"gimli addr2line": [gimli, "-e", elf, "-afiC"], "llvm-symbolizer": [llvm, "-e", elf, "-afiC"]}
                if count == 1 or (label, count) == ("small", 10_000):
                    commands["binutils addr2line"] = [binutils, "-e", elf, "-afiC"]
                commands["fieldscope, first sight"] = ours + ["--no-cache"]
                commands["fieldscope, indexed"] = ours
                runs = {1: max(n // 4, 3), 10_000: max(n // 4, 3), 1_000_000: 2}[count]
                if count == 1:
                    for path in os.listdir(cache):
                        os.remove(os.path.join(cache, path))
                    told, ended = answered(ours, text, environment, 1)
                    sizes = [os.path.getsize(os.path.join(cache, path)) for path in os.listdir(cache)]
                    print(f"  first call: answered after {told * 1e3:.1f} ms, index of {sum(sizes) / 1e6:.1f} MB written after {ended * 1e3:.0f} ms")
                timed(ours, text, environment)
                if count == 1:
                    middle = one_by_one(commands, addresses_of(elf, SINGLE), environment, runs)
                else:
                    middle = together(commands, text, environment, runs)
                peers = {name: took for name, took in middle.items() if not name.startswith("fieldscope")}
                best = min(peers, key=peers.get)
                for name, peer, goal in (("fieldscope, indexed", best, GOAL_INDEXED), ("fieldscope, first sight", "gimli addr2line", GOAL_FIRST)):
                    ratio = middle[name] / middle[peer]
                    failed |= ratio > goal
                    print(f"    {name} / {peer}: {ratio:.3f}; goal at most {goal:g}: {'reached' if ratio <= goal else 'NOT REACHED'}", flush=True)
            addresses = addresses_of(elf, COMPARED)
            peers = {"gimli addr2line": [gimli, "-e", elf, "-afiC"], "llvm-symbolizer": [llvm, "-e", elf, "-afiC"]}
            if label == "small":
                peers["binutils addr2line"] = [binutils, "-e", elf, "-afiC"]
            compare(elf, addresses, peers, ours + ["--json"] + (["--no-cache"] if os.environ.get("FIRST") else []))
    return failed
