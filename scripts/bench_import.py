"""scripts/bench.sh import: 1,000 coredumps of 10 builds imported into a fresh workspace, symbolized and grouped.

The builds are five firmwares of the fixtures, each twice with a build id of its own; the dumps are their cores, each
with other scratch registers and another word on the stack, so that no two are the same crash."""

import collections
import glob
import json
import os
import random
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIXTURES = os.path.join(ROOT, "tests", "fixtures")
FIRMWARES = ["sample/brook-an386", "sample/brook-an386-cc", "sample/brook-an505", "sample/hearth-f405", "qemu-freertos/an386"]
VARIANTS = 2
DUMPS = 1000
GOAL = 200.0
NT_PRSTATUS = 1
NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"


def headers(core):
    """(type, offset, address, size in the file) of each segment of a 32-bit ELF."""
    offset, = struct.unpack_from("<I", core, 28)
    count, = struct.unpack_from("<H", core, 44)
    return [(h[0], h[1], h[2], h[4]) for h in (struct.unpack_from("<8I", core, offset + 32 * i) for i in range(count))]


def notes(core):
    """(type, offset of the contents, their length) of each note."""
    for kind, offset, _, size in headers(core):
        at, end = offset, offset + size
        while kind == 4 and at + 12 <= end:
            name_len, desc_len, note = struct.unpack_from("<3I", core, at)
            desc = at + 12 + (name_len + 3) // 4 * 4
            yield note, desc, desc_len
            at = desc + (desc_len + 3) // 4 * 4


def build_id(elf):
    at = elf.index(NOTE) + len(NOTE)
    return elf[at:at + 20]


def with_build_id(core, note, address):
    """The core with one more segment: the note as the device has it in its flash."""
    table = [struct.pack("<8I", *struct.unpack_from("<8I", core, struct.unpack_from("<I", core, 28)[0] + 32 * i)) for i in range(len(headers(core)))]
    table.append(struct.pack("<8I", 1, len(core), address, address, len(note), len(note), 4, 4))
    core = bytearray(core + note)
    struct.pack_into("<I", core, 28, len(core))
    struct.pack_into("<H", core, 44, len(table))
    return bytes(core) + b"".join(table)


def address_of(elf, offset):
    """Where a byte of the file is on the device."""
    for kind, at, address, size in headers(elf):
        if kind == 1 and at <= offset < at + size:
            return address + offset - at
    sys.exit("bench: the build id of an ELF is not on the device")


def perturbed(core, chance, number):
    core = bytearray(core)
    for note, at, _ in notes(core):
        if note == NT_PRSTATUS:
            # r0 to r3 and r12: scratch in a function that faulted, unless the fault is about them.
            for register in (2, 3, 12):
                struct.pack_into("<I", core, at + 72 + 4 * register, chance.getrandbits(32))
            break
    # The last words of the largest segment: the far end of the RAM.
    _, offset, _, size = max((h for h in headers(core) if h[0] == 1), key=lambda h: h[3])
    struct.pack_into("<II", core, offset + size - 8, number, chance.getrandbits(32))
    return bytes(core)


def generate(folder, n=DUMPS):
    chance = random.Random(20261123)
    dumps, symbols = os.path.join(folder, "dumps"), os.path.join(folder, "symbols")
    os.makedirs(dumps)
    os.makedirs(symbols)
    builds = []
    for firmware in FIRMWARES:
        with open(os.path.join(FIXTURES, firmware + ".elf"), "rb") as file:
            elf = file.read()
        cores = []
        for path in sorted(glob.glob(os.path.join(FIXTURES, firmware + "-*.core"))):
            # brook-an386-cc-float.core belongs to brook-an386-cc.
            if not any(other != firmware and other.startswith(firmware) and path.startswith(os.path.join(FIXTURES, other + "-")) for other in FIRMWARES):
                with open(path, "rb") as file:
                    cores.append(file.read())
        for variant in range(VARIANTS):
            old, new = build_id(elf), chance.randbytes(20)
            name = f"{firmware.replace('/', '-')}-{variant}"
            with open(os.path.join(symbols, name + ".elf"), "wb") as file:
                file.write(elf.replace(old, new))
            address = address_of(elf, elf.index(NOTE))
            builds.append((name, [with_build_id(core, NOTE + new, address) for core in cores]))
    for number in range(n):
        name, cores = builds[number % len(builds)]
        with open(os.path.join(dumps, f"{number:04}-{name}.core"), "wb") as file:
            file.write(perturbed(cores[number // len(builds) % len(cores)], chance, number))
    return dumps, symbols


def imports(n, program):
    runs = min(n, 3)
    with tempfile.TemporaryDirectory() as folder:
        dumps, symbols = generate(folder)
        size = sum(os.path.getsize(path) for path in glob.glob(os.path.join(dumps, "*")))
        print(f"{DUMPS} coredumps of {len(FIRMWARES) * VARIANTS} builds, {size / 1e6:.0f} MB, {runs} runs, each into a fresh workspace with an empty cache")
        rates = []
        for run in range(runs):
            workspace = os.path.join(folder, f"{run}.fieldscope")
            environment = dict(os.environ, FIELDSCOPE_CACHE=os.path.join(folder, f"cache{run}"), XDG_DATA_HOME=folder)
            started = time.perf_counter()
            done = subprocess.run([program, "import", dumps, "--symbols", symbols, "--workspace", workspace, "--json"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
            took = time.perf_counter() - started
            if done.returncode != 0:
                sys.exit(f"bench: import ended with {done.returncode}: {done.stderr.decode()[-400:]}")
            rates.append(DUMPS / took)
            summary = json.loads(done.stdout)
            print(f"  {took:6.2f} s, {rates[-1]:6.0f} a second: {summary['n_crashes']} crashes, {summary['n_without_symbols']} without symbols")
        with sqlite3.connect(workspace) as database:
            keys = collections.Counter(key for key, in database.execute("SELECT fingerprint_key FROM crashes"))
            named, = database.execute("SELECT count(*) FROM crashes WHERE function IS NOT NULL").fetchone()
        print(f"  {len(keys)} groups, the largest of {max(keys.values())}; {named} crashes with a named function; workspace of {os.path.getsize(workspace) / 1e6:.1f} MB")
        rate = statistics.median(rates)
        whole = summary["n_crashes"] == DUMPS and summary["n_without_symbols"] == 0 and None not in keys
        print(f"  {rate:.0f} a second (median); goal at least {GOAL:.0f}: {'reached' if rate >= GOAL and whole else 'NOT REACHED'}")
        return rate < GOAL or not whole
