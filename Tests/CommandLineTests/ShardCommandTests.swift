import Testing

@Suite(.blocking) struct ShardCommandTests {
  /// The environment of these tests may have a launcher's variables of its own.
  static let none = [
    "RANK": "", "OMPI_COMM_WORLD_RANK": "", "PMI_RANK": "", "SLURM_PROCID": "",
    "SLURM_ARRAY_TASK_ID": "", "JOB_COMPLETION_INDEX": "",
  ]

  @Test func saysTheShard() throws {
    let environment = Self.none.merging(["JOB_COMPLETION_INDEX": "3"]) { $1 }
    let run = try DisEvalProcess("shard", "--num-shards", "8", environment: environment)
    #expect(run.status == 0 && run.output == "3/8\n" && run.errors.isEmpty, "\(run.errors)")
    let all = try DisEvalProcess("shard", environment: Self.none)
    #expect(all.status == 0 && all.output == "none\n")
  }

  @Test func explains() throws {
    let environment = Self.none.merging(["RANK": "1", "WORLD_SIZE": "2"]) { $1 }
    let run = try DisEvalProcess("shard", "--explain", environment: environment)
    #expect(run.output == "1/2\n")
    #expect(run.errors.contains("saw WORLD_SIZE=2\n"), "\(run.errors)")
    #expect(run.errors.hasSuffix("shard 1/2, as torchrun says\n"), "\(run.errors)")
    // What was seen is said for a refusal too.
    let refused = try DisEvalProcess(
      "shard", "--explain", "--shard", "0/2", environment: environment)
    #expect(refused.status == 64 && refused.output.isEmpty)
    #expect(refused.errors.contains("saw RANK=1\n") && refused.errors.contains("ShardMismatch"))
  }

  @Test("what is no shard exits 64", arguments: [["--shard", "4/4"], ["--num-shards", "4"]])
  func refused(arguments: [String]) throws {
    let run = try DisEvalProcess(["shard"] + arguments, environment: Self.none)
    #expect(run.status == 64 && run.output.isEmpty, "\(run.errors)")
  }
}
