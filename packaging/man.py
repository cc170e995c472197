"""Writes the manual pages of section 3 from the header: `man.py include/mmx.h VERSION FOLDER`.

mmx(3) has the introduction, the types and a list of the functions; each function has a page of its own.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Function:
    name: str
    declaration: str
    doc: str

    @property
    def summary(self) -> str:
        """The first sentence, without its full stop and the note on threads."""
        paragraph = " ".join(self.doc.split("\n\n")[0].split("\n@")[0].split())
        return re.split(r"\.(?: |$)", paragraph)[0]


@dataclass
class Section:
    title: str
    introduction: str
    types: list[str]
    functions: list[Function]


def plain(comment: str) -> str:
    """A comment without its marks and the stars at its left."""
    lines = comment.strip().removeprefix("/*").removeprefix("*").removesuffix("*/").split("\n")
    return "\n".join(re.sub(r"^ ?", "", line.strip().removeprefix("*")) for line in lines).strip()


def parse(header: str) -> tuple[str, list[Section]]:
    introduction, rest = header.split("*/", 1)
    heading = re.compile(r"^/\* ---- (.*?) -{3,}\n(.*?)\*/", re.MULTILINE | re.DOTALL)
    parts = heading.split(rest)
    sections = [Section("Types and versions", "", types(parts[0]), [])]
    for title, comment, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        body = body.partition("#ifdef __cplusplus")[0]
        sections.append(Section(title, plain(comment), types(body), list(functions(body))))
    return plain(introduction), sections


FUNCTION = re.compile(
    r"^(/\*\*(?:(?!\*/).)*?\*/)\n((?!typedef|#)[^/;{}]*?\b(mmx_\w+)\([^;{}]*\);)\n", re.MULTILINE | re.DOTALL
)


def functions(body: str) -> list[Function]:
    return [Function(name, declaration, plain(doc)) for doc, declaration, name in FUNCTION.findall(body)]


def types(body: str) -> list[str]:
    """What isn't a function: structs, callbacks and constants, with their comments."""
    rest = re.sub(
        r"^#(?:ifn?def|endif|include|define MMX_H\b).*\n|^extern \"C\" \{\n",
        "",
        FUNCTION.sub("", body),
        flags=re.MULTILINE,
    )
    rest = re.sub(r"\n{3,}", "\n\n", rest).strip()
    return [rest] if rest else []


def escape(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq")
    return text.replace("`", "\\`").replace("^", "\\(ha").replace("~", "\\(ti")


def line(text: str) -> str:
    text = escape(text)
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def filled(text: str) -> str:
    """Paragraphs and code of a comment as roff; lists keep their lines."""
    out: list[str] = []
    for number, part in enumerate(re.split(r"@code\n(.*?)@endcode", text, flags=re.DOTALL)):
        if number % 2:
            out.append(code(part.strip("\n")))
            continue
        for paragraph in filter(None, (one.strip("\n") for one in part.split("\n\n"))):
            out.append(".PP\n" + "\n".join(line(one.strip()) for one in paragraph.split("\n")))
    return "\n".join(out)


def code(text: str) -> str:
    return ".PP\n.RS 4\n.nf\n" + "\n".join(line(one) for one in text.split("\n")) + "\n.fi\n.RE"


def page(name: str, version: str, summary: str, body: list[tuple[str, str]]) -> str:
    out = [
        f'.TH "{name.upper()}" 3 "" "libmmx {version}" "MiniMax file API"',
        ".SH NAME",
        f"{name} \\- {escape(summary)}",
    ]
    for title, text in body:
        out += [f'.SH "{title}"', text.removeprefix(".PP\n")]
    return "\n".join(out) + "\n"


LINK = '.PP\nLink with the output of\n.BR "pkg\\-config \\-\\-cflags \\-\\-libs mmx" .'


def tags(doc: str) -> tuple[str, list[tuple[str, str]], str, str]:
    """The description, the parameters, what is returned, and the version of a comment."""
    examples = "".join(re.findall(r"@code\n.*?@endcode", doc, flags=re.DOTALL))
    doc = re.sub(r"@code\n.*?@endcode", "", doc, flags=re.DOTALL)
    description, *tagged = re.split(r"^@", doc, flags=re.MULTILINE)
    parameters, returned, since = [], "", ""
    for tag in tagged:
        kind, _, text = tag.partition(" ")
        if kind == "param":
            name, _, meaning = text.partition(" ")
            parameters.append((name, " ".join(meaning.split())))
        elif kind == "return":
            returned = text.strip("\n")
        elif kind == "since":
            since = text.strip()
        else:
            raise SystemExit(f"man.py: the tag @{kind} is unknown")
    return description.strip() + ("\n\n" + examples if examples else ""), parameters, returned, since


def items(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f".TP\n.I {escape(name)}\n{line(meaning)}" for name, meaning in pairs)


def statuses(text: str) -> list[str]:
    """Lines that are indented by two begin a status; those indented by more continue it."""
    entries: list[str] = []
    for one in text.split("\n"):
        if entries and (not one.startswith("  ") or one.startswith("    ")):
            entries[-1] += " " + one.strip()
        else:
            entries.append(one.strip())
    return entries


def returns(text: str) -> str:
    return "\n".join(".PP\n" + line(entry) for entry in statuses(text))


def function_page(function: Function, section: Section, version: str) -> str:
    description, parameters, returned, since = tags(function.doc)
    body = [
        (
            "SYNOPSIS",
            ".nf\n.B #include <mmx.h>\n.PP\n"
            + "\n".join(map(line, function.declaration.split("\n")))
            + "\n.fi\n"
            + LINK,
        )
    ]
    body.append(("DESCRIPTION", filled(description)))
    if parameters:
        body.append(("PARAMETERS", items(parameters)))
    if returned:
        body.append(("RETURN VALUE", returns(returned)))
    body.append(("HISTORY", f".PP\nSince libmmx {since}."))
    mentioned = re.findall(r"\b(mmx_\w+)\(\)", function.doc)
    related = dict.fromkeys([*mentioned, *(one.name for one in section.functions)])
    related.pop(function.name, None)
    body.append(("SEE ALSO", see(["mmx", *related])))
    return page(function.name, version, function.summary, body)


def see(names: list[str]) -> str:
    return "\n".join(f".BR {escape(name)} (3)" + (" ," if name != names[-1] else "") for name in names)


def main_page(introduction: str, sections: list[Section], version: str) -> str:
    summary, _, rest = introduction.partition("\n")
    rest = re.sub(r"Generated from .*?\n\n", "", rest, flags=re.DOTALL)
    body = [("SYNOPSIS", ".nf\n.B #include <mmx.h>\n.fi\n" + LINK), ("DESCRIPTION", filled(rest))]
    for section in sections:
        text = [filled(section.introduction)] if section.introduction else []
        text += [code(one) for one in section.types]
        text += [f".TP\n.BR {escape(one.name)} (3)\n{line(one.summary)}." for one in section.functions]
        if text:
            body.append((escape(section.title.upper()), "\n".join(text)))
    body.append(("SEE ALSO", ".BR mmx\\-files (1)"))
    return page("mmx", version, summary.removeprefix("libmmx: ").rstrip("."), body)


def main() -> None:
    header, version, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    introduction, sections = parse(header.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"mmx": main_page(introduction, sections, version)}
    for section in sections:
        for function in section.functions:
            pages[function.name] = function_page(function, section, version)
    for name, text in pages.items():
        (folder / f"{name}.3").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
