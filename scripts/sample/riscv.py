"""One crash on QEMU's RISC-V board: the UART text, and ELF cores made from the stopped machine itself.

Two cores a crash: one with the registers of the code that faulted (what a debugger shows that stops at the trap), and one with
those of the firmware's own handler (`-handler`), from which a reader has to find back over the trap."""

import os
import re
import struct
import subprocess
import tty

from . import board, core

END_MARKER = b"#CD:END#"
NAMES = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", *[f"a{n}" for n in range(8)], *[f"s{n}" for n in range(2, 12)],
         "t3", "t4", "t5", "t6"]


class Board(board.Board):
    def __init__(self, elf, debugger_port):
        command = ["qemu-system-riscv32", "-M", "virt", "-display", "none", "-monitor", "none", "-nic", "none", "-serial", "pty",
                   "-bios", "none", "-kernel", elf, "-icount", "shift=6,align=off,sleep=on",
                   "-gdb", f"tcp:127.0.0.1:{debugger_port}", "-S"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        pty = None
        while not pty:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"qemu ended with {self.process.wait()}")
            found = re.search(r"(/dev/pts/\d+)", line)
            pty = found and found[1]
        self.fd = os.open(pty, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.received = b""


class Debugger(board.Debugger):
    def __init__(self, port):
        super().__init__(port)
        text = ""
        while True:
            part = self.ask(f"qXfer:features:read:riscv-csr.xml:{len(text):x},ffb")
            text += part[1:]
            if not part.startswith("m"):
                break
        self.csrs = {name: int(number) for name, number in re.findall(r'<reg name="(\w+)"[^>]*regnum="(\d+)"', text)}

    def general(self):
        """pc, x1 to x31: the order of a core."""
        words = struct.unpack("<33I", bytes.fromhex(self.ask("g"))[:132])
        return [words[32], *words[1:32]]

    def csr(self, name):
        return struct.unpack("<I", self.register(self.csrs[name]))[0]


def symbols(elf):
    table = {}
    for line in subprocess.run(["riscv64-unknown-elf-nm", elf], capture_output=True, text=True, check=True).stdout.splitlines():
        address, _, name = line.split(maxsplit=2)
        table[name] = int(address, 16)
    return table


def prstatus(thread_id, signal, registers):
    """`registers`: pc, x1 to x31."""
    data = bytearray(204)
    struct.pack_into("<i", data, 0, signal)
    struct.pack_into("<h", data, 12, signal)
    struct.pack_into("<i", data, 24, thread_id)
    struct.pack_into("<32I", data, 72, *registers)
    return core.note(b"CORE", core.NT_PRSTATUS, bytes(data))


def write(path, threads, segments):
    """threads: [(id, registers)], the crashed one first; segments: [(address, bytes)]."""
    notes = b"".join(prstatus(thread_id, 11 if index == 0 else 0, registers) for index, (thread_id, registers) in enumerate(threads))
    parts = [(4, 0, notes, 0)] + [(1, address, data, 6) for address, data in segments]
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1".ljust(16, b"\0"), 4, 243, 1, 0, 52, 0, 1, 52, 32, len(parts), 0, 0, 0)
    offset = 52 + 32 * len(parts)
    table = body = b""
    for kind, address, data, flags in parts:
        table += struct.pack("<8I", kind, offset + len(body), address, 0, len(data), len(data), flags, 4)
        body += data.ljust((len(data) + 3) & ~3, b"\0")
    with open(path, "wb") as file:
        file.write(header + table + body)


class Crash:
    def __init__(self):
        self.registers = self.handler = self.memory = None
        self.csrs = {}


def saved_by_freertos(debugger, table):
    """What the kernel's trap entry has put on the stack of the running task: mepc, ra, t0-t2, s0, s1, a0-a7, s2-s11, t3-t6, .."""
    top = debugger.words(debugger.words(table["pxCurrentTCB"], 1)[0], 1)[0]
    words = debugger.words(top, 31)
    now = debugger.general()
    return [debugger.csr("mepc"), words[1], top + 31 * 4, now[3], now[4], *words[2:29]]


def run(elf, keys, port, settle=b": "):
    """Boots `elf`, sends `keys`, and returns (uart bytes up to the dump's end, Crash)."""
    table = symbols(elf)
    machine = Board(elf, port)
    crash = Crash()
    try:
        debugger = Debugger(port)
        rtos = "freertos_risc_v_trap_handler" in table
        first = table["freertos_risc_v_application_exception_handler" if rtos else "exception_entry"]
        for at in (first, table["coredump_write"]):
            debugger.ask(f"Z1,{at:x},4")
        debugger.send("c")
        machine.wait_for(b"***\r\n", 1)
        for index, key in enumerate(keys):
            machine.wait_for(settle, 3 + 2 * index)
            machine.send(key)
        wait_for_stop(machine, debugger, elf, keys)
        if rtos:
            crash.registers = saved_by_freertos(debugger, table)
        else:
            crash.registers = [debugger.csr("mepc"), *debugger.general()[1:]]
        crash.csrs = {name: debugger.csr(name) for name in ("mcause", "mtval", "mepc", "mstatus")}
        debugger.ask(f"z1,{first:x},4")
        start = table["_ram_start"]
        crash.memory_at_trap = [(start, debugger.memory(start, table["_ram_used_end"] - start))]
        debugger.send("c")
        wait_for_stop(machine, debugger, elf, keys)
        crash.handler = debugger.general()
        crash.memory = [(start, debugger.memory(start, table["_ram_used_end"] - start))]
        debugger.ask(f"z1,{table['coredump_write']:x},4")
        debugger.send("c")
        if not machine.wait_for(END_MARKER, 1, 20.0):
            raise RuntimeError(f"{elf} {keys}: the dump does not end; UART says {machine.received[-300:]!r}")
        end = machine.received.rfind(END_MARKER) + len(END_MARKER)
        return machine.received[:end] + b"\r\n", crash
    finally:
        machine.close()


def wait_for_stop(machine, debugger, elf, keys):
    for _ in range(1500):
        if debugger.stopped():
            break
        machine.pump()
    else:
        raise RuntimeError(f"{elf} {keys}: no fault; UART says {machine.received[-300:]!r}")
    stop = debugger.reply()
    if not stop.startswith(("T05", "S05")):
        raise RuntimeError(f"{elf} {keys}: stopped with {stop}")
