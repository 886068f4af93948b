import DisEval
import Files
import Foundation
import Testing
import Work

/// Which part of a run a worker computes, by every launcher's variables.
@Suite struct ShardTests {
  typealias Variables = [String: String]

  /// The variables of one task of an array, as Slurm 22.05 sets them.
  static func array(
    _ task: Int, _ first: Int, _ last: Int, step: Int = 1, count: Int? = nil
  ) -> Variables {
    [
      "SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_ID": "9", "SLURM_ARRAY_TASK_ID": "\(task)",
      "SLURM_ARRAY_TASK_MIN": "\(first)", "SLURM_ARRAY_TASK_MAX": "\(last)",
      "SLURM_ARRAY_TASK_STEP": "\(step)",
      "SLURM_ARRAY_TASK_COUNT": "\(count ?? (last - first) / step + 1)",
      "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
    ]
  }
  static func torchrun(_ rank: Int, _ size: Int) -> Variables {
    ["RANK": "\(rank)", "WORLD_SIZE": "\(size)", "LOCAL_RANK": "0", "TORCHELASTIC_RUN_ID": "none"]
  }
  static func openMPI(_ rank: Int, _ size: Int) -> Variables {
    ["OMPI_COMM_WORLD_RANK": "\(rank)", "OMPI_COMM_WORLD_SIZE": "\(size)", "PMIX_RANK": "\(rank)"]
  }
  static func pmi(_ rank: Int, _ size: Int) -> Variables {
    ["PMI_RANK": "\(rank)", "PMI_SIZE": "\(size)"]
  }
  static func step(_ rank: Int, _ size: Int) -> Variables {
    [
      "SLURM_JOB_ID": "9", "SLURM_PROCID": "\(rank)", "SLURM_NTASKS": "\(size)",
      "SLURM_STEP_NUM_TASKS": "\(size)", "SLURM_STEP_ID": "0",
    ]
  }
  static func kubernetes(_ index: Int) -> Variables { ["JOB_COMPLETION_INDEX": "\(index)"] }

  func find(_ explicit: String?, _ count: Int?, _ variables: [Variables]) throws -> String {
    let merged = variables.reduce(into: Variables()) { $0.merge($1) { $1 } }
    let (shard, explanation) = try Shard.find(
      explicit: explicit, count: count, environment: merged)
    #expect(explanation.last?.contains(shard?.description ?? "whole") == true)
    return shard?.description ?? "none"
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var shard: String?
    var count: Int?
    var variables: [Variables] = []
    /// The shard, or the code of the refusal.
    let expected: String
    let testDescription: String

    init(
      _ description: String, _ expected: String, _ variables: Variables..., shard: String? = nil,
      count: Int? = nil
    ) {
      (testDescription, self.expected, self.variables) = (description, expected, variables)
      (self.shard, self.count) = (shard, count)
    }
  }

  @Test(arguments: [
    Case("nothing", "none"),
    Case("given", "2/5", shard: "2/5"),
    Case("all", "none", array(1, 0, 3), torchrun(1, 2), shard: "none"),
    Case("all, whatever nonsense", "none", ["RANK": "x", "WORLD_SIZE": ""], shard: "none"),
    // Launchers
    Case("torchrun", "1/2", torchrun(1, 2)),
    Case("Open MPI", "2/3", openMPI(2, 3)),
    Case("PMI", "3/4", pmi(3, 4)),
    Case("a step", "1/2", step(1, 2)),
    Case("an array", "2/4", array(2, 0, 3)),
    Case("an array from 1", "0/4", array(1, 1, 4)),
    Case("an array with a step", "3/4", array(9, 0, 9, step: 3)),
    Case("an array of one task", "0/1", array(5, 5, 5)),
    Case(
      "an array of an old Slurm, without step", "1/3",
      [
        "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "2",
        "SLURM_ARRAY_TASK_COUNT": "3",
      ]),
    Case("Kubernetes", "3/8", kubernetes(3), count: 8),
    // One worker is no shard, and what is empty is not set.
    Case("one worker of torchrun", "none", torchrun(0, 1)),
    Case("one worker of Open MPI", "none", openMPI(0, 1)),
    Case("a step of one task", "none", step(0, 1)),
    Case(
      "a batch script of four tasks is no step", "none",
      [
        "SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7",
      ]),
    Case("empty variables", "none", ["RANK": "", "WORLD_SIZE": "", "JOB_COMPLETION_INDEX": ""]),
    Case("a size without an index", "none", ["WORLD_SIZE": "8"]),
    Case("one worker of torchrun in Kubernetes", "1/4", torchrun(0, 1), kubernetes(1), count: 4),
    // Several at once
    Case("mpirun in a step", "3/4", step(0, 2), openMPI(3, 4)),
    Case(
      "mpirun in a batch script", "1/2", ["SLURM_PROCID": "0", "SLURM_NTASKS": "2"],
      openMPI(1, 2)),
    Case("srun with PMI", "1/2", step(1, 2), pmi(1, 2)),
    Case("torchrun in a step", "5/8", step(1, 2), torchrun(5, 8)),
    Case("torchrun in Kubernetes", "1/2", kubernetes(0), torchrun(1, 2)),
    Case("a step in an array", "5/8", array(2, 0, 3), step(1, 2)),
    Case("a step of one task in an array", "2/4", array(2, 0, 3), step(0, 1)),
    Case("mpirun in an array", "7/8", array(3, 0, 3), openMPI(1, 2)),
    Case("torchrun by a step in an array", "9/12", array(2, 0, 2), step(0, 2), torchrun(1, 4)),
    // --num-shards
    Case("an array of that many tasks", "1/4", array(2, 1, 4), count: 4),
    Case("two tasks again", "5/8", array(5, 2, 5, count: 2), count: 8),
    Case("a run of tasks again", "2/8", array(2, 2, 3), count: 8),
    Case("an array with holes", "9/10", array(9, 1, 9, count: 3), count: 10),
    Case("of both", "5/8", array(2, 0, 3), step(1, 2), count: 8),
    Case("two tasks of both again", "7/8", array(3, 1, 3, count: 2), step(1, 2), count: 8),
    Case("as torchrun says", "1/2", torchrun(1, 2), count: 2),
    Case("for a rank without a size", "1/2", ["PMI_RANK": "1"], count: 2),
    // --shard beside an environment
    Case("the same", "2/4", array(2, 0, 3), shard: "2/4"),
    Case("the same, with the count", "2/4", array(2, 0, 3), shard: "2/4", count: 4),
    Case("a task again", "2/8", array(2, 2, 3), shard: "2/8"),
    Case("holes say nothing", "1/3", array(5, 1, 9, count: 3), shard: "1/3"),
    Case("Kubernetes says no count", "1/3", kubernetes(1), shard: "1/3"),
    // Refusals
    Case("a count without an index", "ShardIndexUnknown", count: 4),
    Case("all, and a count", "ShardMismatch", shard: "none", count: 4),
    Case("another count", "ShardMismatch", shard: "1/3", count: 4),
    Case("another than the array's", "ShardMismatch", array(2, 0, 3), shard: "1/4"),
    Case("another than torchrun's", "ShardMismatch", torchrun(0, 2), shard: "1/2"),
    Case("another count than torchrun's", "ShardMismatch", torchrun(0, 2), count: 4),
    Case("another count than the step's", "ShardMismatch", step(0, 2), count: 4),
    Case(
      "a count that the step does not divide", "ShardMismatch", array(0, 0, 1), step(0, 2),
      count: 5),
    Case("Kubernetes without a count", "ShardCountUnknown", kubernetes(1)),
    Case("torchrun without a size", "ShardCountUnknown", ["RANK": "1"]),
    Case("an array that says only its ID", "ShardCountUnknown", ["SLURM_ARRAY_TASK_ID": "1"]),
    Case(
      "a rank without a size in an array", "ShardCountUnknown", array(0, 0, 3),
      ["PMI_RANK": "1"], count: 8),
    Case("holes", "ArrayHasHoles", array(5, 1, 9, count: 3)),
    Case("a hole in the middle", "ArrayHasHoles", array(4, 0, 4, count: 4)),
    Case("a task between the steps", "ArrayHasHoles", array(1, 0, 6, step: 2)),
    Case("a task ID above the count", "InvalidShard", array(9, 1, 9, count: 3), count: 9),
    Case("a completion index above the count", "InvalidShard", kubernetes(8), count: 8),
    Case("a task outside of its array", "InvalidShard", array(4, 0, 3)),
    Case(
      "an array's step of 0", "InvalidShard", array(0, 0, 3, step: 1),
      ["SLURM_ARRAY_TASK_STEP": "0"]),
    Case("an array that is upside down", "InvalidShard", array(2, 3, 1, count: 1)),
    Case("a rank that is its size", "InvalidShard", torchrun(2, 2)),
    Case("a size of 0", "InvalidShard", torchrun(0, 0)),
    Case(
      "Slurm's value for none", "InvalidShard", array(0, 0, 3),
      ["SLURM_ARRAY_TASK_ID": "4294967294"]),
    Case("too many in all", "InvalidShard", array(0, 0, 99_999_999), step(0, 100)),
    Case("too many", "InvalidShard", torchrun(0, 1_000_000_001)),
    Case(
      "nonsense beside --shard", "InvalidShard", ["RANK": "x", "WORLD_SIZE": "2"], shard: "0/2"),
    Case("no shards", "InvalidShard", count: 0),
    Case("negative shards", "InvalidShard", count: .min),
    Case("countless shards", "InvalidShard", count: .max),
  ])
  func found(_ given: Case) throws {
    do {
      #expect(try find(given.shard, given.count, given.variables) == given.expected)
    } catch let failure as Failure {
      #expect(failure.code.rawValue == given.expected, "\(failure)")
      #expect(failure.status == .usage)
    }
  }

  @Test(
    "a value of --shard that is none is refused",
    arguments: [
      "", "/", "1", "1/", "/2", "2/2", "-1/2", "+1/2", "0/0", "1/2/3", "0x1/2", "1 /2", "½/2",
      "１/2",
      "None", "99999999999999999999/99999999999999999999999", "0/1000000001", "\u{0}",
      String(repeating: "9", count: 100_000),
    ])
  func invalid(text: String) throws {
    let failure = try #require(throws: Failure.self) { try find(text, nil, []) }
    #expect(failure.code == .invalidShard && failure.status == .usage, "\(failure)")
    #expect(failure.detail.utf8.count < 1000)
  }

  /// Each variable with values that are no numbers: refused by name, or of no matter.
  @Test func noBytesTrap() throws {
    let complete = [
      Self.torchrun(1, 2), Self.openMPI(1, 2), Self.pmi(1, 2), Self.step(1, 2),
      Self.array(1, 0, 3), Self.kubernetes(1), Self.array(1, 0, 3).merging(Self.step(1, 2)) { $1 },
    ]
    var generator = SystemRandomNumberGenerator()
    let odd =
      [
        "", " ", "-1", "+1", "1.0", "1e3", "0x1", "１", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "18446744073709551616", "4294967295",
        "4294967294", "1000000000", "1000000001", "0", "1", "3", "nan", "\u{0}", "\u{202E}1", "é",
        "1\n", String(repeating: "1", count: 70_000),
      ]
      + (0..<50).map { _ in
        String(
          decoding: (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) },
          as: UTF8.self)
      }
    for variables in complete {
      for name in variables.keys {
        for value in odd {
          for (explicit, count) in [(nil, nil), (nil, 2), ("1/2", nil)] as [(String?, Int?)] {
            let changed = variables.merging([name: value]) { $1 }
            do throws(Failure) {
              let shard = try Shard.find(explicit: explicit, count: count, environment: changed)
                .shard
              if let shard { #expect((0..<shard.count).contains(shard.index)) }
            } catch {
              #expect(error.status == .usage)
              #expect(error.description.utf8.count < 1000)
            }
          }
        }
      }
    }
  }

  @Test func aRefusalNamesTheVariableAndItsValue() throws {
    let failure = try #require(throws: Failure.self) {
      try find(nil, nil, [Self.torchrun(0, 2), ["WORLD_SIZE": "two"]])
    }
    #expect(failure.subject == "WORLD_SIZE" && failure.detail.contains("'two'"))
    let holes = try #require(throws: Failure.self) {
      try find(nil, nil, [Self.array(5, 1, 9, count: 3)])
    }
    #expect(
      holes.detail.contains("task 5 of 3 from 1 to 9") && holes.detail.contains("`shardCount`"))
    let count = try #require(throws: Failure.self) { try find(nil, nil, [Self.kubernetes(3)]) }
    #expect(count.subject == "JOB_COMPLETION_INDEX" && count.detail.contains("`shardCount`"))
  }

  @Test func whatWasSeenIsSaid() throws {
    let explanation = try Shard.find(
      explicit: nil, count: nil,
      environment: Self.step(0, 2).merging(Self.openMPI(3, 4)) { $1 }.merging(["PMI_RANK": ""]) {
        $1
      }
    ).explanation
    #expect(explanation.contains("saw SLURM_STEP_NUM_TASKS=2"))
    #expect(explanation.contains("saw OMPI_COMM_WORLD_SIZE=4"))
    #expect(explanation.contains("saw PMI_RANK="))
    #expect(explanation.last == "shard 3/4, as Open MPI says")
  }

  @Test func codingRefusesWhatCannotBe() throws {
    let shard = try Shard(index: 2, count: 4)
    for (index, count) in [(4, 4), (-1, 4), (0, 0), (0, -1), (0, Shard.maximumCount + 1)] {
      let failure = #expect(throws: Failure.self) { _ = try Shard(index: index, count: count) }
      #expect(failure?.code == .invalidShard)
    }
    let data = try JSONEncoder().encode(shard)
    #expect(try JSONDecoder().decode(Shard.self, from: data) == shard)
    for text in [
      #"{"index":4,"count":4}"#, #"{"index":-1,"count":4}"#, #"{"index":0,"count":0}"#,
      #"{"index":0,"count":9000000000}"#, #"{"index":0}"#, "[]",
    ] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(Shard.self, from: Data(text.utf8))
      }
    }
  }
}
