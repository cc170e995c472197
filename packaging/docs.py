"""The pages of the repository as a site.

`docs.py check` checks the links of all pages, `docs.py stage FOLDER` writes what Sphinx reads, and `docs.py verify
FOLDER` checks the links of what it has written, and that none of it is loaded from elsewhere. `make docs` does it all.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import reference

ROOT = Path(__file__).resolve().parent.parent
HEADER = "include/mmx.h"
PICTURES = (".svg", ".png")
LANGUAGES = {
    ".c": "c",
    ".cpp": "cpp",
    ".go": "go",
    ".h": "c",
    ".hpp": "cpp",
    ".json": "json",
    ".py": "python",
    ".rs": "rust",
}
FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
LINK = re.compile(r"(?<=\]\()[^()\s]+(?=\))")
# Code within a line, where brackets are no link; the link of a text in code is one.
CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
EXTERNAL = re.compile(r"https://([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?(/[^\s<>\"]*)?")


def pages() -> list[str]:
    folders = ("", "docs", "bindings/python", "bindings/go", "benches")
    found = [path for folder in folders for path in (ROOT / folder).glob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if not path.is_symlink())


def lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines of a page, and whether each is text, not code."""
    fence = ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        yield line, not (fence or mark)
        if mark and not fence:
            fence = mark[1]
        elif fence and line.strip() == fence:
            fence = ""


def links(line: str) -> Iterator[re.Match[str]]:
    code = [one.span() for one in CODE.finditer(line)]
    for link in LINK.finditer(line):
        if not any(start < link.start() < end for start, end in code):
            yield link


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown viewer makes of the headings."""
    found: set[str] = set()
    for line, is_text in lines(text):
        heading = re.match(r"#{1,6} (.*)", line) if is_text else None
        if heading:
            title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading[1]).strip().lower()
            slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            number = 0
            while (name := slug + (f"-{number}" if number else "")) in found:
                number += 1
            found.add(name)
    return found


def target_of(page: str, link: str) -> str | None:
    """The path of a link to this repository, or None: it leads out of it, or nowhere."""
    path = (ROOT / page).parent / unquote(link) if link else ROOT / page
    path = path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) and path.exists() else None


def wrong(page: str, link: str) -> str | None:
    if re.match(r"[a-z]+:", link):
        return None if EXTERNAL.fullmatch(link) else "is no https:// link"
    path, _, anchor = link.partition("#")
    target = target_of(page, path)
    if target is None:
        return "leads to nothing"
    file = ROOT / target
    if file.is_dir():
        file = file / "README.md"
    if anchor and (file.suffix != ".md" or anchor not in anchors(file.read_text(encoding="utf-8"))):
        return f"leads to no heading of {target}"
    return None


def check() -> list[str]:
    failures = []
    for page in pages():
        for number, (line, is_text) in enumerate(lines((ROOT / page).read_text(encoding="utf-8")), 1):
            for link in links(line) if is_text else ():
                if reason := wrong(page, link[0]):
                    failures.append(f"{page}:{number}: {link[0]} {reason}")
    listed = {page for _, chapter in contents() for page in chapter}
    failures += [
        f"README.md: its table of pages lacks {page}" for page in pages() if page[:5] == "docs/" and page not in listed
    ]
    return failures


def contents() -> list[tuple[str, list[str]]]:
    """The README's table of pages: bold rows are the titles of chapters, the links of the other ones their pages."""
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Pages\n")[2].partition("\n## ")[0]
    chapters: list[tuple[str, list[str]]] = []
    for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE):
        if title := re.match(r" \*\*(.*)\*\* ", row):
            chapters.append((title[1], []))
            continue
        for link in LINK.findall(row):
            target = target_of("README.md", link)
            if target is None or not chapters:
                raise SystemExit(f"README.md: {link} leads to nothing, or is in no chapter")
            path = ROOT / target
            chapters[-1][1].append(f"{target}/README.md" if path.is_dir() else target)
    return chapters


def name_of(target: str) -> str:
    """Where a file of the repository is in the site, without its extension."""
    if target == "README.md":
        return "index"
    if target == HEADER:
        return "reference/index"
    if target.endswith(".md"):
        return target.removeprefix("docs/").removesuffix(".md").removesuffix("/README").lower()
    return f"source/{target}"


class Stage:
    """Writes what Sphinx reads: pages with the site's own links, the reference, and a page for each linked file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listed = {name_of(page) for _, chapter in contents() for page in chapter}

    def write(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        orphan = (
            ""
            if name in self.listed or name == "index" or name.startswith("reference/")
            else "---\norphan: true\n---\n"
        )
        path.write_text(orphan + text, encoding="utf-8")

    def link(self, page: str, link: str) -> str:
        path, _, anchor = link.partition("#")
        target = target_of(page, path)
        if re.match(r"[a-z]+:", link) or not path or target is None:
            return link
        if (ROOT / target / "README.md").exists():
            target += "/README.md"
        up = "../" * name_of(page).count("/")
        if target.endswith(PICTURES):
            (self.folder / "pictures").mkdir(exist_ok=True)
            shutil.copy(ROOT / target, self.folder / "pictures")
            return f"{up}pictures/{PurePosixPath(target).name}"
        if not target.endswith(".md") and target != HEADER:
            self.source(target)
        return f"{up}{name_of(target)}.md" + (f"#{anchor}" if anchor else "")

    def source(self, target: str) -> None:
        path, name = ROOT / target, name_of(target)
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and one.suffix in LANGUAGES)
            inside += sorted(one for one in path.iterdir() if (one / "main.go").exists())
            up = "../" * name.count("/")
            rows = []
            for one in inside:
                self.source(one.relative_to(ROOT).as_posix())
                rows.append(f"* [{one.name}]({up}{name_of(one.relative_to(ROOT).as_posix())}.md)")
            self.write(name, f"# {target}\n\n" + "\n".join(rows) + "\n")
        else:
            code = path.read_text(encoding="utf-8")
            self.write(name, f"# {target}\n\n``````{LANGUAGES.get(path.suffix, 'text')}\n{code.rstrip()}\n``````\n")

    def page(self, page: str) -> None:
        out = []
        for line, is_text in lines((ROOT / page).read_text(encoding="utf-8")):
            for link in reversed(list(links(line))) if is_text else ():
                line = line[: link.start()] + self.link(page, link[0]) + line[link.end() :]
            out.append(line)
        text = "\n".join(out)
        if page == "README.md":
            for title, chapter in contents():
                names = "\n".join(dict.fromkeys(map(name_of, chapter)))
                text += f"\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {title}\n\n{names}\n```\n"
        self.write(name_of(page), text)

    def all(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, text in reference.pages((ROOT / HEADER).read_text(encoding="utf-8")).items():
            self.write(f"reference/{name}", text)
        for page in pages():
            self.page(page)


class Html(HTMLParser):
    """The anchors of a page, what it links to, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.refs: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if value is None:
                continue
            if key == "id":
                self.ids.add(value)
            elif key in ("src", "srcset") or (key == "href" and tag == "link"):
                self.loads.append(value)
            elif key == "href":
                self.refs.append(value)


def verify(folder: Path) -> list[str]:
    site = {path: Html(path) for path in sorted(folder.rglob("*.html"))}
    failures = [] if site else [f"{folder} has no page"]
    for path, page in site.items():
        name = path.relative_to(folder)
        for link in page.refs + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loads and parts.scheme != "data":
                    failures.append(f"{name}: loads {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                failures.append(f"{name}: {link} leads to nothing")
            elif parts.fragment and target in site and unquote(parts.fragment) not in site[target].ids:
                failures.append(f"{name}: {link} leads to no anchor")
    for style in folder.rglob("*.css"):
        for url in re.findall(
            r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)", style.read_text(encoding="utf-8")
        ):
            failures.append(f"{style.relative_to(folder)}: loads {url}")
    return failures


def main() -> None:
    match sys.argv[1:]:
        case ["check"]:
            failures = check()
        case ["stage", folder]:
            Stage(Path(folder)).all()
            return
        case ["verify", folder]:
            failures = verify(Path(folder).resolve())
        case _:
            raise SystemExit(__doc__)
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
