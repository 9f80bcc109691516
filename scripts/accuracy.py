#!/usr/bin/env python3
"""Compares Fieldscope with the expectations that other projects keep for their own crash dumps, and with gdb.

    scripts/accuracy.sh DIR      DIR holds checkouts, or their test folders, of
        espressif/esp-coredump   tests/<chip>/coredump*.b64, expected_output*, test_apps/built_apps/*.elf
        probe-rs/probe-rs        probe-rs-debug/tests/debug-unwind-tests/*.{coredump,elf}, probe-rs-debug/src/snapshots/*.snap

Files are found by name, wherever they lie below DIR. A dump whose ELF or expectation is not there is named and left
out. The table goes to standard output as Markdown; scripts/accuracy-notes.toml holds the explanation of every
difference (a difference without one makes the exit code 1, and so does a "worse").

Frames are compared by function (last component of the path, without generics), file name and line. gdb is given an
ELF core that this script makes from the dump with code of its own.
"""
import base64
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROGRAM = os.environ.get("FIELDSCOPE", "target/release/fieldscope")
NOTES = Path(__file__).with_name("accuracy-notes.toml")


class Frame:
    """One frame as somebody tells of it."""

    def __init__(self, function, file, line, also=None):
        self.function = plain_name(function)
        self.names = {self.function, plain_name(also)} if also else {self.function}
        self.file = os.path.basename(file.replace("\\", "/")) if file else None
        self.line = line

    def __str__(self):
        place = f" {self.file}:{self.line}" if self.file else ""
        return f"{self.function or '??'}{place}"

    def same(self, other):
        """Same function; same place where both name one (tail merging moves columns, never lines)."""
        if not self.names & other.names:
            return False
        return not (self.file and other.file) or (self.file, self.line) == (other.file, other.line)


def plain_name(name):
    """`<core::fmt::Foo<T> as Bar>::baz::{{closure}}` -> `{{closure}}`; `fun<u8>(int)` -> `fun`."""
    if not name or name in ("??", "None"):
        return None
    name = re.sub(r"\((?:[^()]|\([^()]*\))*\)( const)?$", "", name)
    out, depth = [], 0
    for char in name:
        if char == "<":
            depth += 1
        elif char == ">":
            depth = max(0, depth - 1)
        elif depth == 0:
            out.append(char)
    parts = [part for part in "".join(out).split("::") if part]
    name = parts[-1] if parts else name
    # Generics are no part of a name, legacy mangling adds a hash.
    if re.fullmatch(r"h[0-9a-f]{16}", name) and len(parts) > 1:
        name = parts[-2]
    return re.sub(r"\{closure[_a-z0-9#]*\}|\{\{closure\}\}", "{closure}", name)


# --- What the projects expect ---------------------------------------------------------------------------------------

GDB_FRAME = re.compile(
    r"^#(\d+)\s+(?:(0x[0-9a-f]+) in )?(.+?) \((.*?)\)(?: at (.+):(\d+)| from .*)?$", re.DOTALL)


EXCEPTIONS = r"HardFault|MemManage|BusFault|UsageFault|SVC|SVCall|PendSV|SysTick|NMI|Reset|ExternalInterrupt.*"


def gdb_frames(text):
    """The frames of a backtrace as gdb prints it, until it prints something else."""
    frames = []
    for line in text.splitlines():
        found = GDB_FRAME.match(line.strip())
        if found:
            file, number = found.group(5), found.group(6)
            # Frames at address 0 are what gdb prints when it has lost the way.
            if found.group(2) and int(found.group(2), 16) == 0 and found.group(3) == "??":
                continue
            frames.append(Frame(found.group(3), file, int(number) if number else None))
    return frames


def esp_expectation(path):
    """Threads of esp-coredump's report: [(name, frames)]."""
    text = path.read_text(errors="replace")
    parts = re.split(r"^=+ THREAD \d+ \(TCB: (0x[0-9a-f]+), name: '(.*?)'\) =+$", text, flags=re.MULTILINE)
    threads = []
    for at in range(1, len(parts) - 2, 3):
        body = parts[at + 2].split("\n=====")[0]
        threads.append((parts[at + 1], gdb_frames(body)))
    return threads


def probe_rs_expectation(path):
    """The frames of one of probe-rs's snapshots (YAML; the parts we need have fixed indentation)."""
    frames, name, file, line = [], None, None, None

    def flush():
        # An exception entry is a frame there and a mark on the interrupted frame here. What probe-rs could not read
        # stands in the name.
        if name is not None and (file or not re.fullmatch(EXCEPTIONS, name.split("<")[0].strip())):
            frames.append(Frame(name.split(" : ERROR")[0], file, line))

    for text in path.read_text().splitlines():
        if found := re.match(r"^- function_name: (.*)$", text):
            flush()
            name, file, line = found.group(1).strip("\"'"), None, None
        elif found := re.match(r"^    path: (.*)$", text):
            file = found.group(1).strip("\"'")
        elif found := re.match(r"^    line: (\d+)$", text):
            line = int(found.group(1))
        elif re.match(r"^  registers:", text):
            pass
    flush()
    return [(None, frames)]


# --- ELF cores for gdb ----------------------------------------------------------------------------------------------

def msgpack(data):
    """The value in `data`. What probe-rs writes: maps, arrays, strings, numbers, booleans, nil, bytes."""
    at = 0

    def take(form):
        nonlocal at
        (value,) = struct.unpack_from(">" + form, data, at)
        at += struct.calcsize(form)
        return value

    def raw(n):
        nonlocal at
        at += n
        return data[at - n:at]

    def value():
        tag = take("B")
        if tag < 0x80:
            return tag
        if tag < 0x90:
            return table(tag & 15)
        if tag < 0xA0:
            return [value() for _ in range(tag & 15)]
        if tag < 0xC0:
            return raw(tag & 31).decode()
        if tag >= 0xE0:
            return tag - 256
        simple = {0xC0: None, 0xC2: False, 0xC3: True}
        if tag in simple:
            return simple[tag]
        numbers = {0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b", 0xD1: "h", 0xD2: "i",
                   0xD3: "q"}
        if tag in numbers:
            return take(numbers[tag])
        lengths = {0xC4: "B", 0xC5: "H", 0xC6: "I", 0xD9: "B", 0xDA: "H", 0xDB: "I", 0xDC: "H", 0xDD: "I", 0xDE: "H",
                   0xDF: "I"}
        n = take(lengths[tag])
        if tag <= 0xC6:
            return raw(n)
        if tag <= 0xDB:
            return raw(n).decode()
        return [value() for _ in range(n)] if tag <= 0xDD else table(n)

    def table(n):
        return {value(): value() for _ in range(n)}

    return value()


def elf_core(machine, registers, memory):
    """A core with one thread. `registers`: the words of pr_reg."""
    status = bytes(72) + struct.pack(f"<{len(registers)}I", *registers) + bytes(4)
    note = struct.pack("<III", 5, len(status), 1) + b"CORE\0\0\0\0" + status
    note += bytes(-len(note) % 4)
    n_headers = 1 + len(memory)
    offset = 52 + 32 * n_headers
    headers = struct.pack("<8I", 4, offset, 0, 0, len(note), 0, 0, 4)
    offset += len(note)
    for start, data in memory:
        headers += struct.pack("<8I", 1, offset, start, start, len(data), len(data), 7, 4)
        offset += len(data)
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIIIIIHHHHHH", 4, machine, 1, 0, 52, 0, 0, 52, 32, n_headers, 0, 0, 0)
    return header + headers + note + b"".join(data for _, data in memory)


def probe_rs_core(path):
    dump = msgpack(path.read_bytes())
    known = {number: list(value.values())[0] for number, value in dump["registers"].items()}
    memory = [(part[0]["start"], bytes(part[1])) for part in dump["data"]]
    if dump["core_type"].startswith("arm"):
        words = [known.get(n, 0) for n in range(16)] + [known.get(16, 0), 0]
        return elf_core(40, words, memory)
    if dump["core_type"] == "riscv":
        # probe-rs numbers x0-x31 from 0x1000 and CSRs by their number; dpc is the program counter of a halted hart.
        words = [known.get(0x7B1, 0)] + [known.get(0x1000 + n, 0) for n in range(1, 32)]
        return elf_core(243, words, memory)
    return None


def esp_core(path):
    """The ELF core inside a dump in base64, if its body is one."""
    lines = path.read_text().split()
    data = b"".join(base64.b64decode(line) for line in lines)
    at = data.find(b"\x7fELF", 0, 64)
    return data[at:] if at >= 0 else None


def ask_gdb(core, elf):
    """gdb's threads, or None where Debian's gdb does not know the processor."""
    machine = struct.unpack_from("<H", core, 18)[0]
    if machine not in (40, 243):
        return None
    with tempfile.NamedTemporaryFile(suffix=".core") as file:
        file.write(core)
        file.flush()
        command = ["gdb-multiarch", "-nx", "-batch", "-ex", "set print frame-arguments none", "-ex", "set width 0",
                   "-ex", "set backtrace limit 100", "-ex", "thread apply all bt", str(elf), file.name]
        text = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    parts = re.split(r"^Thread (\d+) \(.*\):$", text, flags=re.MULTILINE)
    threads = {int(parts[at]): gdb_frames(parts[at + 1]) for at in range(1, len(parts) - 1, 2)}
    return [threads[n] for n in sorted(threads)]


# --- Fieldscope -----------------------------------------------------------------------------------------------------

def ask_fieldscope(dump, elf):
    command = [PROGRAM, "backtrace", str(dump), "--elf", str(elf), "--json", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout.strip():
        return None, done.stderr.strip()
    report = json.loads(done.stdout)
    threads = []
    for thread in report["threads"]:
        frames = [Frame(f["function"], f["file"], f["line"], f["qualified"]) for f in thread["frames"]]
        threads.append((thread["name"], frames))
    summary = (report["fault"] or {}).get("summary")
    return threads, summary


# --- Comparison -----------------------------------------------------------------------------------------------------

def differences(expected, ours):
    """(number of equal frames, what differs in words) of two backtraces; the longest common run decides."""
    n, m = len(expected), len(ours)
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            same = best[i + 1][j + 1] + 1 if expected[i].same(ours[j]) else 0
            best[i][j] = max(same, best[i + 1][j], best[i][j + 1])
    i = j = 0
    words = []
    while i < n or j < m:
        if i < n and j < m and expected[i].same(ours[j]) and best[i][j] == best[i + 1][j + 1] + 1:
            i, j = i + 1, j + 1
        elif j < m and (i == n or best[i][j + 1] >= best[i + 1][j]):
            words.append(f"+ {ours[j]}")
            j += 1
        else:
            words.append(f"- {expected[i]}")
            i += 1
    return best[0][0], words


def pair_threads(expected, ours):
    """Each expected thread with ours: by name, else by place."""
    left = list(ours)
    pairs = []
    for at, (name, frames) in enumerate(expected):
        found = next((t for t in left if name is not None and t[0] == name), None)
        if found is None and left and (name is None or at == 0):
            found = left[0]
        if found is not None:
            left.remove(found)
        pairs.append((name, frames, found[1] if found else None))
    return pairs


def cases(root):
    """(id, dump, elf, expectation, core for gdb) of all that is known below `root`."""
    for dump in sorted(root.rglob("coredump*.b64")):
        chip = dump.parent.name
        is_bin = dump.stem.endswith("_bin")
        stem = chip + ("_bin" if is_bin else "")
        elf = next(iter(sorted(dump.parents[1].rglob(f"built_apps/{stem}.elf"))), None)
        expected = dump.with_name("expected_output" + ("_bin" if is_bin else ""))
        yield f"esp-coredump {stem}", dump, elf, expected, esp_expectation, esp_core
    names = {path.name: path for path in sorted(root.rglob("*.snap"))}
    dumps = sorted(root.rglob("*.coredump")) + sorted(root.rglob("*_coredump_elf_coredump.elf"))
    for dump in dumps:
        stem = dump.stem.removesuffix("_coredump") if dump.suffix == ".elf" else dump.stem
        elf = dump.with_name(f"{stem}.elf")
        elf = elf if elf.exists() and elf.stat().st_size > 0 else None
        snap = names.get(f"probe_rs_debug__debug_info__test__{stem}.snap", Path("/nowhere"))
        to_core = probe_rs_core if dump.suffix == ".coredump" else Path.read_bytes
        yield f"probe-rs {stem}", dump, elf, snap, probe_rs_expectation, to_core


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    notes = tomllib.loads(NOTES.read_text()) if NOTES.exists() else {}
    rows, left_out, unexplained, is_bad = [], [], [], False
    for name, dump, elf, expected_path, read_expected, to_core in cases(Path(sys.argv[1])):
        if elf is None or not expected_path.exists():
            left_out.append(f"{name}: " + ("the ELF is not there" if elf is None else "no expectation is kept"))
            continue
        expected = read_expected(expected_path)
        ours, summary = ask_fieldscope(dump, elf)
        core = to_core(dump)
        gdb = ask_gdb(core, elf) if core else None
        n_expected = sum(len(frames) for _, frames in expected)
        if ours is None:
            rows.append((name, f"0/{len(expected)}", f"0/{n_expected}", "-", "worse", summary))
            is_bad = True
            continue
        n_equal, words, n_paired = 0, [], 0
        for thread, frames, found in pair_threads(expected, ours):
            if found is None:
                words.append(f"[{thread}] is missing")
                continue
            n_paired += 1
            equal, changed = differences(frames, found)
            n_equal += equal
            words += [f"[{thread}] {w}" if thread else w for w in changed]
        against_gdb = "not known to gdb"
        if gdb:
            n_gdb = sum(len(frames) for frames in gdb)
            pairs = zip(gdb, (frames for _, frames in ours))
            n_same = sum(differences(frames, found)[0] for frames, found in pairs)
            against_gdb = f"{n_same}/{n_gdb}"
        note = notes.get(name, {})
        verdict = "equal" if not words else note.get("verdict", "unexplained")
        is_bad |= verdict in ("worse", "unexplained")
        if verdict == "unexplained":
            unexplained.append((name, words))
        rows.append((name, f"{n_paired}/{len(expected)}", f"{n_equal}/{n_expected}", against_gdb, verdict,
                     note.get("why", "") if words else ""))
    print("| dump | threads | frames equal to the project's expectation | frames equal to gdb's | verdict | why |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    for line in left_out:
        print(f"\nLeft out: {line}.")
    for name, words in unexplained:
        print(f"\n{name}:", *words, sep="\n  ", file=sys.stderr)
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
