import Checkpoints
import Files
import Testing

/// The goldens are numpy's, see scripts/fixtures/arrays.py: each array counts up in C order.
@Suite struct NPYTests {
  @Test(
    "reads what numpy writes",
    arguments: [
      ("f8", ScalarType.float64, [2, 3]), ("f4", .float32, [2, 3]), ("f2", .float16, [2, 3]),
      ("i8", .int64, [2, 3]), ("i4", .int32, [2, 3]), ("i2", .int16, [2, 3]),
      ("i1", .int8, [2, 3]), ("u8", .uint64, [2, 3]), ("u4", .uint32, [2, 3]),
      ("u2", .uint16, [2, 3]), ("u1", .uint8, [2, 3]), ("b1", .bool, [2]),
      ("big_endian_f4", .float32, [2, 3]), ("big_endian_i8", .int64, [2, 3]),
      ("fortran_f8", .float64, [2, 3, 4]), ("scalar", .float32, []), ("vector", .float32, [1000]),
      ("empty", .float32, [2, 0, 3]), ("version2", .float32, [2, 3]),
      ("version3", .float32, [2, 3]),
    ])
  func readsNumpy(name: String, type: ScalarType, shape: [Int]) throws {
    let array = try NPYArray.read(fixture("arrays/\(name).npy"))
    let count = shape.reduce(1, *)
    #expect(array.type == type)
    #expect(array.shape == shape)
    #expect(array.doubles() == (0..<count).map(Double.init))
    #expect(array.floats() == (0..<count).map(Float.init))
    #expect(try array.integers() == Array(0..<count))
  }

  @Test(
    "writes the bytes that numpy writes",
    arguments: [
      "f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1", "scalar", "vector",
      "empty",
    ])
  func writesAsNumpy(name: String) throws {
    let golden = try fixtureBytes("arrays/\(name).npy")
    #expect(try NPYArray.parse(golden, subject: name).serialized() == golden)
  }

  @Test func valuesThatAreNoIntegersAreRefused() {
    for value in [0.5, .nan, .infinity, 1e30] {
      #expect(code { try NPYArray(doubles: [1, value], shape: [2]).integers() } == "NotIntegral")
    }
  }

  @Test func everyPrefixOfAFileIsRefused() throws {
    let whole = try fixtureBytes("arrays/f4.npy")
    for count in whole.indices {
      #expect(code { try NPYArray.parse(Array(whole[..<count]), subject: "") } == "NpyMalformed")
    }
  }
}

@Suite struct NPZTests {
  @Test("reads what numpy writes", arguments: ["stored", "deflated"])
  func readsNumpy(name: String) throws {
    let archive = try NPZ.read(fixture("arrays/\(name).npz"))
    #expect(archive.names == ["mu", "sigma", "n"])
    #expect(try archive.array("sigma").doubles() == (0..<9).map(Double.init))
    #expect(try archive.array("n").integers() == [0])
    #expect(code { try archive.array("m") } == "ArrayMissing")
  }

  @Test func whatIsWrittenIsReadBackAndEqualArraysGiveEqualBytes() throws {
    let arrays = [
      (name: "mu", array: NPYArray(doubles: [1, 2.5], shape: [2])),
      (name: "é", array: NPYArray(floats: [], shape: [0, 4])),
      (name: "labels", array: NPYArray(integers: [-1], shape: [])),
    ]
    try withFile([]) { path in
      try NPZ.write(arrays, to: path)
      let file = try ReadableFile(path: path)
      let first = try file.bytes(at: 0, count: file.size)
      let archive = try NPZ.read(path)
      #expect(archive.names == arrays.map(\.name))
      for (name, array) in arrays { #expect(try archive.array(name) == array) }
      try NPZ.write(arrays, to: path)
      let again = try ReadableFile(path: path)
      #expect(try again.bytes(at: 0, count: again.size) == first)
    }
  }
}
