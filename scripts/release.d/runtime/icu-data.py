#!/usr/bin/env python3
"""Reduces the data of ICU in Swift's Foundation to English, and writes it as source for the assembler.

A third of the compressed program would otherwise be names of languages, currencies and time zones, and
rules of collation and hyphenation, in 700 locales. dis-eval writes numbers and dates in one form everywhere.

    icu-data.py lib_FoundationICU.a OUT.S OUT.dat

The symbol is __wrap_ and that of ICU's own data, for the linker's option --wrap.

The data is a table of named items, "CmnD" in ICU's udata.h. Items keep their bytes and their order.
"""

import re
import struct
import subprocess
import sys
import tempfile

MEMBER = "icu_packaged_data.cpp.o"
# A language, perhaps with a script, a region and a variant: de.res, zh_Hant_HK.res, ca_ES_VALENCIA.res
LOCALE = re.compile(r"([a-z]{2,3})(_[A-Z][a-z]{3})?(_([A-Z]{2}|[0-9]{3}))?(_[A-Z]+)?\.res")
# Rules that break lines and words of languages without spaces, and transliterations.
DROPPED = re.compile(r"brkitr/.*\.dict|brkitr/.*lstm.*\.res|translit/(?!root|res_index).*")


def is_kept(name):
    locale = LOCALE.fullmatch(name.rsplit("/", 1)[-1])
    return not DROPPED.fullmatch(name) and (locale is None or locale[1] == "en")


def main(archive, source, data_file):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ar", "x", archive, MEMBER], cwd=folder, check=True)
        symbols = subprocess.run(
            ["nm", "--defined-only", "--print-size", MEMBER], cwd=folder, check=True, capture_output=True, text=True).stdout
        found = re.fullmatch(r"0+ ([0-9a-f]+) R (icudt\d+_dat)\n", symbols)
        if not found:
            sys.exit(f"icu-data: {MEMBER} has other symbols than expected: {symbols}")
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.rodata", MEMBER, "data"], cwd=folder, check=True)
        with open(f"{folder}/data", "rb") as file:
            data = file.read()[: int(found[1], 16)]
    symbol = found[2]

    # UDataInfo: the size of the header, two magic bytes, and at 8 the byte order and the format.
    header, first, second = struct.unpack_from("<HBB", data)
    if (first, second) != (0xDA, 0x27) or data[8] != 0 or data[12:16] != b"CmnD" or data[16] != 1:
        sys.exit("icu-data: the data does not have the expected format")
    (count,) = struct.unpack_from("<I", data, header)
    entries = [struct.unpack_from("<II", data, header + 4 + 8 * i) for i in range(count)]
    items = []
    for i, (name, start) in enumerate(entries):
        end = entries[i + 1][1] if i + 1 < count else len(data) - header
        text = data[header + name : data.index(b"\0", header + name)].decode("ascii")
        prefix, item = text.split("/", 1)
        if not 0 < start < end:
            sys.exit(f"icu-data: {text} has no place in the data")
        if is_kept(item):
            items.append((text, data[header + start : header + end]))
    if not items or [name for name, _ in items] != sorted(name for name, _ in items):
        sys.exit("icu-data: the items are not in order")

    names, table = bytearray(), bytearray()
    offset = 4 + 8 * len(items)
    places = []
    for text, _ in items:
        places.append(offset + len(names))
        names += text.encode("ascii") + b"\0"
    names += b"\xaa" * (-(offset + len(names) + header) % 16)
    start = offset + len(names)
    body = bytearray()
    for place, (_, content) in zip(places, items):
        table += struct.pack("<II", place, start + len(body))
        body += content + b"\xaa" * (-len(content) % 16)
    with open(data_file, "wb") as file:
        file.write(data[:header] + struct.pack("<I", len(items)) + table + names + body)
    with open(source, "w", encoding="ascii") as file:
        file.write(
            f'.section .rodata\n.balign 16\n.globl __wrap_{symbol}\n.type __wrap_{symbol}, @object\n__wrap_{symbol}:\n'
            f'.incbin "{data_file}"\n.size __wrap_{symbol}, . - __wrap_{symbol}\n'
            '.section .note.GNU-stack, "", @progbits\n')
    print(f"ICU's data: {len(items)} of {count} items, {len(data)} bytes before and {header + start + len(body)} now", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
