"""The test vectors of docs/wire-format.md, encoded here and nowhere else: CBOR by cbor2 (indefinite maps put together by hand and read back by
cbor2), CRC-32 by zlib, base64 by the standard library, COBS below. tests/sdk/vectors.c plays the same scenes with the SDK."""

import base64
import struct
import zlib

import cbor2

BUILD_ID = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f000112233")
DEVICE = {1: "DA143532", 2: "rev-c", 3: "brook-main", 4: "1.0.1"}
PAYLOAD = 75

# As tests/sdk/metrics.c defines them.
METRICS = [
    ("MainTaskMs", "type=timer", "unit=ms", "min=0", "max=", "description=Time in which the main task ran"),
    ("RssiDbm", "type=gauge_i32", "unit=dBm", "min=-120", "max=0", "description=Signal strength of the access point"),
    ("WifiConnectedMs", "type=timer", "unit=ms", "min=0", "max=", "description=Time with a connection"),
    ("BatteryMv", "type=gauge_u32", "unit=mV", "min=2400", "max=4300", 'description=Voltage of the "battery"'),
    ("SoilPct", "type=gauge_f32", "unit=%", "min=0", "max=100.0f", "description=Moisture of the soil, at 10°C"),
    ("FlashWrites", "type=counter", "unit=", "min=", "max=", "description=Pages written"),
    ("Valve", "type=state", "values=closed,opening,open,stuck", "description=The inlet valve"),
    ("Slot", "type=string", "length=8", "description=The firmware slot that runs"),
    ("NeverUsed", "type=counter", "unit=times", "min=0", "max=10", "description=No code touches it"),
]


class Float32(float):
    """To be sent with 32 bits."""


class Memory(list):
    """To be sent as an array of indefinite length."""


def metrics_section():
    data, ids = b"", {}
    for record in METRICS:
        ids[record[0]] = len(data)
        data += b"".join(text.encode() + b"\0" for text in record) + b"\0"
    return data, ids


def item(value):
    if isinstance(value, Memory):
        data = b"\x9f" + b"".join(cbor2.dumps(block) for block in value) + b"\xff"
        assert cbor2.loads(data) == value
        return data
    if isinstance(value, dict):
        data = b"\xbf" + b"".join(cbor2.dumps(key) + item(each) for key, each in value.items()) + b"\xff"
        assert cbor2.loads(data) == value
        return data
    if isinstance(value, Float32):
        return b"\xfa" + struct.pack(">f", value)
    return cbor2.dumps(value)


def log_entries(found):
    return b"".join(bytes([len(cbor2.dumps(entry))]) + cbor2.dumps(entry) for entry in found)


def chunks(kind, sequence, message, size=PAYLOAD):
    for offset in range(0, len(message), size):
        part = message[offset:offset + size]
        chunk = struct.pack("<BBHI", 0x10 | kind, offset + size >= len(message), sequence, offset) + part
        yield chunk + struct.pack("<I", zlib.crc32(chunk))


def line(chunk):
    return "FS:" + base64.b64encode(chunk).decode().rstrip("=")


def cobs(chunk):
    out = b""
    for run in chunk.split(b"\0"):
        assert len(run) < 254
        out += bytes([len(run) + 1]) + run
    return b"\0" + out + b"\0"


def who(uptime, boot=1, time=None, whole=True):
    fields = dict(DEVICE) if whole else {}
    fields[5] = BUILD_ID if whole else BUILD_ID[:8]
    fields[6], fields[7] = boot, uptime
    if time:
        fields[8] = time
    return fields


def scenes():
    """(name, [(kind, fields)]), in the order of tests/sdk/vectors.c"""
    _, ids = metrics_section()
    # The metric that was used last comes first.
    order = ["Slot", "Valve", "FlashWrites", "SoilPct", "BatteryMv", "WifiConnectedMs", "RssiDbm", "MainTaskMs"]
    values = {"MainTaskMs": 1243983, "RssiDbm": -57, "WifiConnectedMs": 3012321, "BatteryMv": 3711, "SoilPct": Float32(41.25), "FlashWrites": 12, "Valve": 2,
              "Slot": "slot-b"}
    unset = {**values, "MainTaskMs": 0, "WifiConnectedMs": 0, "FlashWrites": 0, "RssiDbm": None, "BatteryMv": None, "SoilPct": None}

    def heartbeat(uptime, time, found):
        return 1, {**who(uptime, time=time), 9: 3600000, 10: {ids[name]: found[name] for name in order}}

    yield "first-boot", [(5, {**who(0), 9: 15, 10: 0}), (2, {**who(0), 9: 1, 10: 1, 11: 0x14, 15: 0})]
    yield "heartbeat", [heartbeat(3600000, 1605910419, values)]
    yield "heartbeat-unset", [heartbeat(7200000, 1605914019, unset)]
    yield "trace", [(2, {**who(7200500, time=1605914019, whole=False), 9: 3, 11: -5, 12: 0x8000100, 14: 0x123})]
    logs = [[7201000, 3, 0x10, 1450, -20], [7201000, 1, 0x2000, "outlet valve", -5000000000, 2.5, 4000000000 - 2**32]]
    yield "logs", [(3, {**who(7207000, time=1605914019, whole=False), 9: 0, 10: log_entries(logs)})]
    yield "device", [(5, {**who(7207000, time=1605914019), 9: 9, 10: 0})]
    registers = [None if 0x1D00F >> n & 1 else 0x1000 * n + n for n in range(26)]
    memory = bytes(n * 7 & 0xFF for n in range(0x1000))
    dump = {**who(7300000, time=1605914119), 9: 7, 10: 1, 11: registers, 12: log_entries([[7300000, 2, 0x10]]),
            13: Memory([[0x20000100, memory[0x100:0x128]], [0x20000400, memory[0x400:0x52C]]]), 14: 0}
    yield "crash", [(2, {**who(7300000, time=1605914119), 9: 2, 10: 7, 12: 0x8001234, 13: 0x8005679}), (5, {**who(0, boot=2), 9: 15, 10: 0}),
                    (2, {**who(0, boot=2), 9: 1, 10: 7, 11: 0x14, 15: 7300000}), (4, dump)]
    # What was still queued is lost with the reset.
    yield "restart", [(5, {**who(0, boot=3), 9: 15, 10: 0}), (2, {**who(0, boot=3), 9: 1, 10: 11, 11: 0x14, 15: 6000})]
    yield "reset", [(5, {**who(0, boot=4), 9: 15, 10: 0}), (2, {**who(0, boot=4), 9: 1, 10: 4, 11: 0x14, 15: 7000})]


def vectors():
    section, _ = metrics_section()
    out, sequence = [], 0
    for name, found in scenes():
        if name in ("crash", "restart", "reset"):
            sequence = 0  # after the reset
        vector = {"name": name, "messages": [], "lines": [], "cobs": ""}
        for kind, fields in found:
            sequence += 1
            message = item(fields)
            vector["messages"].append({"kind": kind, "sequence": sequence, "cbor": message.hex()})
            for chunk in chunks(kind, sequence, message):
                vector["lines"].append(line(chunk))
                vector["cobs"] += cobs(chunk).hex()
        out.append(vector)
    return {"command": "scripts/make-sdk-fixtures vectors", "metrics_section": section.hex(), "vectors": out}


def rough_capture():
    """What a reader must cope with: other valid encodings, what is not known yet, what was damaged, cut, repeated or lost on the way."""
    def lines(kind, sequence, message, size=PAYLOAD):
        return [line(chunk) for chunk in chunks(kind, sequence, message, size)]

    def padded(text):
        return text + "=" * (-(len(text) - 3) % 4)

    out = [b"[00:00:00.010] INF app: FS: the file system is mounted\r\n"]
    # Behind what a logger puts before it, and with padding.
    out += [b"[00:00:00.020] <inf> main: " + padded(text).encode() + b"\r\n" for text in lines(5, 1, item({**who(20), 9: 15, 10: 0}))]
    # Definite lengths, an order of its own, keys and kinds of values from the future, numbers in more bytes than they need, short floats.
    odd = b"\xa8" + b"\x19\x00\x09" + b"\x1a\x00\x36\xee\x80" + b"\x0a" + b"\xa4\x00\x01\x18\x64\xf9\x51\x28\x18\xc8\xf6\x19\x01\x2c\xfb" + struct.pack(">d", 0.1)
    odd += b"\x07\x1b" + struct.pack(">Q", 1 << 33) + b"\x18\xc8\x66future" + b"\x05\x48" + BUILD_ID[:8] + b"\x06\x01" + b"\x01\x7f\x62DA\x63143\xff" + b"\x19\x03\xe8\x82\x01\xa1\x01\x02"
    cbor2.loads(odd)
    out += [text.encode() + b"\n" for text in lines(1, 2, odd, 20)]
    # Sent twice by the transport.
    twice = lines(2, 3, item({**who(900, whole=False), 9: 4, 11: -110, 12: 0x415}))
    out += [text.encode() + b"\r\n" + text.encode() + b"\r\n" for text in twice]
    # A digit is wrong.
    bad = lines(2, 4, item({**who(1000, whole=False), 9: 4, 11: 8, 12: 0x415}))[0]
    out.append((bad[:40] + ("A" if bad[40] != "A" else "B") + bad[41:]).encode() + b"\r\n")
    # Cut by a reset, and the end of a message of which the beginning was lost.
    long = item({**who(2000), 9: 1, 10: 4, 11: 0, 15: 2500})
    out.append(lines(2, 5, long)[0].encode() + b"\r\n")
    out.append(b"\r\n*** boot ***\r\n")
    out.append(lines(2, 1, long)[1].encode() + b"\r\n")
    # Another version, another kind.
    for first in (0x21, 0x19):
        chunk = struct.pack("<BBHI", first, 1, 2, 0) + item({1: "x"})
        out.append(line(chunk + struct.pack("<I", zlib.crc32(chunk))).encode() + b"\r\n")
    # An event and a reason that are not known, a serial number that is not UTF-8; after text on the same line, before more of it.
    strange = b"\xa5\x01\x64\xff\xfeA1\x07\x18\x64\x09\x18\x4d\x0a\x18\x63\x0b\x20"
    out += [b"text without an end" + text.encode() + b" and more\r\n" for text in lines(2, 3, strange)]
    # No line end at the end of the file.
    out += [text.encode() for text in lines(2, 4, item({**who(3000, whole=False), 9: 4, 11: 1, 12: 0x415}))]
    return b"".join(out)
