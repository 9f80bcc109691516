"""Writes ELF cores for Arm: one NT_PRSTATUS a thread, the floating-point registers where they are known, the memory."""

import struct

NT_PRSTATUS, NT_AUXV, NT_ARM_VFP = 1, 6, 0x400
# What a Linux kernel would say of this CPU's float unit; gdb reads NT_ARM_VFP only if it does (VFP, VFPv3-D16).
HWCAP_VFP, HWCAP_VFPV3D16 = 1 << 6, 1 << 14


def note(name, kind, data):
    name += b"\0"
    return struct.pack("<III", len(name), len(data), kind) + name.ljust((len(name) + 3) & ~3, b"\0") + data.ljust((len(data) + 3) & ~3, b"\0")


def prstatus(thread_id, signal, registers):
    """`registers`: r0-r15, xpsr."""
    data = bytearray(148)
    struct.pack_into("<i", data, 0, signal)
    struct.pack_into("<h", data, 12, signal)
    struct.pack_into("<i", data, 24, thread_id)
    struct.pack_into("<18I", data, 72, *registers, 0)
    return note(b"CORE", NT_PRSTATUS, bytes(data))


def vfp(s_registers, fpscr):
    """d0-d31 and fpscr; an FPv4-SP core has only d0-d15 = s0-s31."""
    return note(b"LINUX", NT_ARM_VFP, struct.pack("<32I", *s_registers) + bytes(16 * 8) + struct.pack("<I", fpscr))


def write(path, threads, segments, signal=11):
    """threads: [(id, registers, s_registers or None, fpscr)], the crashed one first, with `signal`; segments: [(address, bytes)]."""
    notes = b""
    for index, (thread_id, registers, s_registers, fpscr) in enumerate(threads):
        notes += prstatus(thread_id, signal if index == 0 else 0, registers)
        if s_registers is not None:
            notes += vfp(s_registers, fpscr)
    if any(thread[2] is not None for thread in threads):
        notes += note(b"CORE", NT_AUXV, struct.pack("<4I", 16, HWCAP_VFP | HWCAP_VFPV3D16, 0, 0))
    parts = [(4, 0, notes, 0)] + [(1, address, data, 6) for address, data in segments]
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1".ljust(16, b"\0"), 4, 40, 1, 0, 52, 0, 0x5000000, 52, 32, len(parts), 0, 0, 0)
    offset = 52 + 32 * len(parts)
    table = body = b""
    for kind, address, data, flags in parts:
        table += struct.pack("<8I", kind, offset + len(body), address, 0, len(data), len(data), flags, 4)
        body += data.ljust((len(data) + 3) & ~3, b"\0")
    with open(path, "wb") as file:
        file.write(header + table + body)
