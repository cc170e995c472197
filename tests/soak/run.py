"""Runs the soak, draws its samples and fails if they aren't flat: `run.py LIBRARY_FOLDER SANDBOX FOLDER MINUTES`."""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import plot

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Measure:
    name: str
    column: int
    # How much the median of the last quarter may be above that of the second: a factor, and so much more.
    factor: float
    more: float


# Connections come and go, and malloc keeps what it has had for a while; 100 bytes a call are more within minutes.
MEASURES = (
    Measure("resident memory, KiB", 1, 1.10, 2048),
    Measure("file descriptors", 2, 1.10, 8),
    Measure("threads", 3, 1.0, 1),
)


def compile_program(library: Path, program: Path) -> None:
    command = ["cc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{ROOT / 'include'}"]
    command += [str(HERE / "soak.c"), f"-L{library}", f"-Wl,-rpath,{library}", "-lmmx", "-o", str(program)]
    subprocess.run(command, check=True)


def run(program: Path, sandbox: str, seconds: int, samples: Path) -> None:
    server = subprocess.Popen(
        [sandbox, "--ready-json", "--stop-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout
    try:
        ready = json.loads(server.stdout.readline())
        environment = {"PATH": os.environ.get("PATH", ""), "MMX_TEST_HTTP": ready["http_url"]}
        environment |= {"MMX_TEST_HTTPS": ready["https_url"], "MMX_TEST_CA": ready["ca_file"]}
        environment |= {"MMX_TEST_KEY": ready["api_key"]}
        with samples.open("wb") as output:
            # The calls that are under way at the end may take as long as their retries.
            done = subprocess.run([program, str(seconds)], env=environment, stdout=output, timeout=seconds + 300)
        if done.returncode != 0:
            raise SystemExit(f"the soak ended with {done.returncode}")
    finally:
        server.communicate()


def judge(rows: list[list[int]]) -> list[str]:
    quarter = len(rows) // 4
    wrong = []
    for measure in MEASURES:
        before = statistics.median(row[measure.column] for row in rows[quarter : 2 * quarter])
        after = statistics.median(row[measure.column] for row in rows[-quarter:])
        print(f"{measure.name}: median {before:.0f} in the second quarter, {after:.0f} in the last")
        if after > before * measure.factor + measure.more:
            wrong.append(f"{measure.name} grew from {before:.0f} to {after:.0f}")
    return wrong


def main() -> None:
    library, sandbox, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    seconds = round(float(sys.argv[4]) * 60)
    if seconds < 20:
        raise SystemExit("MINUTES: a third of a minute at least, for there are quarters to compare")
    folder.mkdir(parents=True, exist_ok=True)
    compile_program(library, folder / "soak")
    samples = folder / "samples.csv"
    run(folder / "soak", sandbox, seconds, samples)
    with samples.open() as file:
        rows = [[int(value) for value in row] for row in csv.reader(file)]
    if len(rows) != seconds:
        raise SystemExit(f"{len(rows)} samples in {seconds} s")
    picture = folder / "soak.svg"
    picture.write_text(plot.svg(rows, [(measure.name, measure.column) for measure in MEASURES]))
    print(f"{rows[-1][4]} calls in {seconds} s, {rows[-1][5]} of them failed of the network")
    if rows[-1][5] == 0 or rows[-1][4] < 2 * rows[-1][5]:
        raise SystemExit("the relays broke nothing, or nearly everything: nothing is proved")
    wrong = judge(rows)
    print(picture)
    if wrong:
        raise SystemExit("not flat: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
