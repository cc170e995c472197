"""The software bills of materials: valid, complete, the same each time, in the installed prefix and in the wheel."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from conftest import ROOT, TARGET, Installed, make

Json = dict[str, Any]


@pytest.fixture(scope="module", params=["prefix", "wheel"])
def bill(request: pytest.FixtureRequest, installed: Installed) -> str:
    if request.param == "prefix":
        return (installed.prefix / "share" / "doc" / "mmx" / "mmx.cdx.json").read_text()
    (wheel,) = (TARGET / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("mmx-1.0.0.dist-info/sboms/mmx.cdx.json").decode()


def crates(product: str) -> dict[tuple[str, str], str]:
    """What cargo itself says is linked into a product, and the checksums of Cargo.lock."""
    command = ["cargo", "tree", "--locked", "--prefix", "none", "--edges", "normal,no-proc-macro", "--format", "{p}"]
    command += ["--target", "x86_64-unknown-linux-gnu", "--package", product]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = {(name, version) for name, version in re.findall(r"^(\S+) v(\S+)(?: \(\*\))?$", printed, re.MULTILINE)}
    lock = (ROOT / "Cargo.lock").read_text().split("[[package]]\n")[1:]
    locked = [dict(re.findall(r'^(\w+) = "(.*)"$', entry, re.MULTILINE)) for entry in lock]
    return {(one["name"], one["version"]): one["checksum"] for one in locked if (one["name"], one["version"]) in found}


def test_it_is_valid(bill: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(bill) is None
    found = json.loads(bill)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    assert found["metadata"]["component"]["purl"] == "pkg:generic/libmmx@1.0.0"


def test_every_linked_crate_is_there(bill: str) -> None:
    found = json.loads(bill)
    purls = {one["purl"]: one for one in found["components"]}
    has_command = "pkg:generic/mmx-files@1.0.0" in purls
    expected = crates("mmx") | (crates("mmx-files") if has_command else {})
    assert len(expected) > (80 if has_command else 40)
    assert {purl for purl in purls if purl.startswith("pkg:cargo/")} == {
        f"pkg:cargo/{name}@{version}" for name, version in expected
    }
    for (name, version), checksum in expected.items():
        one = purls[f"pkg:cargo/{name}@{version}"]
        assert (one["name"], one["version"]) == (name, version)
        assert one["hashes"] == [{"alg": "SHA-256", "content": checksum}]
        assert re.search(r"MIT|Apache-2\.0|ISC|BSD-|Unicode-3\.0|Zlib|CDLA", one["licenses"][0]["expression"]), name
    assert {one["name"] for one in purls.values()} >= {"rust-std", "libgcc"}


def test_each_part_is_reached_from_the_products(bill: str) -> None:
    found = json.loads(bill)
    depends = {one["ref"]: one["dependsOn"] for one in found["dependencies"]}
    reached, waiting = set(), ["pkg:generic/libmmx@1.0.0", "pkg:generic/mmx-files@1.0.0"]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += depends.get(here, [])
    assert {one["bom-ref"] for one in found["components"]} <= reached


def test_it_is_the_same_each_time(installed: Installed) -> None:
    path = make("sbom").strip()
    with open(path, encoding="utf-8") as file:
        assert file.read() == (installed.prefix / "share" / "doc" / "mmx" / "mmx.cdx.json").read_text()
