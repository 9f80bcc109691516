#!/usr/bin/env python3
"""Reads what a device with the SDK sent: an implementation of docs/wire-format.md that shares no code with the SDK or with Fieldscope.

    scripts/sdk_oracle.py CAPTURE [--elf ELF] [--cobs]      prints what is in it as JSON

Needs: pip install cbor2 pyelftools."""

import argparse
import base64
import binascii
import hashlib
import io
import json
import pathlib
import re
import struct
import sys
import zlib

import cbor2
from elftools.elf.elffile import ELFFile

KINDS = {1: "heartbeat", 2: "event", 3: "logs", 4: "coredump", 5: "device"}
EVENTS = {1: "boot", 2: "crash", 3: "trace", 4: "disconnect", 5: "assert"}
REASONS = dict(enumerate(("unknown", "power_on", "pin", "brown_out", "software", "watchdog", "lockup", "fault", "assert", "stack_overflow", "out_of_memory",
                          "firmware_update", "wake_up", "debugger", "clock", "user")))
LEVELS = {1: "error", 2: "warning", 3: "info", 4: "debug"}
COMMON = {1: "serial", 2: "hardware", 3: "software_type", 4: "software_version", 5: "build_id", 6: "boot", 7: "uptime_ms", 8: "time"}
CORTEX_M = [f"r{n}" for n in range(13)] + ["sp", "lr", "pc", "xpsr", "msp", "psp", "exc_return", "cfsr", "hfsr", "dfsr", "mmfar", "bfar", "afsr"]
RISCV32 = ["pc"] + [f"x{n}" for n in range(1, 32)] + ["mcause", "mtval", "mstatus"]


# Carriers

def chunks_of_lines(data):
    """(offset in the capture, chunk or None if it is damaged)"""
    for match in re.finditer(rb"FS:([A-Za-z0-9+/]+)={0,2}", data):
        digits = match[1]
        try:
            yield match.start(), checked(base64.b64decode(digits + b"=" * (-len(digits) % 4)))
        except binascii.Error:
            yield match.start(), None


def chunks_of_cobs(data):
    offset = 0
    for frame in data.split(b"\0"):
        if frame:
            plain, at = bytearray(), 0
            while at < len(frame):
                code = frame[at]
                plain += frame[at + 1:at + code]
                at += code
                if code < 255 and at < len(frame):
                    plain.append(0)
            yield offset, checked(bytes(plain)) if at == len(frame) else None
        offset += len(frame) + 1


def checked(chunk):
    if not 13 <= len(chunk) <= 4096 or zlib.crc32(chunk[:-4]) != struct.unpack("<I", chunk[-4:])[0]:
        return None
    return chunk[:-4]


# Messages

class Message:
    def __init__(self, kind, sequence, place):
        self.kind, self.sequence, self.place = kind, sequence, place
        self.data = bytearray()


def messages(chunks, warnings):
    current, previous = None, None

    def cut():
        if current:
            warnings.append({"offset": current.place, "what": f"{KINDS[current.kind]} {current.sequence} is cut after {len(current.data)} bytes"})

    for place, chunk in chunks:
        if chunk is None:
            warnings.append({"offset": place, "what": "damaged chunk"})
            continue
        if chunk == previous:
            continue
        previous = chunk
        version, kind, last = chunk[0] >> 4, chunk[0] & 15, chunk[1] & 1
        sequence, offset = struct.unpack("<HI", chunk[2:8])
        if version != 1 or kind not in KINDS:
            warnings.append({"offset": place, "what": f"version {version}, kind {kind}"})
            continue
        if offset == 0:
            cut()
            current = Message(kind, sequence, place)
        elif not current or (current.kind, current.sequence, len(current.data)) != (kind, sequence, offset):
            cut()
            warnings.append({"offset": place, "what": f"part of {KINDS[kind]} {sequence} without what comes before"})
            current = None
            continue
        current.data += chunk[8:]
        if last:
            yield current
            current = None
    cut()


# Definitions

def records(data, address):
    """id to the texts of the record"""
    found, at = {}, 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        start, texts = at, []
        while at < len(data) and data[at]:
            end = data.find(b"\0", at)
            end = len(data) if end < 0 else end
            texts.append(data[at:end].decode("utf-8", "replace"))
            at = end + 1
        found[address + start] = texts
        at += 1
    return found


class Definitions:
    def __init__(self, elf):
        self.metrics, self.logs, self.build_id = {}, {}, None
        if elf is None:
            return
        with open(elf, "rb") as file:
            parsed = ELFFile(file)
            for section in parsed.iter_sections():
                if section.name == ".fieldscope.metrics":
                    self.metrics = records(section.data(), section["sh_addr"])
                elif section.name == ".fieldscope.logs":
                    self.logs = records(section.data(), section["sh_addr"])
                elif section.name == ".note.gnu.build-id":
                    note = section.data()
                    self.build_id = note[16:16 + struct.unpack_from("<I", note, 4)[0]].hex()

    def metric(self, ident):
        texts = self.metrics[ident]
        fields = dict(text.split("=", 1) for text in texts[1:])
        out = {"id": ident, "name": texts[0], "type": fields.get("type"), "unit": fields.get("unit", ""),
               "min": number(fields.get("min", "")), "max": number(fields.get("max", "")), "description": fields.get("description", "")}
        if "values" in fields:
            out["values"] = fields["values"].split(",")
        if "length" in fields:
            out["length"] = number(fields["length"])
        return out


def number(text):
    text = text.strip("() ")
    if not text:
        return None
    if re.match(r"[-+]?0[xX]", text):
        return int(text.rstrip("uUlL"), 16)
    text = text.rstrip("uUlLfF")
    return float(text) if re.search(r"[.eE]", text) else int(text)


def formatted(text, arguments):
    """printf, with arguments as they were sent."""
    rest = list(arguments)

    def one(match):
        flags, length, conversion = match[1], match[2], match[3]
        if conversion == "%":
            return "%"
        if not rest:
            return match[0]
        value = rest.pop(0)
        if conversion in "uxXop" and value < 0:
            value += 1 << (64 if length in ("ll", "j") else 32)
        if conversion == "p":
            return f"{value:#x}"
        return ("%" + flags + {"u": "d", "i": "d"}.get(conversion, conversion)) % (chr(value) if conversion == "c" else value)

    return re.sub(r"%([-+ #0]*\d*(?:\.\d+)?)(hh|h|ll|l|j|z|t|L)?([diuxXocspfFeEgGaA%])", lambda m: one(m), text)


# What is in a message

def entries(data, definitions):
    out, at = [], 0
    while at < len(data):
        size = data[at]
        uptime, level, ident, *arguments = load(data[at + 1:at + 1 + size])
        at += 1 + size
        entry = {"uptime_ms": uptime, "level": LEVELS.get(level, level)}
        if isinstance(ident, str):
            entry["message"] = ident
        elif ident in definitions.logs:
            texts = definitions.logs[ident]
            fields = dict(text.split("=", 1) for text in texts[1:])
            entry.update(message=formatted(texts[0], arguments), format=texts[0], file=fields.get("file"), line=int(fields.get("line", 0)))
        else:
            entry.update(id=ident, arguments=arguments)
        out.append(entry)
    return out


def load(data):
    file = io.BytesIO(bytes(data))
    value = cbor2.CBORDecoder(file, str_errors="replace").decode()
    if file.read():
        raise ValueError("more than one item")
    return value


def heartbeat(fields, definitions):
    interval, sent = fields[9], fields[10]
    out = {"interval_ms": interval, "metrics": []}
    for ident in sorted(definitions.metrics):
        metric = definitions.metric(ident)
        value = sent.get(ident)
        if ident not in sent and metric["type"] in ("counter", "timer"):
            value = 0
        shown = {"name": metric["name"], "value": value}
        if metric["type"] == "timer" and interval:
            shown["percent"] = round(100 * value / interval, 1)
        if metric["type"] == "state" and value is not None:
            shown["value_name"] = metric["values"][value] if value < len(metric["values"]) else None
        out["metrics"].append(shown)
    out["unknown"] = {str(ident): value for ident, value in sorted(sent.items()) if ident not in definitions.metrics}
    return out


def event(fields, definitions):
    out = {"event": EVENTS.get(fields[9], fields[9])}
    if 10 in fields:
        out["reason"] = REASONS.get(fields[10], fields[10])
    for key, name in ((11, "code"), (15, "previous_uptime_ms")):
        if key in fields:
            out[name] = fields[key]
    for key, name in ((12, "pc"), (13, "lr")):
        if key in fields:
            out[name] = f"{fields[key]:#010x}"
    if 14 in fields:
        texts = definitions.logs.get(fields[14])
        out["text"] = texts[0] if texts else None
    return out


def coredump(fields, definitions):
    names = CORTEX_M if fields[10] == 1 else RISCV32
    return {"reason": REASONS.get(fields[9], fields[9]), "architecture": {1: "cortex_m", 2: "riscv32"}.get(fields[10], fields[10]),
            "registers": {name: None if word is None else f"{word:#010x}" for name, word in zip(names, fields[11])},
            "logs": entries(fields.get(12, b""), definitions),
            "memory": [{"address": f"{address:#010x}", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "begins": data[:16].hex()}
                       for address, data in fields[13]],
            "left_out": fields[14]}


def explain(message, definitions):
    fields = load(message.data)
    out = {"kind": KINDS[message.kind], "sequence": message.sequence, "offset": message.place}
    out.update({name: fields[key].hex() if key == 5 else fields[key] for key, name in COMMON.items() if key in fields})
    if message.kind == 1:
        out.update(heartbeat(fields, definitions))
    elif message.kind == 2:
        out.update(event(fields, definitions))
    elif message.kind == 3:
        out.update(lost=fields[9], entries=entries(fields[10], definitions))
    elif message.kind == 4:
        out.update(coredump(fields, definitions))
    else:
        out.update(sampled=[name for bit, name in enumerate(("heartbeats", "events", "logs", "coredumps")) if fields[9] >> bit & 1], dropped=fields[10])
    return out


def read(data, elf=None, cobs=False):
    """What is in a capture, as JSON shows it."""
    definitions, warnings = Definitions(elf), []
    found = [explain(message, definitions) for message in messages((chunks_of_cobs if cobs else chunks_of_lines)(data), warnings)]
    return {"elf_build_id": definitions.build_id, "definitions": [definitions.metric(ident) for ident in sorted(definitions.metrics)],
            "messages": found, "warnings": warnings}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture", type=pathlib.Path)
    parser.add_argument("--elf", type=pathlib.Path)
    parser.add_argument("--cobs", action="store_true", help="COBS frames instead of FS: lines")
    arguments = parser.parse_args()
    json.dump(read(arguments.capture.read_bytes(), arguments.elf, arguments.cobs), sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
