#!/usr/bin/env python3
"""What DuckDB and Python's csv module read in tests/fixtures/export: the answers that tests/export.rs is held against.

  UPDATE_FIXTURES=1 cargo nextest run --test export     (fails until the answers are there)
  python3 -m venv VENV && VENV/bin/pip install duckdb pyarrow
  VENV/bin/python scripts/export_fixtures.py

NAME.rows.json: names of types, and the rows. Floats are texts as Rust writes them with an exponent, times nanoseconds since 1970.
pyarrow has to read the same, or nothing is written.
"""
import csv
import json
import pathlib
import re

import duckdb
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent.parent / "tests/fixtures/export"


def exponent(value):
    """As Rust's `{:e}`: 1e-1."""
    digits, power = re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", f"{value:.16e}").groups()
    for n in range(17):
        text = f"{value:.{n}e}"
        if float(text) == value:
            digits, power = re.fullmatch(r"(-?[\d.]+)e([+-]\d+)", text).groups()
            break
    return f"{digits}e{int(power)}"


def parquet():
    path = HERE / "table.parquet"
    relation = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    names, types = relation.columns, [str(kind) for kind in relation.types]
    wanted = [f'epoch_ns("{name}")' if kind.startswith("TIMESTAMP") else f'"{name}"' for name, kind in zip(names, types)]
    rows = [[exponent(cell) if isinstance(cell, float) else cell for cell in row]
            for row in duckdb.sql(f"SELECT {', '.join(wanted)} FROM read_parquet('{path}')").fetchall()]
    table = pq.read_table(path)
    columns = [column.cast("int64") if str(column.type).startswith("timestamp") else column for column in table.columns]
    others = [[exponent(cell) if isinstance(cell, float) else cell for cell in row] for row in zip(*(column.to_pylist() for column in columns))]
    assert rows == others, (rows, others)
    assert str(table.schema.field("time").type) == "timestamp[ns, tz=UTC]", table.schema
    assert table.schema.metadata[b"fieldscope.query"] == b"made-up"
    return {"types": types, "rows": rows}


def text():
    with open(HERE / "table.csv", encoding="utf-8", newline="") as file:
        return {"rows": list(csv.reader(file, strict=True))}


for name, answers in (("table.parquet", parquet()), ("table.csv", text())):
    (HERE / f"{name}.rows.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
