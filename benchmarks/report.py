"""What is made of the rows: tables with ratios, goals, JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cases import BETWEEN, GOALS, LESS_IS_BETTER, OPERATIONS, PEERS, Goal
from chart import Bar, draw
from measuring import Row
from rows import Rows, is_reached

ROOT = Path(__file__).resolve().parent.parent
TITLES = {operation.name: operation.title for operation in (*OPERATIONS, *BETWEEN)}
TITLES["scale"] = "cost at 10 M queued in units of that at 1 k"
CORES = {"same": "clients and server on one core", "two": "clients on another core than the server"}


class Found(NamedTuple):
    """All that a run brought."""

    rows: list[Row]
    versions: dict[str, dict[str, str]]
    faults: dict[str, str]
    steps: dict[str, tuple[float, float, float]]


def figure(operation: str, value: float) -> str:
    """Return a value in its unit."""
    if operation.endswith("wake"):
        return f"{value * 1e6:,.0f} µs"
    if operation == "bytes":
        return f"{value:,.0f} B"
    return f"{value:,.2f}" if operation == "scale" else f"{value:,.0f}"


def short(ratio: float | None) -> str:
    """Return a ratio with as many digits as it deserves."""
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"


def line(row: Row) -> str:
    """Return a row as it is shown while the run goes on."""
    return (
        f"{row.store:<8}{row.cores:<5}{row.bytes:>5} B  {row.operation:<16}{row.subject:<18}"
        f"{figure(row.operation, row.median):>12}  ±{row.spread / 2:.0%}"
    )


def tables(rows: Rows) -> Iterator[str]:
    """Yield a table in Markdown for each operation, the fastest first."""
    groups: dict[tuple[str, str, int, str], list[Row]] = {}
    for row in rows.rows:
        if row.operation != "scale":  # which has a table of its own
            groups.setdefault((row.cores, row.store, row.bytes, row.operation), []).append(row)
    stores = list(dict.fromkeys(peer.store for peer in PEERS))
    between = {operation.name for operation in BETWEEN}
    heading = ""
    for (cores, store, size, operation), group in sorted(
        groups.items(),
        key=lambda item: (item[0][0], stores.index(item[0][1]), item[0][3] in between, item[0][2]),
    ):
        where = f"{store}, {CORES[cores]}" if store in ("redis", "asyncio") else store
        if where != heading:
            heading = where
            yield f"\n## {where}\n"
        less = operation in LESS_IS_BETTER
        group.sort(key=lambda row: row.median, reverse=not less)
        yield f"\n**{TITLES[operation]}{'' if less else f', bodies of {size} bytes'}**\n"
        last = "p99" if operation.endswith("wake") else "spread"
        first = "median" if less else "messages/s"
        yield f"| | {first} | {last} | in units of raw | queuekit in units of it |"
        yield "| --- | ---: | ---: | ---: | ---: |"
        for row in group:
            kit = rows.find(row, "queuekit")
            ratio = rows.ratio(kit, row.subject) if kit else None
            own = row.subject == "queuekit"
            name = f"**{row.subject}**" if own else row.subject
            tail = f"{row.spread:.0%}" if len(row.values) > 1 else ""
            if row.p99 is not None:
                tail = figure(operation, row.p99)
            raw = (
                short(rows.ratio(row, "raw"))
                if row.subject != "raw" and rows.find(row, "raw")
                else ""
            )
            yield (
                f"| {name} | {figure(operation, row.median)} | {tail} | {raw} |"
                f" {'' if own else short(ratio)} |"
            )


def goals(rows: Rows) -> Iterator[str]:
    """Yield the table of goals; the limit says what a hand-written program reaches of each."""
    yield "\n## Goals\n\nOne core, bodies of 100 bytes. The limit is what raw reaches of a goal.\n"
    yield "| store | operation | against | goal | measured | limit | reached |"
    yield "| --- | --- | --- | ---: | ---: | ---: | --- |"
    for goal in GOALS:
        unit = " x" if goal.against else ""

        def show(value: float | None, goal: Goal = goal, unit: str = unit) -> str:
            if value is None:
                return ""
            return short(value) + unit if unit else figure(goal.operation, value)

        found = rows.goal(goal, "queuekit")
        limit = rows.goal(goal, "raw") if goal.against != "raw" else None
        sign = "≤" if goal.operation in LESS_IS_BETTER else "≥"
        said = "not measured" if found is None else "yes" if is_reached(goal, found) else "**no**"
        yield (
            f"| {goal.store} | {TITLES[goal.operation]} | {goal.against or 'itself'} |"
            f" {sign} {show(goal.least)} | {show(found)} | {show(limit)} | {said} |"
        )


def server_versions(found: dict[str, str]) -> dict[str, str]:
    """Return name and version of the server."""
    if "valkey_version" in found:
        return {"valkey": found["valkey_version"]}
    return {"redis-server": found.get("redis_version", "?")}


def machine() -> dict[str, str]:
    """Return what the figures belong to."""
    return {
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def about(found: Found) -> Iterator[str]:
    """Yield what was measured with what, and what not."""
    texts = {**machine(), **found.versions["server"]}
    yield "Measured with " + ", ".join(f"{name} {text}" for name, text in texts.items()) + ".\n"
    yield "| | store | versions | what it is |"
    yield "| --- | --- | --- | --- |"
    for peer in PEERS:
        versions = found.versions.get(f"{peer.store} {peer.name}")
        if versions is not None:
            text = ", ".join(f"{name} {number}" for name, number in versions.items())
            yield f"| {peer.name} | {peer.store} | {text} | {peer.about} |"
    for name, why in found.faults.items():
        yield f"\nnot measured: {name}: {why}"


def long_queue(found: Found) -> Iterator[str]:
    """Yield the table of the steps on a short and on a long queue."""
    if not found.steps:
        return
    yield "\n## A long queue\n\nThe same steps, in turns, on two queues of one server.\n"
    yield "| step | 1 k queued | 10 M queued | ratio |"
    yield "| --- | ---: | ---: | ---: |"
    for label, (few, many, ratio) in found.steps.items():
        yield f"| {label} | {few * 1e6:.0f} µs | {many * 1e6:.0f} µs | {ratio:.2f} |"


def speed(rows: Rows) -> Iterator[str]:
    """Yield the README's table: queuekit, the limit, and who comes next."""
    yield "| on Redis, one core, 100 bytes | messages/s | of the limit | times as fast as |"
    yield "| --- | ---: | ---: | --- |"
    for operation in OPERATIONS[:10]:
        row = rows.of("redis", operation.name, "queuekit")
        if row is None:
            continue
        ratios = {
            peer.name: ratio
            for peer in PEERS
            if peer.store == "redis"
            and not peer.name.startswith(("raw", "queuekit"))
            and (ratio := rows.ratio(row, peer.name))
        }
        nearest = sorted(ratios.items(), key=lambda item: item[1])[:3]
        text = ", ".join(f"{name} {short(ratio)}" for name, ratio in nearest)
        limit = rows.ratio(row, "raw")
        yield f"| {operation.title} | {row.median:,.0f} | {short(limit)} | {text} |"


WAYS = {"prefetch": ", 100 ahead", "claim_ack_next": ", ack rides", "claim_ack": ", confirmed"}
SHOWN = {"raw": ("by hand (the limit)", "limit"), "redis-py": ("by hand, with redis-py", "limit")}


def panels(rows: Rows) -> list[tuple[str, list[Bar]]]:
    """Return what the chart shows: everybody's rates at three things, in all their ways."""
    wanted = (
        ("FIFO: take a message", ("get",)),
        ("Put a message, reliably", ("rput",)),
        ("Take and acknowledge each message", ("prefetch", "claim_ack_next", "claim_ack")),
    )
    subjects = [p.name for p in PEERS if p.store == "redis" and p.name != "queuekit json"]
    found: list[tuple[str, list[Bar]]] = []
    for heading, operations in wanted:
        bars: list[Bar] = []
        for subject in subjects:
            all_rows = [rows.of("redis", operation, subject) for operation in operations]
            own_rows = [row for row in all_rows if row is not None]
            for row in own_rows:
                name, kind = SHOWN.get(subject, (subject, "own" if subject == "queuekit" else ""))
                way = WAYS[row.operation] if len(own_rows) > 1 else ""
                bars.append(Bar(name + way, row.median, kind))
        if bars:
            found.append((heading, sorted(bars, key=lambda bar: -bar.value)))
    return found


BEGIN, END = "<!-- written by make bench -->\n", "<!-- until here -->"


def into_readme(lines: Iterator[str]) -> None:
    """Put a table between the README's two marks."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text("\n".join([before + BEGIN + next(lines), *lines, END + after]), "utf-8")


def as_json(found: Found, rows: Rows) -> str:
    """Return everything as JSON, a line for each row."""
    head = {
        "machine": machine(),
        "versions": found.versions,
        "not measured": found.faults,
        "long queue": found.steps,
    }
    lines = [
        json.dumps(
            {
                **row._asdict(),
                "values": [float(f"{value:.5g}") for value in row.values],
                "median": float(f"{row.median:.5g}"),
                "spread": round(row.spread, 3),
                "in units of raw": rows.ratio(row, "raw"),
            }
        )
        for row in found.rows
    ]
    return json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n' + ",\n".join(lines) + "\n]}\n"


def write(found: Found, whole: bool) -> None:
    """Print the tables and write them, with the JSON and the chart."""
    folder = ROOT / ("benchmarks/results" if whole else "build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(found.rows)
    parts = ("# Results\n", *about(found), *tables(rows), *long_queue(found), *goals(rows))
    text = "\n".join(parts) + "\n"
    print(text)
    (folder / "bench.md").write_text(text, encoding="utf-8")
    (folder / "bench.json").write_text(as_json(found, rows), encoding="utf-8")
    if shown := panels(rows):
        title = "Messages a second on Redis (100 bytes, one core; logarithmic scale)"
        (folder / "bench.svg").write_text(draw(title, shown), encoding="utf-8")
    if whole:
        into_readme(speed(rows))
    print(f"written: {folder.relative_to(ROOT)}/bench.md, bench.json, bench.svg")
