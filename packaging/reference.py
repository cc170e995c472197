"""The reference of C as Markdown, from the header: a page for each of its chapters. `docs.py` writes it."""

from __future__ import annotations

import re

import man

NAME = re.compile(r"`[^`\n]+`|\bmmx_\w+(?:\(\))?|\bMMX_\w+(?:\.\.\.)?")
DEFINE = re.compile(r"#define (MMX_\w+)(?: (.*?))?(?: /\* (.*) \*/)?")
TYPE = re.compile(r"\(\*(mmx_\w+)\)|\b(mmx_\w+);")


def escaped(text: str) -> str:
    return re.sub(r"([\\*_<>\[\]{}|~#$])", r"\\\1", text)


def prose(text: str) -> str:
    """A text of the header, in which the names of the interface are code."""
    out, end = "", 0
    for name in NAME.finditer(text):
        out += escaped(text[end : name.start()]) + "`" + name[0].strip("`") + "`"
        end = name.end()
    return out + escaped(text[end:])


def paragraphs(text: str) -> str:
    out = []
    for number, part in enumerate(re.split(r"@code\n(.*?)@endcode", text, flags=re.DOTALL)):
        if number % 2:
            out.append("```c\n" + part.strip("\n") + "\n```")
        elif part.strip():
            out.append(prose(part.strip("\n")))
    return "\n\n".join(out)


def function(one: man.Function) -> str:
    description, parameters, returned, since = man.tags(one.doc)
    text = f"## {one.name}\n\n```c\n{one.declaration}\n```\n\n"
    text += paragraphs(re.sub(r"@code\n.*?@endcode", "", description, flags=re.DOTALL)) + "\n"
    if parameters:
        text += "\n| parameter | |\n| --- | --- |\n"
        text += "".join(f"| `{name}` | {prose(meaning)} |\n" for name, meaning in parameters)
    if returned:
        text += "\nReturns\n\n" + "".join(f"* {prose(entry)}\n" for entry in man.statuses(returned))
    examples = "\n\n".join(re.findall(r"@code\n.*?@endcode", description, flags=re.DOTALL))
    if examples:
        text += "\n" + paragraphs(examples) + "\n"
    return text + f"\nSince {since}.\n"


def blocks(types: str) -> list[tuple[str, str]]:
    """Comments and what they are about: a declaration, or the constants up to the next empty line or comment."""
    found, comment, code = [], "", ""
    depth, in_comment = 0, False
    for line in [*types.split("\n"), ""]:
        starts = re.match(r"/\*", line) and not depth
        if starts or (not line and not depth and not in_comment):
            if code:
                found.append((comment, code.strip("\n")))
                comment = code = ""
            elif starts and comment and not in_comment:
                found.append((comment, ""))
                comment = ""
        if starts:
            in_comment = True
        if in_comment:
            comment += line + "\n"
            in_comment = not line.endswith("*/")
        elif line:
            code += line + "\n"
            depth += line.count("{") - line.count("}")
            if line.startswith("typedef") and depth == 0 and line.endswith(("/", ";")) and "/**<" in line:
                found.append((comment, code.strip("\n")))
                comment = code = ""
    return [(man.plain(comment), code) for comment, code in found]


def declared(types: str) -> str:
    text = ""
    for comment, code in blocks(types):
        constants = [DEFINE.fullmatch(line) for line in code.split("\n")]
        if all(constants):
            rows = [one for one in constants if one]
            if len(rows) == 1 and rows[0][2].startswith("{"):
                text += f'\n<span id="{rows[0][1]}"></span>\n\n```c\n{code}\n```\n'
                continue
            text += ("\n" + paragraphs(comment) + "\n") if comment else ""
            text += "\n| constant | value | |\n| --- | --- | --- |\n"
            for one in rows:
                text += f'| <span id="{one[1]}"></span>`{one[1]}` | `{one[2]}` | {prose(one[3] or "")} |\n'
            continue
        names = [a or b for a, b in TYPE.findall(re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL))]
        meaning = re.search(r"/\*\*< (.*?) \*/$", code)
        if meaning:
            comment, code = meaning[1], code[: meaning.start()].strip()
        text += f"\n## {names[-1]}\n\n{paragraphs(comment)}\n\n```c\n{code}\n```\n"
    return text


def slug(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower()).strip("-")


def pages(header: str) -> dict[str, str]:
    introduction, sections = man.parse(header)
    introduction = re.sub(r"Generated from .*?\n\n", "", introduction)
    first, _, rest = introduction.partition("\n")
    text = "# C reference\n\nEvery function, type and constant of `mmx.h`, made from the header itself.\n\n"
    text += f"{prose(first)}\n\n"
    found, index = {}, ""
    for section in sections:
        name = slug(section.title)
        page = f"# {section.title}\n\n" + (paragraphs(section.introduction) + "\n" if section.introduction else "")
        page += "".join(declared(one) for one in section.types)
        page += "".join("\n" + function(one) for one in section.functions)
        found[name] = page
        index += f"\n## [{section.title}]({name}.md)\n\n" if section.functions or section.types else ""
        if section.functions:
            index += "| function | |\n| --- | --- |\n"
            index += "".join(f"| `{one.name}()` | {prose(one.summary)} |\n" for one in section.functions)
    contents = "\n".join(found)
    found["index"] = text + paragraphs(rest) + "\n" + index + f"\n```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    return found
