"""Zip archives, as torch.save and np.savez write them, edited byte by byte."""

from builders import SAMPLE, archive, torch_file
from rows_pickle import WHOLE, read, refused, sampled, unsampled
from runner import Row


def flipped() -> bytes:
    """A whole checkpoint with one changed byte in a weight."""
    content = bytearray(torch_file(WHOLE))
    content[content.index(WHOLE["norm_f.weight"].tobytes()) + 5] ^= 255
    return bytes(content)


def rows():
    yield sampled("D1-deflated", "a deflated checkpoint", "deflated.pt", torch_file(WHOLE, method=8))
    yield from refused(
        [
            ("D2-bzip2", "a checkpoint compressed by bzip2", "ZipMethodUnsupported"),
            ("D2-lzma", "a checkpoint compressed by lzma", "ZipMethodUnsupported"),
            ("D3-two-pickles", "two entries archive/data.pkl", "DuplicateEntry"),
            ("D4-two-storages", "two entries archive/data/0", "DuplicateEntry"),
            ("D6-two-roots", "entries in two folders", "ZipRoot"),
            ("D7-traversal", "an entry ../../evil", "ZipName"),
            ("D8-absolute", "an entry /etc/evil", "ZipName"),
            ("D9-backslash", "an entry with backslashes", "ZipName"),
            ("D10-nul", "an entry whose name contains a zero byte", "ZipName"),
            ("D12-not-utf8", "an entry whose name is not UTF-8", "ZipName"),
            ("D13-no-name", "an entry without a name", "ZipName"),
            ("D15-pickle-flipped", "a changed byte in the pickle", "CRCMismatch"),
            ("D16-encrypted", "an entry marked as encrypted", "ZipEncrypted"),
            ("D17-sizes-differ", "a stored entry with two sizes"),
            ("D18-compressed-2g", "an entry with a compressed size of 2 GB"),
            ("D18-size-2g", "an entry with a size of 2 GB"),
            ("D19-offset-2g", "an entry at offset 2 GB"),
            ("D20-no-zip64", "64-bit sizes announced, and not given", "Zip64Missing"),
            ("D21-zip64-2-63", "an entry of 2^63 bytes"),
            ("D21-zip64-short", "64-bit sizes of which one is missing"),
            ("D21-extra-cut", "an extra field longer than its entry"),
            ("D22-locator-outside", "a zip64 record outside the file"),
            ("D22-zip64-count", "a zip64 record with another number of entries"),
            ("D22-zip64-size", "a zip64 record with a size of 2^62"),
            ("D23-two-zip64", "two extra fields of 64-bit sizes"),
            ("D24-overlap", "a weight that is stored where the pickle is", "ZipOverlap"),
            ("D25-quoted-overlap", "1,000 entries that share the same bytes", "ZipOverlap"),
            ("D26-local-name", "another name in the local header", "LocalHeaderMismatch"),
            ("D27-local-method", "another compression in the local header", "LocalHeaderMismatch"),
            ("D28-local-sizes", "other sizes in the local header", "LocalHeaderMismatch"),
            ("D28-local-checksum", "another checksum in the local header", "LocalHeaderMismatch"),
            ("D29-local-extra", "a local header whose extra field covers other entries", "ZipOverlap"),
            ("D30-local-magic", "a local header without its signature"),
            ("D31-count-less", "an end record that counts fewer entries"),
            ("D31-count-65535", "an end record that counts 65,535 entries", "Zip64Missing"),
            ("D31-offset", "an end record that puts the directory at 2 GB", "UnaccountedBytes"),
            ("D31-disk", "an archive on several disks"),
            ("D32-end-only", "an archive of no entries", "NotACheckpoint"),
            ("D33-two-ends", "a second end record in the comment"),
            ("D34-cut-10", "an archive without its last 10 bytes", "ZipTruncated"),
            ("D34-cut-1", "an archive without its last byte", "ZipTruncated"),
            ("D34-cut-half", "half an archive", "ZipTruncated"),
            ("D35-magic-only", "the first 4 bytes of an archive", "ZipTruncated"),
            ("D37-before", "a shell script before the archive", "UnaccountedBytes"),
            ("D38-after", "40 bytes after the archive", "UnaccountedBytes"),
            ("D40-bomb", "256 MB of zeros in 261 kB, where 64 bytes are expected", "TensorInvalid"),
            ("D41-descriptor-checksum", "a data descriptor that contradicts the directory", "CRCMismatch"),
            ("D42-many", "an archive of 200,000 entries", "ZipLimit"),
            ("D43-version-99", "a checkpoint of version 99", "VersionUnsupported"),
            ("D43-version-text", 'a checkpoint of version "abc"', "VersionUnsupported"),
            ("D43-no-version", "a checkpoint without a version", "VersionUnsupported"),
            ("D44-lfs", "a pointer of Git LFS instead of the file", "LFSPointer"),
            ("D44-html", "a web page instead of the file", "NotACheckpoint"),
            ("D44-empty", "an empty file", "NotACheckpoint"),
            ("D45-not-a-checkpoint", "an archive without data.pkl", "NotACheckpoint"),
        ],
        "ZipMalformed",
    )
    yield Row(
        "D11-long-name",
        "an entry whose name has 65,535 bytes",
        {"D11.pt": archive([("archive/data.pkl", b"\x80\x02}."), ("archive/" + "x" * 65527, b"")])},
        SAMPLE.format(file="D11.pt"),
        65,
        "ZipLimit",
    )
    yield unsampled("D14-data-flipped", "one changed byte in a weight", flipped(), "CRCMismatch")
    yield from read(
        [
            ("D5-case", "the entries data/0 and DATA/0"),
            ("D21-zip64-ok", "64-bit sizes of a small entry"),
            ("D22-zip64-end", "a zip64 record in a small archive"),
            ("D39-comment", "an archive with a comment"),
            ("D41-descriptor", "an entry with a data descriptor"),
        ]
    )


SECTIONS = [("Zip archives", "", list(rows()))]
