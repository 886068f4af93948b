#!/usr/bin/env python3
"""Writes the notices that static linking obliges to, and a bill of materials in CycloneDX's JSON.

Both are made from what the linker's map says was linked. The texts come from the files of the packages.
A file whose package is unknown is refused, and so is a package whose licence asks for more than notices.

    notices.py OUT SOURCE SCRATCH VERSION

OUT has link.map and archives.txt, as scripts/release.d/build writes them, and the binary.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone

SWIFT = "Apache-2.0 WITH Swift-exception"
GCC = "GPL-3.0-or-later WITH GCC-exception-3.1"

# Archives of the toolchain: the project they come from, and its licence.
TOOLCHAIN = {
    "swift-corelibs-libdispatch": (SWIFT, r"lib(dispatch|BlocksRuntime|swiftDispatch)\.a"),
    "swift-corelibs-foundation": (SWIFT, r"lib(Foundation|CoreFoundation)\.a"),
    "swift-collections": (SWIFT, r"lib_FoundationCollections\.a"),
    "swift-foundation": (SWIFT, r"lib(FoundationEssentials|FoundationInternationalization|_FoundationCShims)\.a"),
    "swift-foundation-icu": ("Unicode-3.0", r"lib_FoundationICU\.a"),
    "swift": (SWIFT, r"lib(swift\w+|cxxshim)\.a|swiftrt\.o"),
    "compiler-rt": ("Apache-2.0 WITH LLVM-exception", r"libclang_rt\.builtins.*\.a"),
}

# Debian's source packages: the licence of the parts that are linked.
DEBIAN = {
    "openblas": "BSD-3-Clause AND BSD-3-Clause-Open-MPI",
    "lapack": "BSD-3-Clause AND BSD-3-Clause-Open-MPI",
    "libdeflate": "MIT",
    "libjpeg-turbo": "IJG AND BSD-3-Clause AND Zlib",
    "libpng1.6": "libpng-2.0",
    "libwebp": "BSD-3-Clause",
    "zlib": "Zlib",
    "gcc-11": GCC,
    "gcc-12": GCC,
    # The start files and libc_nonshared.a, which may be linked into anything.
    "glibc": "LGPL-2.1-or-later WITH GCC-exception-2.0",
}

# Packages of Swift: the licence, and further texts.
SWIFT_PACKAGES = {
    "swift-argument-parser": "Apache-2.0 WITH Swift-exception",
    "swift-asn1": "Apache-2.0",
    "swift-crypto": "Apache-2.0 AND OpenSSL AND ISC AND MIT",
    "swift-mustache": "Apache-2.0",
    "swift-protobuf": "Apache-2.0 WITH Swift-exception",
    "yams": "MIT",
}

# Archives that may not be linked, although their package is known.
REFUSED = {"libquadmath.a": "its licence, LGPL-2.1, requires that users can link the program again"}


def fail(reason):
    sys.exit(f"notices: {reason}")


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked_files(out):
    """The archives and object files that have sections in the binary, as gold's map lists them."""
    places = dict(line.split() for line in read(out / "archives.txt").splitlines())
    files = set()
    _, found, memory = read(out / "link.map").partition("\nMemory map\n")
    if not found:
        fail("link.map is not a map of the linker gold")
    for line in memory.splitlines():
        # Its address, its size, and the file with the member of an archive.
        found = re.search(r" 0x[0-9a-f]+ +0x0*[1-9a-f][0-9a-f]* (/\S+?\.(?:a|o))(?:\([^()]+\))?$", line)
        if found:
            path = found[1]
            # The archives were found by links in a folder of the build.
            files.add(places.get(os.path.basename(path), path) if "/archives/" in path else os.path.realpath(path))
    if not any("libopenblas" in path for path in files):
        fail("link.map does not name OpenBLAS, so it cannot be a map of dis-eval")
    return files


def leading_comments(folder):
    """The different comments with a copyright at the beginning of the sources in a folder."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in {".c", ".cc", ".h", ".S", ".inc"}:
            continue
        comment = re.match(r"(?:\s|#[^\n]*\n|/\*.*?\*/|//[^\n]*\n)*", read(path), re.S)[0]
        text = "\n".join(
            re.sub(r"^\s*(?://|/\*+|\*+/|\*)?\s?", "", line).removesuffix("*/").rstrip()
            for line in comment.splitlines()
            if not line.startswith("#")
        ).strip()
        # The same licence often has other names and years.
        key = re.sub(r"\W+", " ", re.sub(r"(?m)^.*(Copyright|Written by|written by).*$", "", text))
        if re.search(r"copyright|permission", text, re.I):
            texts.setdefault(key, text)
    return list(texts.values())


class Component:
    def __init__(self, name, version, licence, purl, texts):
        self.name, self.version, self.licence = name, version, licence
        self.purl, self.texts = purl, texts


def debian_component(path, package):
    source, version = run("dpkg-query", "-W", "-f", "${source:Package} ${Version}", package).split()
    if source not in DEBIAN:
        fail(f"{path} of {package} ({source}) was linked, but its licence is not known here")
    name = package.split(":")[0]
    text = read(f"/usr/share/doc/{name}/copyright")
    return Component(
        source, version, DEBIAN[source], f"pkg:deb/debian/{name}@{version}?arch=amd64", [text])


def toolchain_component(path, toolchain, version):
    name = os.path.basename(path)
    for project, (licence, pattern) in TOOLCHAIN.items():
        if re.fullmatch(pattern, name):
            texts = [read(toolchain / "share/swift/LICENSE.txt")]
            if project == "swift-foundation-icu":
                texts = [read("/usr/share/doc/libicu72/copyright")]
            owner = "apple" if project == "swift-collections" else "swiftlang"
            return Component(
                project, version, licence, f"pkg:github/{owner}/{project}@swift-{version}-RELEASE", texts)
    fail(f"{path} of the toolchain was linked, but its licence is not known here")


def package_component(module, source, checkouts, pins):
    for checkout in sorted(checkouts.iterdir()):
        folder = checkout / "Sources" / module
        if not folder.is_dir():
            continue
        pin = pins[checkout.name.lower()]
        name, version = pin["identity"], pin["state"]["version"]
        texts = [read(path) for path in sorted(checkout.glob("LICENSE*")) + sorted(checkout.glob("NOTICE*"))]
        if module == "CYaml":
            texts.append(read("/usr/share/doc/libyaml-0-2/copyright"))
        elif module == "CCryptoBoringSSL":
            texts += leading_comments(folder)
        location = pin["location"].removesuffix(".git").removeprefix("https://")
        return Component(name, version, SWIFT_PACKAGES[name], f"pkg:swift/{location}@{version}", texts)
    fail(f"the module {module} was linked, but no package has it")


def components(out, source, scratch):
    toolchain = pathlib.Path(os.path.realpath(run("which", "swift").strip())).parents[1]
    version = re.search(r"swift-([\d.]+)-RELEASE", run("swift", "--version"))
    if not version:
        fail("the toolchain is not a release of Swift")
    pins = {pin["identity"]: pin for pin in json.loads(read(source / "Package.resolved"))["pins"]}
    own = {path.name.replace("-", "_") for path in (source / "Sources").iterdir()}
    found = {}
    for path in sorted(linked_files(out)):
        if os.path.basename(path) in REFUSED:
            fail(f"{path} was linked: {REFUSED[os.path.basename(path)]}")
        build = re.search(r"/([^/]+)\.build/", path) if path.startswith(f"{scratch}/") else None
        if build or path.startswith(f"{scratch}/"):
            module = build[1] if build else None
            # What is not of a module is of scripts/release.d/runtime.
            if module is None or module.replace("-", "_") in own:
                continue
            component = package_component(module, source, scratch / "checkouts", pins)
        elif path.startswith(f"{toolchain}/"):
            component = toolchain_component(path, toolchain, version[1])
        else:
            owner = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True)
            if owner.returncode:
                # Debian merged /lib into /usr/lib after some packages were made.
                owner = subprocess.run(
                    ["dpkg-query", "-S", path.removeprefix("/usr")], capture_output=True, text=True)
            if owner.returncode:
                fail(f"{path} was linked, but belongs to no package")
            component = debian_component(path, owner.stdout.split(": ")[0])
        known = found.setdefault((component.name, component.version), component)
        known.texts += [text for text in component.texts if text not in known.texts]
    return sorted(found.values(), key=lambda component: component.name)


def write_notices(path, parts):
    lines = [
        "dis-eval contains the following software, whose licences are below.",
        "",
        *(f"- {part.name} {part.version}: {part.licence}" for part in parts),
        "",
    ]
    places = {}
    for part in parts:
        for text in part.texts:
            places.setdefault(text.strip("\n"), []).append(part.name)
    for text, names in places.items():
        lines += ["=" * 100, ", ".join(dict.fromkeys(names)), "=" * 100, "", text, ""]
    # The texts that Debian's files refer to.
    together = "\n".join(places)
    for name in sorted(set(re.findall(r"/usr/share/common-licenses/([A-Z][\w.+-]*\w)", together))):
        file = pathlib.Path("/usr/share/common-licenses") / name
        if file.is_file():
            lines += ["=" * 100, f"/usr/share/common-licenses/{name}", "=" * 100, "", read(file), ""]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_bill(path, parts, binary, version, epoch):
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    reference = f"pkg:generic/dis-eval@{version}"
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, reference + '#' + digest)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": reference,
                "name": "dis-eval",
                "version": version,
                "purl": reference,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": part.purl,
                "name": part.name,
                "version": part.version,
                "purl": part.purl,
                "licenses": [{"expression": part.licence}],
            }
            for part in parts
        ],
        "dependencies": [{"ref": reference, "dependsOn": sorted(part.purl for part in parts)}]
        + [{"ref": part.purl} for part in parts],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main():
    out, source, scratch = (pathlib.Path(os.path.realpath(path)) for path in sys.argv[1:4])
    version, epoch = sys.argv[4], int(os.environ["SOURCE_DATE_EPOCH"])
    parts = components(out, source, scratch)
    write_notices(out / "THIRD-PARTY-NOTICES", parts)
    write_bill(out / "dis-eval.cdx.json", parts, out / "dis-eval", version, epoch)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main()
