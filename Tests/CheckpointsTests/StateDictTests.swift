import Checkpoints
import Files
import Tensors
import Testing

@Suite struct StateDictTests {
  /// `weight` [2, 3] and `bias` [2].
  private func linear() throws -> StateDict {
    try CheckpointFile.open(fixture("torch/module.zip.pt")).stateDict(key: nil)
  }

  @Test func askingWithAnotherShapeNamesBoth() throws {
    do {
      _ = try linear().tensor("weight", shape: [3, 2])
      Issue.record("a tensor of another shape was returned")
    } catch let failure as Failure {
      #expect(failure.code == .shapeMismatch)
      #expect(failure.detail == "'weight' has shape [2, 3], expected [3, 2]")
    }
  }

  @Test func aMissingTensorIsNamed() throws {
    let state = try linear()
    #expect(state.info("gain") == nil)
    #expect(code { try state.tensor("gain", shape: [2]) } == "TensorMissing")
  }

  @Test func sixteenBitWeightsBecomeFloat32() throws {
    let state = try CheckpointFile.open(fixture("tiny_cond_bfloat16.safetensors")).stateDict(
      key: nil)
    let info = try #require(state.infos.first)
    #expect(info.type == .bfloat16)
    let values = try state.tensor(info.name, shape: info.shape).values
    #expect(values.allSatisfy { $0.bitPattern & 0xFFFF == 0 })
    #expect(values.contains { $0 != 0 })
  }

  @Test func namesThatDifferInNormalisationOnlyAreTwoTensors() throws {
    try withFile(try hostileBytes("E24-normal-forms")) { path in
      let state = try CheckpointFile.open(path).stateDict(key: nil)
      #expect(state.infos.count == 2)
      #expect(state.info("\u{E9}")?.name.utf8.count == 2)
      #expect(state.info("e\u{301}")?.name.utf8.count == 3)
    }
  }

  @Test func theReaderAcceptsAnExactMatch() throws {
    var reader = WeightReader(try linear())
    #expect(reader.tensor("weight", [2, 3]).values.contains { $0 != 0 })
    #expect(reader.tensor("bias", [2]).count == 2)
    try reader.finish()
  }

  @Test func theReaderReportsAllProblemsTogether() throws {
    var reader = WeightReader(try linear())
    #expect(reader.tensor("weight", [4, 3]).values == [Float](repeating: 0, count: 12))
    for index in 0..<21 { _ = reader.tensor("gain\(index)", [2]) }
    do {
      try reader.finish()
      Issue.record("a mismatch was accepted")
    } catch {
      #expect(error.code == .checkpointMismatch)
      #expect(error.detail.contains("21 missing: gain0 [2], "))
      #expect(error.detail.contains("gain19 [2], ...; 1 unexpected: bias; "))
      #expect(error.detail.hasSuffix("1 of a different shape: weight [2, 3], expected [4, 3]"))
    }
  }

  @Test func tensorsMayBeIgnored() throws {
    var reader = WeightReader(try linear())
    _ = reader.tensor("weight", [2, 3])
    try reader.finish { $0 == "bias" }
  }

  @Test func anAbsurdShapeDoesNotCostMemory() throws {
    var reader = WeightReader(try linear())
    #expect(reader.tensor("gain", [1 << 40, 1 << 40]).count == 0)
    #expect(reader.tensor("gain", [-1]).count == 0)
  }
}
