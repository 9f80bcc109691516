#!/usr/bin/env python3
"""Makes tests/fixtures/tables and what DuckDB reads in it.

  python3 -m venv VENV && VENV/bin/pip install pyarrow duckdb
  VENV/bin/python scripts/table_fixtures.py

Files are written by pyarrow (Parquet, CSV) or by hand (what writers do not do by themselves). The answers, NAME.rows.json,
are what DuckDB, which shares no code with pyarrow's writer or with ours, reads of each file: [device, time in ns, version,
hardware, interval in ns, {metric: value}], missing values left out; floats as texts, which keep all their digits.
"""
import datetime
import json
import math
import pathlib

import duckdb
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/tables"
BASE = 1_760_000_400
N = 200
ROLES = ("device", "time_ns", "version", "hardware", "interval_ns")


def some(n, every, value):
    """Values with a hole in every `every`th row."""
    return [None if i % every == every - 1 else value(i) for i in range(n)]


def heartbeats(n=N):
    return pa.table({
        "device": pa.array([f"SN-{i // 20:04d}" for i in range(n)]),
        "timestamp": pa.array([(BASE + 3600 * (i % 20)) * 1000 + i for i in range(n)], pa.timestamp("ms", tz="UTC")),
        "version": pa.array(some(n, 17, lambda i: f"1.{i % 3}.0")),
        "hw": pa.array([i // 20 % 3 for i in range(n)], pa.int8()),
        "interval_s": pa.array(some(n, 11, lambda i: 3600 + i % 5), pa.uint16()),
        "temp_c": pa.array(some(n, 3, lambda i: 20 + i % 7 - 30 * (i % 2)), pa.int8()),
        "free_heap_bytes": pa.array(some(n, 5, lambda i: 2**31 + 1000 * i), pa.uint32()),
        "uptime_ns": pa.array(some(n, 7, lambda i: -(2**62) + i), pa.int64()),
        "batt_v": pa.array(some(n, 4, lambda i: [3.3, float("nan"), float("inf"), -0.0, 3.701][i % 5]), pa.float32()),
        "drift": pa.array(some(n, 6, lambda i: [0.1, -1e300, 5e-324, float("-inf")][i % 4]), pa.float64()),
        "is_charging": pa.array(some(n, 9, lambda i: i % 2 == 0), pa.bool_()),
        "network": pa.array(some(n, 8, lambda i: ["wifi", "lte", "käbel"][i % 3])),
        "never_set": pa.array([None] * n, pa.int32()),
    })


def long(n=60):
    rows = [(f"D{d}", BASE + 3600 * h, m, v) for d in range(4) for h in range(5)
            for m, v in (("rssi", -50 - d - h), ("temp_c", 20.5 + h), ("reboots", d)) if (d + h) % 4 or m != "rssi"]
    return pa.table({"serial": [r[0] for r in rows], "ts": pa.array([r[1] for r in rows], pa.int64()),
                     "metric": [r[2] for r in rows], "value": pa.array([float(r[3]) for r in rows])})


def nested():
    t = heartbeats(40)
    names = t.column_names[5:10]
    metrics = pa.StructArray.from_arrays([t.column(c).combine_chunks() for c in names], names)
    return t.select(["device", "timestamp", "version", "hw", "interval_s"]).append_column("metrics", metrics)


def events(n=50):
    return pa.table({
        "device": [f"SN-{i % 10:04d}" for i in range(n)],
        "ts": pa.array([BASE + 1000 * i for i in range(n)], pa.int64()),
        "version": [f"1.{i % 3}.0" for i in range(n)],
        "hw": pa.array([i % 3 for i in range(n)], pa.int8()),
        "issue": pa.array([i % 7 for i in range(n)], pa.int16()),
        "kind": some(n, 5, lambda i: ["crash", "watchdog"][i % 2]),
    })


def plain(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return repr(value)
    return value


def answer(name, sql):
    """Rows that DuckDB reads; the query gives the roles their names, all other columns are metrics."""
    cursor = duckdb.connect()
    cursor.execute("SET TimeZone='UTC'")
    result = cursor.execute(sql.replace("FILE", f"'{OUT / name}'"))
    columns = [d[0] for d in result.description]
    rows = []
    for row in result.fetchall():
        named = dict(zip(columns, row))
        metrics = {k: plain(v) for k, v in named.items() if k not in ROLES and v is not None}
        head = [None if named.get(r) is None else named[r] if r.endswith("_ns") else str(named[r]) for r in ROLES]
        rows.append([*head, metrics])
    text = "[\n" + ",\n".join(json.dumps(r, ensure_ascii=False, sort_keys=True) for r in rows) + "\n]\n"
    (OUT / f"{name}.rows.json").write_text(text)


TIMESTAMP = "CAST(epoch_ns(timestamp) AS BIGINT) AS time_ns"
WIDE = f"""SELECT device, {TIMESTAMP}, version, hw AS hardware, CAST(interval_s AS BIGINT) * 1000000000 AS interval_ns,
           * EXCLUDE (device, timestamp, version, hw, interval_s) FROM FILE"""
NESTED = f"""SELECT device, {TIMESTAMP}, version, hw AS hardware, CAST(interval_s AS BIGINT) * 1000000000 AS interval_ns,
             metrics.* FROM FILE"""
LONG = """SELECT serial AS device, CAST(ts AS BIGINT) * 1000000000 AS time_ns, first(value) FILTER (metric = 'rssi') AS rssi,
          first(value) FILTER (metric = 'temp_c') AS temp_c, first(value) FILTER (metric = 'reboots') AS reboots
          FROM FILE GROUP BY ALL ORDER BY ALL"""
EVENTS = """SELECT device, CAST(ts AS BIGINT) * 1000000000 AS time_ns, version, hw AS hardware, CAST(issue AS VARCHAR) AS issue,
            coalesce(kind, 'crash') AS kind FROM FILE"""


def parquet():
    t = heartbeats()
    variants = {
        "wide_zstd": dict(compression="zstd", row_group_size=70),
        "wide_snappy_v2": dict(compression="snappy", data_page_version="2.0", data_page_size=100),
        "wide_gzip_plain": dict(compression="gzip", use_dictionary=False, write_page_checksum=True),
        "wide_none_delta": dict(compression="none", use_dictionary=False, column_encoding={
            "device": "DELTA_BYTE_ARRAY", "timestamp": "DELTA_BINARY_PACKED", "uptime_ns": "DELTA_BINARY_PACKED",
            "network": "DELTA_LENGTH_BYTE_ARRAY", "batt_v": "BYTE_STREAM_SPLIT", "drift": "BYTE_STREAM_SPLIT"}),
    }
    for name, options in variants.items():
        pq.write_table(t, OUT / f"{name}.parquet", **options)
        answer(f"{name}.parquet", WIDE)
    pq.write_table(long(), OUT / "long.parquet")
    answer("long.parquet", LONG)
    pq.write_table(nested(), OUT / "nested.parquet", compression="zstd")
    answer("nested.parquet", NESTED)
    pq.write_table(events(), OUT / "events.parquet", compression="zstd")
    answer("events.parquet", EVENTS)
    legacy = t.slice(0, 30).set_column(1, "timestamp", t.column("timestamp").slice(0, 30).cast(pa.timestamp("ns", tz="UTC")))
    pq.write_table(legacy, OUT / "int96.parquet", use_deprecated_int96_timestamps=True, compression="zstd")
    answer("int96.parquet", WIDE)


def dumps(row):
    def number(v):
        if isinstance(v, datetime.datetime):
            return v.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return v
    return json.dumps({k: number(v) for k, v in row.items()}, ensure_ascii=False).replace("NaN", "null").replace(
        "-Infinity", "null").replace("Infinity", "null")


def texts():
    t = heartbeats(60)
    read = "read_csv(FILE, header=true, all_varchar=false)"
    pc.write_csv(t, OUT / "wide.csv")
    answer("wide.csv", WIDE.replace("FROM FILE", f"FROM {read}"))
    pc.write_csv(long(), OUT / "long.csv")
    answer("long.csv", LONG.replace("FROM FILE", f"FROM {read}"))
    pc.write_csv(events(), OUT / "events.csv")
    answer("events.csv", EVENTS.replace("FROM FILE", f"FROM {read}"))
    (OUT / "flat.jsonl").write_text("".join(dumps(r) + "\n" for r in t.to_pylist()))
    answer("flat.jsonl", WIDE.replace("FROM FILE", "FROM read_json(FILE, format='newline_delimited')"))
    (OUT / "nested.jsonl").write_text("".join(dumps(r) + "\n" for r in (
        {**{k: v for k, v in r.items() if k != "metrics"}, "metrics": {k: v for k, v in r["metrics"].items() if v is not None}}
        for r in ({**r, "timestamp": int(r["timestamp"].timestamp())} for r in nested().to_pylist()))))
    answer("nested.jsonl", NESTED.replace(TIMESTAMP, "CAST(timestamp AS BIGINT) * 1000000000 AS time_ns").replace(
        "FROM FILE", "FROM read_json(FILE, format='newline_delimited')"))
    (OUT / "events.jsonl").write_text("".join(dumps(r) + "\n" for r in events().to_pylist()))
    answer("events.jsonl", EVENTS.replace("FROM FILE", "FROM read_json(FILE, format='newline_delimited')"))


OUT.mkdir(parents=True, exist_ok=True)
parquet()
texts()
print("\n".join(f"{p.stat().st_size:8} {p.name}" for p in sorted(OUT.iterdir())))
