#!/usr/bin/env python3
"""Writes a recording (docs/recording-format.md) of a session that never was: the first UART log of the demo bundle.

    packaging/demo_recording.py OUT.fscap

What tries a package opens it by a double-click.
"""

import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent / "sample-data" / "demo-bundle.zip"
SESSION, STREAM, CAME = 0, 1, 2
AT_ONCE = 4096
NANOSECONDS_BETWEEN = 10_000_000


def record(kind: int, stream: int, nanoseconds: int, what: bytes) -> bytes:
    head = struct.pack("<HBBIq", 0x5CFC, kind, stream, len(what), nanoseconds)
    return head + what + struct.pack("<I", zlib.crc32(head + what))


def main() -> None:
    with zipfile.ZipFile(DEMO) as bundle:
        name = min(name for name in bundle.namelist() if name.endswith((".log", ".uart", ".txt")))
        log = bundle.read(name)
    session = {"started_at": "2026-11-29T20:00:00Z", "recorded_by": "packaging/demo_recording.py"}
    stream = {"link": "uart", "title": "/dev/ttyUSB0, 115200 baud, 8N1"}
    parts = [b"FSCAP\r\n\x1a" + struct.pack("<H6x", 1), record(SESSION, 0, 0, json.dumps(session).encode()),
             record(STREAM, 1, 0, json.dumps(stream).encode())]
    for n, start in enumerate(range(0, len(log), AT_ONCE)):
        parts.append(record(CAME, 1, n * NANOSECONDS_BETWEEN, log[start:start + AT_ONCE]))
    Path(sys.argv[1]).write_bytes(b"".join(parts))


if __name__ == "__main__":
    main()
