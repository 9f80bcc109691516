#!/usr/bin/env python3
"""Writes a fleet sample for the benchmarks: seeded, so that it is the same everywhere. Needs numpy and pyarrow.

    scripts/generate_fleet.py FOLDER DEVICES DAYS [SEED]

hb.parquet has a row a heartbeat (about one an hour; 3 % are lost, and one device in ten is silent for a while): device, ts (seconds since
1970), version, hw and 100 metrics, 91 integers and 9 floats of which 6 use all their bits; sorted by device and time. ev.parquet has
the crashes. Versions 0 to 3 are rolled out one after the other; version 2 drains batteries, loses the network and crashes more often."""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BEGIN_S = 1_760_000_400
AT_ONCE = 500
SLOW = ["rssi", "temp_c"] + [f"gauge_{i:02}" for i in range(2, 20)]
BUSY = ["main_task_ms", "wifi_task_ms"] + [f"task_{i:02}_ms" for i in range(2, 40)]
RARE = ["wifi_disconnects"] + [f"err_{i:02}" for i in range(1, 30)]
NOISE = [f"flt_{i:02}" for i in range(3, 9)]
CRASHES_AN_HOUR = 1 / 500


def rollout(chance, n, hours):
    """Version of each device in each hour: every device takes each version at its own time."""
    version = np.zeros((n, hours), np.int8)
    for number in (1, 2, 3):
        since = chance.logistic(hours * number / 4, hours / 24, n)
        version[np.arange(hours) >= since[:, None]] = number
    return np.maximum.accumulate(version, axis=1)


def walk(chance, n, hours, level, spread):
    """Values that change slowly around the level of each device."""
    steps = chance.normal(0, 0.3, (n, hours))
    values = np.empty((n, hours))
    now = chance.normal(0, 1, n)
    for hour in range(hours):
        now = 0.95 * now + steps[:, hour]
        values[:, hour] = now
    return chance.normal(level, spread, n)[:, None] + values * spread / 3


def battery(chance, n, hours, is_bad):
    drain = np.maximum(chance.normal(0.9, 0.2, n), 0.3)[:, None] * np.where(is_bad, 1.8, 1.0) * chance.lognormal(0, 0.2, (n, hours))
    charge = np.empty((n, hours))
    now = chance.uniform(40, 100, n)
    for hour in range(hours):
        now = now - drain[:, hour]
        now = np.where(now < 8, 100.0, now)
        charge[:, hour] = now
    return charge


def metrics(chance, n, hours, is_bad):
    columns = {}
    for i, name in enumerate(SLOW):
        level, spread = {0: (-62, 9), 1: (31, 6)}.get(i, (50 + 37 * i, 4 + i))
        columns[name] = np.rint(walk(chance, n, hours, level, spread)).astype(np.int32)
    for i, name in enumerate(BUSY):
        own = chance.lognormal(np.log(40 * 1.35 ** (i % 16)), 0.5, n)[:, None]
        columns[name] = np.rint(np.clip(own * chance.lognormal(0, 0.15, (n, hours)), 0, 3_600_000)).astype(np.int32)
    charge = battery(chance, n, hours, is_bad)
    columns["battery_soc"] = np.rint(charge).astype(np.int32)
    for i, name in enumerate(RARE):
        rate = 0.2 * np.where(is_bad, 6.0, 1.0) if i == 0 else 10 ** (-3 + 1.7 * i / 29)
        columns[name] = chance.poisson(rate, (n, hours)).astype(np.int32)
    volts = {"batt_v": 3.3 + 0.009 * charge + chance.normal(0, 0.004, (n, hours)), "vdd_v": chance.normal(3.3, 0.01, (n, hours)),
             "usb_v": np.where(chance.random((n, hours)) < 0.9, 0, chance.normal(5, 0.05, (n, hours)))}
    for name, values in volts.items():
        columns[name] = (np.rint(values * 1000) / 1000).astype(np.float32)
    for i, name in enumerate(NOISE):
        columns[name] = chance.normal(10 * (i + 3) + 1, i + 4, (n, hours)).astype(np.float32)
    return columns


def devices(first, n, hours, seed):
    """Heartbeats and crashes of some devices."""
    chance = np.random.default_rng([seed, first])
    hardware = chance.choice(3, n, p=[0.6, 0.3, 0.1]).astype(np.int8)
    version = rollout(chance, n, hours)
    is_bad = version == 2
    columns = metrics(chance, n, hours, is_bad)
    is_there = chance.random((n, hours)) >= 0.03
    for device in np.flatnonzero(chance.random(n) < 0.1):
        since = chance.integers(0, hours)
        is_there[device, since : since + chance.integers(6, 48)] = False
    time = BEGIN_S + 3600 * np.arange(hours)[None, :] + chance.integers(0, 3500, n)[:, None] + chance.integers(0, 41, (n, hours))
    own = {"device": np.repeat(np.arange(first, first + n, dtype=np.uint32), hours).reshape(n, hours), "ts": time, "version": version,
           "hw": np.repeat(hardware, hours).reshape(n, hours)}
    crashed = is_there & (chance.random((n, hours)) < np.where(is_bad, 3, 1) * CRASHES_AN_HOUR)
    events = {name: values[crashed] for name, values in own.items()}
    events["ts"] = events["ts"] + chance.integers(0, 3600, len(events["ts"]))
    events["issue"] = (chance.zipf(1.6, len(events["ts"])) % 40).astype(np.int16)
    return pa.table({name: values[is_there] for name, values in {**own, **columns}.items()}), pa.table(events)


def main(folder, n_devices, n_days, seed=1):
    os.makedirs(folder, exist_ok=True)
    writer, all_events, n_rows = None, [], 0
    for first in range(0, n_devices, AT_ONCE):
        heartbeats, events = devices(first, min(AT_ONCE, n_devices - first), n_days * 24, seed)
        all_events.append(events)
        n_rows += heartbeats.num_rows
        if writer is None:
            writer = pq.ParquetWriter(os.path.join(folder, "hb.parquet"), heartbeats.schema, compression="zstd", compression_level=3)
        writer.write_table(heartbeats, row_group_size=100_000)
    writer.close()
    pq.write_table(pa.concat_tables(all_events), os.path.join(folder, "ev.parquet"), compression="zstd")
    n_metrics = heartbeats.num_columns - 4
    print(f"{folder}: {n_devices} devices, {n_days} days, {n_rows} heartbeats, {n_rows * n_metrics} points, {sum(map(len, all_events))} crashes")


if len(sys.argv) < 4:
    sys.exit(__doc__)
main(sys.argv[1], *map(int, sys.argv[2:]))
