"""Writes a software bill of materials, CycloneDX JSON 1.5: `sbom.py CARGO FILE`, with `--library` without the command.

It lists the crates that are linked in, from Cargo.lock, and what the compilers add. The same sources and compilers give
the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from third_party import ROOT, licence, linked, read_metadata

Json = dict[str, Any]


def checksums() -> dict[tuple[str, str], str]:
    """The SHA-256 of each crate's archive, by name and version."""
    fields = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {(name, version): digest for name, version, digest in re.findall(fields, (ROOT / "Cargo.lock").read_text())}


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def component(kind: str, name: str, version: str, purl: str, licences: str) -> Json:
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [{"expression": licences}],
        "purl": purl,
    }


def from_compilers() -> list[Json]:
    rust = output(os.environ.get("RUSTC", "rustc"), "--version").split()[1]
    gcc = output(os.environ.get("CC") or "cc", "-dumpfullversion").strip()
    exception = "GPL-3.0-or-later WITH GCC-exception-3.1"
    return [
        component("library", "rust-std", rust, f"pkg:generic/rust-std@{rust}", "MIT OR Apache-2.0"),
        component("library", "libgcc", gcc, f"pkg:generic/libgcc@{gcc}", exception),
    ]


def crate(package: Json, hashes: dict[tuple[str, str], str]) -> Json:
    name, version = package["name"], package["version"]
    found = component("library", name, version, f"pkg:cargo/{name}@{version}", licence(package))
    found["hashes"] = [{"alg": "SHA-256", "content": hashes[name, version]}]
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def bill(cargo: str, with_command: bool) -> Json:
    metadata = read_metadata(cargo)
    hashes = checksums()
    packages = {one["id"]: one for one in metadata["packages"]}
    nodes = {one["id"]: one for one in metadata["resolve"]["nodes"]}
    own = {one["name"]: one for one in packages.values() if one["source"] is None}
    compilers = from_compilers()
    names = ["mmx", "mmx-files"] if with_command else ["mmx"]
    crates = set().union(*(linked(cargo, metadata, name) for name in names))
    refs = {one: f"pkg:cargo/{packages[one]['name']}@{packages[one]['version']}" for one in crates}
    parts = [crate(packages[one], hashes) for one in crates]
    products = []
    for name, kind in zip(names, ("library", "application"), strict=False):
        package = own[name]
        title, version = "libmmx" if name == "mmx" else name, package["version"]
        refs[package["id"]] = f"pkg:generic/{title}@{version}"
        products.append(component(kind, title, version, refs[package["id"]], licence(package)))
    depends = {
        ref: {refs[one["pkg"]] for one in nodes[package]["deps"] if one["pkg"] in refs and is_linked(one)}
        for package, ref in refs.items()
    }
    for product in products:
        depends[product["bom-ref"]] |= {one["bom-ref"] for one in compilers}
    main, *others = products
    result: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": main},
        "components": sorted([*others, *compilers, *parts], key=lambda one: str(one["bom-ref"])),
        "dependencies": [{"ref": ref, "dependsOn": sorted(depends[ref])} for ref in sorted(depends)],
    }
    # The number that the format asks for follows from the content.
    result["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(result, sort_keys=True)).urn
    return result


def is_linked(dependency: Json) -> bool:
    return any(kind["kind"] is None for kind in dependency["dep_kinds"])


def main() -> None:
    cargo, file = sys.argv[1], Path(sys.argv[2])
    found = bill(cargo, with_command="--library" not in sys.argv[3:])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
