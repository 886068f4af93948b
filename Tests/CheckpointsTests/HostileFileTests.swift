import Checkpoints
import Files
import Testing

/// Files that must be refused, each with a code that says why, and odd ones that must load.
///
/// They lie in hostile.zip, made by scripts/fixtures/hostile.py. Letters: A code execution by
/// pickle, B pickle machine, C tensors and storages, D zip, E safetensors, F npy.
@Suite struct HostileFileTests {
  /// Codes, `nil` for success, and the files that get them.
  static let expected: [(code: String?, files: String)] = [
    (
      "PickleForbidden",
      """
      A1-os A2-posix A3-nt A4-subprocess A5-eval A6-getattr A7-exec A8-stack-global A9-inst
      A10-obj A11-ext1 A12-newobj-ex A13-then-garbage A15-codec A16-dotted A17-carriage-return
      A18-not-utf8 A24-unused-name
      """
    ),
    (
      "PickleTrailing",
      """
      A14-second-pickle
      """
    ),
    (
      "NotATensor",
      """
      A22-inert-tensor B1-deep-list-inside B4-laughs B37-long-string
      """
    ),
    (
      nil,
      """
      A23-namespace B8-huge-memo-slot C17-cuda C21-int8 D0-ok C7-modestly-expanded C23-big-endian
      C25-no-byte-order C27-new-members D1-deflated D5-case C26-legacy D21-zip64-ok D22-zip64-end
      D39-comment D41-descriptor E0-ok E10-newline-padding E24-normal-forms E29-surrogate-pair
      E33-zero-size E34-bool-2 F0-ok F1-version-2 F1-version-3 F6-big-endian F8-half F9-fortran
      F13-zero
      """
    ),
    (
      "PickleLimit",
      """
      B1-deep-list B3-marks B14-long4-2g B15-long1-255 B38-long-name
      """
    ),
    (
      "NotAStateDict",
      """
      B2-deep-tuple B17-bytearray B29-surrogate-key B32-list B32-tensor B32-none B32-integer-keys
      B35-one-dictionary B36-parameters A19-constants A19-code
      """
    ),
    (
      "PickleMalformed",
      """
      B5-dup B9-empty-slot B10-huge-slot B11-text-4g B12-text-2-62 B13-long4-negative
      B16-text-integer B18-frame B19-protocol B20-empty-stack B21-no-mark B22-put-nothing
      B23-no-stop B24-nothing B25-odd-items B26-list-key B27-append-to-dict B28-item-of-tuple
      B28-item-of-tensor B28-append-to-tensor B30-text-id B31-state-of-tensor C26-key-twice
      """
    ),
    (
      "PickleCycle",
      """
      B6-list-in-itself B7-dict-in-itself
      """
    ),
    (
      "PersistentId",
      """
      B30-string-id B30-empty-id B30-short-id B30-module-id
      """
    ),
    (
      "DuplicateKey",
      """
      B33-duplicate-key E21-duplicate E23-duplicate-metadata
      """
    ),
    (
      "TensorInvalid",
      """
      C1-shape C2-offset C3-negative-offset C4-negative-shape C5-negative-stride C6-overflow
      C6-zero-hides-overflow C6-stride-overflow C8-rank C9-rank-65 C10-count-2-60
      C10-count-negative C15-key-traversal C16-key-nul C18-location C7-expanded C11-no-storage
      C12-short-storage C13-long-storage D40-bomb C24-middle-endian C26-cut C26-count-2-60
      C26-count-negative C26-count-3 C26-other-key
      """
    ),
    (
      "DtypeUnsupported",
      """
      C19-quantized C20-complex E17-dtype E17-dtype-case E19-float8
      """
    ),
    (
      "UnknownContainer",
      """
      A21-7z A21-gzip E1-length-only E1-seven-bytes
      """
    ),
    (
      "NotACheckpoint",
      """
      B34-bare-pickle D44-html D44-empty E36-index C26-magic D32-end-only D45-not-a-checkpoint
      """
    ),
    (
      "StorageDtypeConflict",
      """
      C14-two-types
      """
    ),
    (
      "NonFiniteWeights",
      """
      C22-nan E32-nan
      """
    ),
    (
      "ZipMethodUnsupported",
      """
      D2-bzip2 D2-lzma
      """
    ),
    (
      "DuplicateEntry",
      """
      D3-two-pickles D4-two-storages
      """
    ),
    (
      "ZipRoot",
      """
      D6-two-roots
      """
    ),
    (
      "ZipName",
      """
      D7-traversal D8-absolute D9-backslash D10-nul D12-not-utf8 D13-no-name
      """
    ),
    (
      "ZipLimit",
      """
      D42-many
      """
    ),
    (
      "VersionUnsupported",
      """
      D43-version-99 D43-version-text D43-no-version
      """
    ),
    (
      "LFSPointer",
      """
      D44-lfs
      """
    ),
    (
      "LegacyTar",
      """
      A20-tar
      """
    ),
    (
      "UnaccountedBytes",
      """
      C26-tail D31-offset D37-before D38-after
      """
    ),
    (
      "CRCMismatch",
      """
      D14-data-flipped D15-pickle-flipped D41-descriptor-checksum
      """
    ),
    (
      "ZipEncrypted",
      """
      D16-encrypted
      """
    ),
    (
      "ZipMalformed",
      """
      D17-sizes-differ D18-compressed-2g D18-size-2g D19-offset-2g D21-zip64-2-63 D21-zip64-short
      D21-extra-cut D22-locator-outside D22-zip64-count D22-zip64-size D23-two-zip64
      D30-local-magic D31-count-less D31-disk D33-two-ends
      """
    ),
    (
      "Zip64Missing",
      """
      D20-no-zip64 D31-count-65535
      """
    ),
    (
      "ZipOverlap",
      """
      D24-overlap D25-quoted-overlap D29-local-extra
      """
    ),
    (
      "LocalHeaderMismatch",
      """
      D26-local-name D27-local-method D28-local-sizes D28-local-checksum
      """
    ),
    (
      "ZipTruncated",
      """
      D34-cut-10 D34-cut-1 D34-cut-half D35-magic-only
      """
    ),
    (
      "SafetensorsMalformed",
      """
      E2-length E5-leading-space E6-bom E7-array E7-null E8-tail E9-nul-padding E11-overlap
      E12-hole E13-first-offset E14-byte-after E15-byte-short E16-reversed E20-negative E20-float
      E20-exponent E20-overflow E20-zero-hides-overflow E20-2-64 E20-rank-9 E20-offset-2-63
      E22-duplicate-field E25-metadata-number E25-metadata-object E26-unknown-field
      E27-missing-field E28-three-offsets E29-not-utf8 E29-surrogate E29-nul E29-long E30-deep
      E37-comment E37-trailing-comma
      """
    ),
    (
      "SafetensorsLimit",
      """
      E3-length-2-63 E4-length-limit
      """
    ),
    (
      "NpyMalformed",
      """
      F2-version-1.1 F2-version-9 F3-header-length F3-header-4g F4-header-20k F5-deep F9-fortran-1
      F10-shape-(-1,) F10-shape-(-4,) F10-shape-(4.0,) F10-shape-[4] F10-shape-(True,4)
      F10-shape-(4L,) F10-shape-(0x4,) F10-shape-(1_0,) F10-shape-(2*2,) F10-shape-(4)
      F10-shape-(04,) F10-shape-(,) F11-wraps F11-wraps-to-16 F12-4t F13-zero-hides-overflow
      F14-rank-65 F16-cut F17-after F18-missing-key F18-extra-key F18-duplicate-key F18-comment
      F18-call F18-no-newline F19-pickle F20-empty F20-magic-only F20-bad-magic
      """
    ),
    (
      "NpyUnsupported",
      """
      F6-native F6-no-order F7-object F7-record F7-unicode F7-void F7-time F7-complex F7-float128
      F15-zero-width
      """
    ),
    ("ModulePrefix", "C28-half-prefixed"),
  ]
  static let cases = expected.flatMap { code, files in
    files.split(whereSeparator: \.isWhitespace).map { (String($0), code) }
  }

  @Test("gets the code that names its fault", arguments: cases)
  func isRefused(file: String, expected: String?) throws {
    let bytes = try hostileBytes(file)
    let found = code {
      if file.hasPrefix("F") {
        _ = try NPYArray.parse(bytes, subject: file)
      } else {
        try withFile(bytes, loadEverything)
      }
    }
    #expect(found == expected)
  }

  @Test func everyFileOfTheCatalogueIsTested() throws {
    let archive = try ZipArchive(try ReadableFile(path: fixture("hostile.zip")))
    #expect(archive.entries.map(\.name).sorted() == Self.cases.map(\.0).sorted())
  }

  @Test func aHeaderOfTooManyTensorsIsRefused() throws {
    let tensors = (0...100_000).map {
      "\"\($0)\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
    }
    let header = Array("{\(tensors.joined(separator: ","))}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    #expect(code { try withFile(length + header, loadEverything) } == "SafetensorsLimit")
  }

  /// A vertical tab and a form feed are white space in neither JSON nor Python.
  @Test(arguments: [0x0B, 0x0C] as [UInt8])
  func noOtherWhiteSpaceIsSkipped(space: UInt8) throws {
    let array = try hostileBytes("F0-ok")
    let tensors = try hostileBytes("E0-ok")
    let (shape, name) = (Array("'shape':".utf8), Array("{\"a\":".utf8))
    let changedArray = array.replacing(shape + [0x20], with: shape + [space])
    let changedTensors = tensors.replacing(name + [0x20], with: name + [space])
    #expect(changedArray != array && changedTensors != tensors)
    #expect(code { try NPYArray.parse(changedArray, subject: "") } == "NpyMalformed")
    #expect(code { try withFile(changedTensors, loadEverything) } == "SafetensorsMalformed")
  }

  @Test func anArchiveWithTwoArraysOfOneNameIsRefused() throws {
    let twice = try hostileBytes("D4-two-storages")
    #expect(code { try withFile(twice, NPZ.read) } == "DuplicateEntry")
  }

  @Test func aFileThatIsNotThereIsAnotherStatus() {
    #expect(code { try CheckpointFile.open("/nowhere/x.pt") } == "NotFound")
    #expect(code { try CheckpointFile.open("/tmp") } == "NotACheckpoint")
  }
}
