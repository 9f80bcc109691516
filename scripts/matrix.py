#!/usr/bin/env python3
"""The build matrix: one small program in C, C++ and Rust, built by every compiler at hand, stopped at its crash on QEMU.

Run by scripts/matrix.sh. For each build the archive holds NAME.elf, NAME.core (registers and RAM, read through QEMU's debugger
port), NAME.gdb.json (gdb's frames with arguments and locals) and NAME.llvm.json (llvm-symbolizer's functions and lines of the
same addresses). The file runs twice: as a command, and inside gdb-multiarch."""

import glob
import json
import os
import sys

try:
    import gdb
except ImportError:
    gdb = None

MAX_FRAMES = 64


# Inside gdb

def value_text(value):
    """(text, why there is none)."""
    try:
        if value.is_optimized_out:
            return None, "optimized_out"
        return value.format_string(max_elements=200, deref_refs=True), None
    except gdb.MemoryError:
        return None, "memory_not_captured"
    except (gdb.error, KeyboardInterrupt) as error:  # the latter: gdb ran into an assertion of its own
        return None, f"gdb fails: {error}"


def variables(frame):
    found = []
    try:
        block = frame.block()
    except RuntimeError:
        return found
    while block is not None:
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable):
                continue
            try:
                text, unavailable = value_text(symbol.value(frame))
            except (gdb.error, KeyboardInterrupt) as error:
                text, unavailable = None, f"gdb fails: {error}"
            found.append({"name": symbol.name, "type": str(symbol.type), "value": text, "argument": symbol.is_argument,
                          "unavailable": unavailable})
        if block.function is not None:
            break
        block = block.superblock
    return found


def inside_gdb():
    gdb.execute("set pagination off")
    gdb.execute("set width 0")
    gdb.execute("set language auto")
    # The printers that come with libstdc++: containers by what they hold.
    sys.path.insert(0, sorted(glob.glob("/usr/share/gcc*/python"))[-1])
    from libstdcxx.v6.printers import register_libstdcxx_printers
    register_libstdcxx_printers(None)
    frames, frame, stop = [], gdb.newest_frame(), None
    while frame is not None and len(frames) < MAX_FRAMES:
        sal = frame.find_sal()
        frames.append({"pc": f"{frame.pc():#010x}", "function": frame.name(), "file": sal.symtab.filename if sal.symtab else None,
                       "line": sal.line if sal.symtab else None, "inlined": frame.type() == gdb.INLINE_FRAME,
                       "tail_call": frame.type() == gdb.TAILCALL_FRAME, "locals": variables(frame)})
        try:
            older = frame.older()
        except gdb.error as error:
            stop, older = str(error), None
        frame = older
    with open(os.environ["MATRIX_OUT"], "w") as file:
        json.dump({"frames": frames, "stop": stop}, file)


if gdb:
    inside_gdb()
    sys.exit()


# As a command

import concurrent.futures
import itertools
import re
import shutil
import struct
import subprocess
import tarfile
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sample import core  # noqa: E402
from sample.board import Debugger  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = os.path.join(ROOT, "sample-data/firmware/matrix")
ARCHIVE = os.path.join(ROOT, "tests/fixtures/matrix/matrix.tar.zst")

# flash, ram, QEMU, gcc flags, clang target, rustc target
TARGETS = {
    "v6m": dict(flash=0x0, ram=0x20000000, nowhere=0x30000000, qemu=["qemu-system-arm", "-M", "microbit"], gcc=["-mcpu=cortex-m0", "-mthumb"],
                clang="thumbv6m-none-eabi", rust="thumbv6m-none-eabi"),
    "v7m": dict(flash=0x0, ram=0x20000000, nowhere=0xF0000000, qemu=["qemu-system-arm", "-M", "mps2-an386"],
                gcc=["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
                clang="thumbv7em-none-eabihf", rust="thumbv7em-none-eabihf"),
    "v8m": dict(flash=0x10000000, ram=0x38000000, nowhere=0xF0000000, qemu=["qemu-system-arm", "-M", "mps2-an505"],
                gcc=["-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"],
                clang="thumbv8m.main-none-eabihf", rust="thumbv8m.main-none-eabihf"),
    "rv32": dict(flash=0x80000000, ram=0x80100000, nowhere=0xF0000000, qemu=["qemu-system-riscv32", "-M", "virt", "-bios", "none"],
                 gcc=["-march=rv32imac_zicsr", "-mabi=ilp32"], clang="riscv32-unknown-elf", rust="riscv32imac-unknown-none-elf"),
}
TOOLCHAINS = ["gcc-c", "clang-c", "gcc-cpp", "clang-cpp", "rustc"]
LEVELS = ["O0", "Og", "O2", "O3", "Os", "O2-lto", "Os-lto"]
PANICS = ["bounds", "unwrap", "expect", "explicit", "overflow"]


class Build:
    def __init__(self, toolchain, level, dwarf, target, extra=""):
        self.toolchain, self.level, self.dwarf, self.target, self.extra = toolchain, level, dwarf, target, extra
        self.name = f"{toolchain}-{level}-dwarf{dwarf}-{target}" + (f"-{extra}" if extra else "")

    @property
    def lto(self):
        return self.level.endswith("-lto")

    @property
    def optimisation(self):
        return self.level.removesuffix("-lto")


def builds():
    """Every pair of toolchain, level, DWARF version and processor at least once, and what stands alone."""
    targets = list(TARGETS)
    for (i, toolchain), (j, level) in itertools.product(enumerate(TOOLCHAINS), enumerate(LEVELS)):
        for dwarf, turn in ((4, 0), (5, 2)):
            yield Build(toolchain, level, dwarf, targets[(i + j + turn) % len(targets)])
    yield Build("gcc-c", "O2", 5, "v7m", "type-units")
    yield Build("gcc-cpp", "Og", 4, "v7m", "type-units")
    yield Build("clang-cpp", "O2", 5, "v7m", "type-units")
    yield Build("gcc-c", "O2", 5, "v7m", "frame-pointer")
    yield Build("clang-c", "O0", 4, "v7m", "frame-pointer")
    for panic in PANICS:
        yield Build("rustc", "O2" if panic in ("unwrap", "expect") else "Og", 5 if panic != "unwrap" else 4, "v7m", f"panic-{panic}")


def call(*command, **options):
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if run.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{run.stdout}{run.stderr}")
    return run.stdout


def libgcc(work, target):
    path = os.path.join(work, f"libgcc-{target}.a")
    if not os.path.exists(path):
        gcc = prefix(target) + "gcc"
        found = call(gcc, *[flag.removesuffix("_zicsr") for flag in TARGETS[target]["gcc"]], "-print-libgcc-file-name").strip()
        # Debian's libgcc carries debug information with paths of the machine that built it.
        call(prefix(target) + "objcopy", "--strip-debug", found, path)
    return path


def prefix(target):
    return "riscv64-unknown-elf-" if target == "rv32" else "arm-none-eabi-"


def prepare(work, target):
    """Linker script, start-up object and libgcc of a processor."""
    facts = TARGETS[target]
    gcc = prefix(target) + "gcc"
    call(gcc, "-E", "-P", "-x", "c", f"-DFLASH_ORIGIN={facts['flash']:#x}", f"-DRAM_ORIGIN={facts['ram']:#x}",
         f"{SOURCES}/link.ld.in", "-o", f"{work}/{target}.ld")
    call(gcc, *facts["gcc"], *(["-mno-relax"] if target == "rv32" else []), "-Os", "-ffreestanding", "-fno-tree-loop-distribute-patterns", "-ffunction-sections",
         "-fdata-sections", f"-DNOWHERE={facts['nowhere']:#x}u", "-c", f"{SOURCES}/start.c", "-o", f"{work}/start-{target}.o")
    libgcc(work, target)


def compile_one(work, build):
    elf = os.path.join(work, build.name + ".elf")
    (compile_rust if build.toolchain == "rustc" else compile_c)(work, build, elf)
    return elf


def compile_c(work, build, elf):
    facts = TARGETS[build.target]
    compiler, language = build.toolchain.split("-")
    source = "main.c" if language == "c" else "main.cc"
    common = [f"-{build.optimisation}", "-g", f"-gdwarf-{build.dwarf}", "-ffreestanding" if language == "c" else "-fno-builtin", "-fno-common", "-ffunction-sections", "-fdata-sections",
              f"-ffile-prefix-map={SOURCES}=matrix", f"-fdebug-prefix-map={work}=out", "-Wall", "-Wextra", "-Wno-unused-parameter"]
    common += ["-std=gnu11"] if language == "c" else ["-std=gnu++20", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-use-cxa-atexit"]
    if build.lto:
        common += ["-flto"]
    common += {"type-units": ["-fdebug-types-section"], "frame-pointer": ["-fno-omit-frame-pointer"]}.get(build.extra, [])
    unit = os.path.join(work, build.name + ".o")
    link = ["-T", f"{work}/{build.target}.ld", f"{work}/start-{build.target}.o", unit, f"{work}/libgcc-{build.target}.a"]
    if compiler == "gcc":
        gcc = prefix(build.target) + ("gcc" if language == "c" else "g++")
        include = os.path.dirname(call(gcc, "-print-libgcc-file-name").strip())
        common += facts["gcc"] + ["-gno-record-gcc-switches", f"-ffile-prefix-map={include}=gcc", "-ffile-prefix-map=/usr/include/newlib=newlib"]
        if language == "cpp" and build.target == "rv32":
            common += ["-nostdinc++"] + cpp_headers()
        call(gcc, *common, "-c", source, "-o", unit, cwd=SOURCES)
        call(gcc, *common, "-nostdlib", "-nostartfiles", "-Wl,--gc-sections", "-Wl,--build-id=sha1", "-Wl,--no-warn-rwx-segments", *link, "-o", elf, cwd=SOURCES)
    else:
        resources = call("clang-14", "-print-resource-dir").strip()
        flags = [f"--target={facts['clang']}", f"-ffile-prefix-map={resources}=clang"] + [flag for flag in facts["gcc"] if flag.startswith(("-mcpu", "-mfpu", "-mabi"))]
        if build.target == "rv32":
            flags += ["-march=rv32imac", "-mno-relax"]
        if language == "cpp":
            flags += cpp_headers()
        call("clang-14", *flags, *common, "-c", source, "-o", unit, cwd=SOURCES)
        more = [f"-plugin-opt=O{2 if build.lto else 0}"] if build.lto else []
        if build.lto and build.target != "rv32":
            more.append("-plugin-opt=mcpu=" + facts["gcc"][0].removeprefix("-mcpu="))
        call("ld.lld-14", "--gc-sections", "--build-id=sha1", *more, *link, "-o", elf, cwd=SOURCES)


def cpp_headers():
    version = os.listdir("/usr/include/newlib/c++")[0]
    base = f"/usr/include/newlib/c++/{version}"
    return ["-isystem", base, "-isystem", f"{base}/arm-none-eabi", "-isystem", "/usr/include/newlib",
            "-ffile-prefix-map=/usr/include/newlib=newlib"]


def rust_sysroot(work, targets):
    """Rust's library as rustup would ship it (-O3, line tables), built once for each processor."""
    root = os.path.join(work, "sysroot")
    package = os.path.join(work, "rust-library")
    os.makedirs(os.path.join(package, "src"), exist_ok=True)
    with open(os.path.join(package, "Cargo.toml"), "w") as file:
        file.write('[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\ndebug = "line-tables-only"\n'
                   'panic = "abort"\ncodegen-units = 4\n')
    with open(os.path.join(package, "src/lib.rs"), "w") as file:
        file.write("#![no_std]\n")
    source = os.path.realpath("/usr/lib/rustlib/src/rust")
    flags = f"-C embed-bitcode=yes --remap-path-prefix={source}=rust --remap-path-prefix=/usr/lib/rustlib/src/rust=rust"
    for target in targets:
        call("cargo", "build", "--release", "-Zbuild-std=core,alloc", "--target", target, cwd=package,
             env=dict(os.environ, RUSTC="/usr/bin/rustc", RUSTC_BOOTSTRAP="1", RUSTFLAGS=flags, CARGO_TARGET_DIR=os.path.join(package, "target")))
        library = os.path.join(root, "lib/rustlib", target, "lib")
        os.makedirs(library, exist_ok=True)
        made = os.path.join(package, "target", target, "release/deps")
        for name in os.listdir(made):
            if name.endswith(".rlib") and not name.startswith("libnothing"):
                shutil.copy(os.path.join(made, name), library)
    return root


def compile_rust(work, build, elf):
    facts = TARGETS[build.target]
    level = {"O0": "0", "Og": "1", "O2": "2", "O3": "3", "Os": "s"}[build.optimisation]
    panic = build.extra.removeprefix("panic-") if build.extra.startswith("panic-") else "fault"
    flags = ["--edition=2021", "--crate-name=matrix", "--crate-type=bin", f"--target={facts['rust']}", f"--sysroot={os.environ['MATRIX_SYSROOT']}",
             f"-Copt-level={level}", "-Cdebuginfo=2", f"-Cdwarf-version={build.dwarf}", "-Cpanic=abort", "-Coverflow-checks=yes", f'--cfg=crash="{panic}"',
             "--check-cfg=cfg(crash, values(any()))", f"--remap-path-prefix={SOURCES}=matrix", "-Ccodegen-units=1", "-Clinker-flavor=ld", "-Clinker=" + ("ld.lld-14" if build.target == "rv32" or build.dwarf == 5 else "arm-none-eabi-ld"),
             f"-Clink-arg=-T{work}/{build.target}.ld", f"-Clink-arg={work}/start-{build.target}.o",
             "-Clink-arg=--build-id=sha1", "-Clink-arg=--gc-sections"]
    if build.lto:
        flags += ["-Clto=fat", "-Cembed-bitcode=yes"]
    call("/usr/bin/rustc", *flags, "main.rs", "-o", elf, cwd=SOURCES, env=dict(os.environ, RUSTC_BOOTSTRAP="1"))


# On the board

def symbols(elf):
    table = {}
    for line in call("llvm-nm-14", elf).splitlines():
        found = re.match(r"([0-9a-f]+) \S (.*)", line)
        if found:
            table[found[2]] = int(found[1], 16)
    return table


def crash(elf, build, port, at_main=None):
    """Runs to the fault handler and returns (registers, floats, fpscr, [(address, bytes)]). `at_main` may change the memory first."""
    facts, table = TARGETS[build.target], symbols(elf)
    qemu = subprocess.Popen(facts["qemu"] + ["-display", "none", "-monitor", "none", "-nic", "none", "-serial", "null", "-kernel", elf,
                                             "-gdb", f"tcp:127.0.0.1:{port}", "-S"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        debugger = Debugger(port)

        def run_to(name):
            place = f"1,{table[name] & ~1:x},{2 if build.target != 'rv32' else 4}"
            debugger.ask("Z" + place)
            debugger.send("c")
            stop = debugger.reply(20.0)
            if not stop.startswith(("T05", "S05")):
                raise RuntimeError(f"{elf}: stopped with {stop}")
            debugger.ask("z" + place)

        if at_main:
            run_to("main")
            at_main(debugger, table)
        run_to("fault_entry")
        memory = [(table["_ram_start"], debugger.memory(table["_ram_start"], table["_ram_used_end"] - table["_ram_start"]))]

        def register(number):
            return struct.unpack("<I", debugger.register(number)[:4])[0]

        if build.target == "rv32":
            registers = [register(number) for number in range(32)]
            registers[0] = register(number_of(debugger, "mepc"))
            return registers, None, 0, memory
        saved = [register(number) for number in range(15)]
        sp, exc_return = saved[13], saved[14]
        r0, r1, r2, r3, r12, lr, pc, xpsr = debugger.words(sp, 8)
        extended = build.target != "v6m" and not exc_return & 0x10
        floats, fpscr = None, 0
        if build.target != "v6m":
            words = [word for number in range(26, 42) for word in struct.unpack("<2I", debugger.register(number))]
            floats, fpscr = words, struct.unpack("<I", debugger.register(42))[0]
        sp += (0x68 if extended else 0x20) + (4 if xpsr & 0x200 else 0)
        return [r0, r1, r2, r3, *saved[4:12], r12, sp, lr, pc, xpsr], floats, fpscr, memory
    finally:
        qemu.kill()
        qemu.wait()


def number_of(debugger, name):
    """QEMU numbers control registers as its description of them says."""
    text = ""
    while True:
        part = debugger.ask(f"qXfer:features:read:riscv-csr.xml:{len(text):x},7ff")
        text += part[1:]
        if part[:1] != "m":
            break
    numbers, last = {}, 0
    for register in re.findall(r"<reg [^>]*>", text):
        explicit = re.search(r'regnum="(\d+)"', register)
        last = int(explicit[1]) if explicit else last + 1
        numbers[re.search(r'name="([^"]+)"', register)[1]] = last
    return numbers[name]


def write_core(path, build, registers, floats, fpscr, memory):
    if build.target == "rv32":
        write_riscv(path, registers, memory)
    else:
        core.write(path, [(1, registers, floats, fpscr)], memory)


def write_riscv(path, registers, segments):
    """`registers`: pc, x1-x31."""
    data = bytearray(204)
    struct.pack_into("<i", data, 0, 11)
    struct.pack_into("<h", data, 12, 11)
    struct.pack_into("<i", data, 24, 1)
    struct.pack_into("<32I", data, 72, *registers)
    notes = core.note(b"CORE", 1, bytes(data))
    parts = [(4, 0, notes, 0)] + [(1, address, body, 6) for address, body in segments]
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1".ljust(16, b"\0"), 4, 243, 1, 0, 52, 0, 0, 52, 32, len(parts), 0, 0, 0)
    offset, table, body = 52 + 32 * len(parts), b"", b""
    for kind, address, bytes_, flags in parts:
        table += struct.pack("<8I", kind, offset + len(body), address, 0, len(bytes_), len(bytes_), flags, 4)
        body += bytes_.ljust((len(bytes_) + 3) & ~3, b"\0")
    with open(path, "wb") as file:
        file.write(header + table + body)


# The oracles

def ask_gdb(elf, core_file, out):
    run = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-iex", "set auto-load no", "-iex", "maint set internal-error quit no", "-iex", "maint set internal-error corefile no", "-x", os.path.abspath(__file__), elf, core_file],
                         env=dict(os.environ, MATRIX_OUT=out, LC_ALL="C"), capture_output=True, text=True)
    if not os.path.exists(out):
        raise RuntimeError(f"gdb {elf}\n{run.stdout}{run.stderr}")


def ask_llvm(elf, answer, out):
    """llvm-symbolizer's frames of each program counter that gdb found."""
    addresses, seen = [], set()
    for index, frame in enumerate(answer["frames"]):
        if frame["pc"] not in seen:
            seen.add(frame["pc"])
            addresses.append((frame["pc"], int(frame["pc"], 16) - (1 if index and addresses else 0)))
    text = call("llvm-symbolizer-14", f"--obj={elf}", "--output-style=JSON", "--inlines", *[f"{lookup:#x}" for _, lookup in addresses])
    found = {}
    for (pc, _lookup), line in zip(addresses, json.loads(text)):
        found[pc] = [[s["FunctionName"], s["FileName"], s["Line"]] for s in line["Symbol"]]
    with open(out, "w") as file:
        json.dump(found, file)


def make(work, build, port):
    elf = compile_one(work, build)
    core_file, answer = elf[:-3] + "core", elf[:-3] + "gdb.json"
    write_core(core_file, build, *crash(elf, build, port))
    ask_gdb(elf, core_file, answer)
    ask_llvm(elf, json.load(open(answer)), elf[:-3] + "llvm.json")
    return build.name


def main():
    import argparse
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", default="", help="a regular expression of build names")
    arguments.add_argument("--keep", help="work in this folder and keep it")
    arguments.add_argument("--pack", action="store_true", help="write the archive of the tests")
    arguments.add_argument("--document", help="put this table into docs/accuracy.md, and do nothing else")
    arguments.add_argument("--ask", action="store_true", help="ask gdb again about the builds in the archive, and do nothing else")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--words", type=int, default=2000, help="so much of each failure is shown")
    chosen = arguments.parse_args()
    if chosen.document:
        return document(chosen.document)
    work = chosen.keep or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    if chosen.ask:
        return ask_again(work)
    wanted = [build for build in builds() if re.search(chosen.only, build.name)]
    for target in sorted({build.target for build in wanted}):
        prepare(work, target)
    rust = sorted({TARGETS[build.target]["rust"] for build in wanted if build.toolchain == "rustc"})
    if rust and "MATRIX_SYSROOT" not in os.environ:
        os.environ["MATRIX_SYSROOT"] = rust_sysroot(work, rust)
    failed, made = [], []
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        running = {pool.submit(make, work, build, 29100 + index): build for index, build in enumerate(wanted)}
        for done in concurrent.futures.as_completed(running):
            try:
                made.append(done.result())
                print(made[-1], flush=True)
            except Exception as error:
                failed.append(running[done].name)
                print(f"FAILED {running[done].name}: {str(error)[:chosen.words]}", file=sys.stderr, flush=True)
    print(f"{len(made)} of {len(wanted)} builds made")
    if chosen.pack and not failed:
        pack(work, [build.name for build in wanted])
    if not chosen.keep:
        shutil.rmtree(work)
    return 1 if failed else 0


def ask_again(work):
    call("tar", "-x", "--zstd", "-f", ARCHIVE, "-C", work)
    names = sorted({name.split(".")[0] for name in os.listdir(work)})
    # In the order in which they stand: similar files next to each other.
    names = [build.name for build in builds() if build.name in names]
    for name in names:
        path = os.path.join(work, name)
        os.remove(f"{path}.gdb.json")
        ask_gdb(f"{path}.elf", f"{path}.core", f"{path}.gdb.json")
    pack(work, names)
    return 0


def document(table):
    """Replaces what stands between the two marks of the page."""
    page = os.path.join(ROOT, "docs/accuracy.md")
    with open(page) as file:
        text = file.read()
    begin, end = "<!-- build matrix: made by scripts/matrix.sh -->", "<!-- end of build matrix -->"
    head, tail = text.split(begin)[0], text.split(end)[1]
    with open(table) as file:
        rows = file.read()
    columns = "| build | frames equal | better | worse | locals equal | better | worse | types equal | better | worse |\n"
    with open(page, "w") as file:
        file.write(head + begin + "\n" + columns + "|---" * 10 + "|\n" + rows + end + tail)
    return 0


def pack(work, names):
    """Similar files next to each other: the compressor then finds what they share."""
    endings = ("gdb.json", "llvm.json", "core", "elf")
    archive([(f"{name}.{ending}", os.path.join(work, f"{name}.{ending}")) for ending in endings for name in names], ARCHIVE, work)


def archive(files, path, work):
    """files: [(name in the archive, file)]; the same files make the same archive."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    plain = os.path.join(work, "plain.tar")

    def plainly(entry):
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.mode = 0, 0, 0, "", "", 0o644
        return entry

    with tarfile.open(plain, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, file in files:
            tar.add(file, name, filter=plainly)
    call("zstd", "-q", "-f", "--ultra", "-22", "--long=27", plain, "-o", path)
    print(f"{os.path.relpath(path, ROOT)}: {os.path.getsize(path)} bytes of {os.path.getsize(plain)}")


if __name__ == "__main__":
    sys.exit(main())
