"""One crash on a board: what came over the UART, and beside it a core made from the stopped machine itself.

The core does not come from the firmware's dump: the machine is stopped at `fault_entry`, and its registers and memory are read through
QEMU's debugger port. So the dump writer, the format and its decoder can be compared with it."""

import struct
import subprocess

from . import core
from .board import MACHINES, Board, Debugger

END_MARKERS = (b"#CD:END#", b"End of dump")
FRAME_PUSH_FAILED = (1 << 12) | (1 << 4) | (1 << 20)  # STKERR, MSTKERR, STKOF


def symbols(elf):
    table = {}
    for line in subprocess.run(["arm-none-eabi-nm", elf], capture_output=True, text=True, check=True).stdout.splitlines():
        address, _, name = line.split(maxsplit=2)
        table[name] = int(address, 16)
    return table


def float_registers(debugger):
    """s0-s31 and fpscr, or None on a core without: QEMU numbers d0-d15 from 26, then fpscr."""
    values = [debugger.register(number) for number in range(26, 43)]
    if any(len(value) != 8 for value in values[:16]):
        return None
    words = [word for value in values[:16] for word in struct.unpack("<2I", value)]
    return words, struct.unpack("<I", values[16])[0]


class Crash:
    """What stood in the machine when the handler had saved its registers."""

    def __init__(self, debugger, table):
        saved = debugger.words(table["fault_saved"], 12)
        r4_r11, (msp, psp, self.exception_psr, self.exc_return) = list(saved[:8]), saved[8:]
        frame_address = psp if self.exc_return & 4 else msp
        self.memory = [(table["_ram_start"], debugger.memory(table["_ram_start"], table["_ram_used_end"] - table["_ram_start"]))]
        cpuid = debugger.words(0xE000ED00, 1)[0]
        v6m = (cpuid >> 16) & 0xF == 0xC
        self.fault_registers = () if v6m else debugger.words(0xE000ED28, 5)
        self.has_frame = v6m or not self.fault_registers[0] & FRAME_PUSH_FAILED
        if not v6m:
            # gdb reads FPCCR to unwind an exception frame with floating-point state.
            self.memory.append((0xE000EF30, debugger.memory(0xE000EF30, 16)))
        self.msp, self.psp = msp, psp
        extended = not v6m and not self.exc_return & 0x10
        self.floats = None if v6m else float_registers(debugger)
        if self.has_frame:
            r0, r1, r2, r3, r12, lr, pc, xpsr = debugger.words(frame_address, 8)
            sp = frame_address + (0x68 if extended else 0x20) + (4 if xpsr & 0x200 else 0)
            self.registers = [r0, r1, r2, r3, *r4_r11, r12, sp, lr, pc, xpsr]
        else:  # nothing was pushed: r0-r3, r12, lr and pc are lost
            self.registers = [0, 0, 0, 0, *r4_r11, 0, frame_address, 0, 0, self.exception_psr]

        # With an interrupt in between, what a task was doing stands at its own stack pointer.
        self.psp_frame = debugger.words(psp, 8) if psp else ()

    def threads(self, r4_r11=None):
        registers = list(self.registers)
        if r4_r11 is not None:
            registers[4:12] = [r4_r11] * 8
        words, fpscr = self.floats if self.floats else (None, 0)
        return [(1, registers, words, fpscr)]


def run(elf, board, keys, port, settle=b": "):
    """Boots `elf`, sends `keys` one after another (each after a log line), and returns (uart bytes up to the dump's end, Crash)."""
    table = symbols(elf)
    machine = Board(MACHINES[board], elf, port)
    try:
        debugger = Debugger(port)
        debugger.ask(f"Z1,{table['fault_entry'] & ~1:x},2")
        debugger.send("c")
        machine.wait_for(b"***\r\n", 1)
        for index, key in enumerate(keys):
            machine.wait_for(settle, 3 + 2 * index)
            machine.send(key)
        for _ in range(1500):
            if debugger.stopped():
                break
            machine.pump()
        else:
            raise RuntimeError(f"{elf} {keys}: no fault; UART says {machine.received[-300:]!r}")
        stop = debugger.reply()
        if not stop.startswith("T05") and not stop.startswith("S05"):
            raise RuntimeError(f"{elf} {keys}: stopped with {stop}")
        crash = Crash(debugger, table)
        debugger.ask(f"z1,{table['fault_entry'] & ~1:x},2")
        debugger.send("c")
        if not any(machine.wait_for(marker, 1, 20.0) for marker in [m for m in END_MARKERS if wants(elf, m)]):
            raise RuntimeError(f"{elf} {keys}: the dump does not end; UART says {machine.received[-300:]!r}")
        machine.wait_for(b"\r\n", machine.received.count(b"\r\n") + 1, 0.3)
        return cut_after_dump(machine.received), crash
    finally:
        machine.close()


def wants(elf, marker):
    with open(elf, "rb") as file:
        return marker in file.read()


def cut_after_dump(received):
    end = max(received.rfind(marker) + len(marker) for marker in END_MARKERS if marker in received)
    return received[:end] + b"\r\n"
