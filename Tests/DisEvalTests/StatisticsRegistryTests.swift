import DisEval
import Files
import Foundation
import References
import Testing

@Suite("Statistics registry") struct StatisticsRegistryTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("reference_stats/registry.json")

  @Test func theProgramHasTheFileOfTheRepository() throws {
    #expect(Array(try Data(contentsOf: Self.file)) == StatisticsRegistry.builtIn)
  }

  @Test func everyEntryIsUsable() throws {
    let registry = try StatisticsRegistry(json: StatisticsRegistry.builtIn, subject: "built in")
    #expect(registry.entries.count >= 70)
    var addresses: Set<String> = []
    for entry in registry.entries {
      let url = try #require(URL(string: entry.address), "\(entry.name)")
      #expect(["http", "https"].contains(url.scheme) && url.host() != nil, "\(entry.name)")
      #expect(URL(string: entry.source)?.scheme == "https", "\(entry.name)")
      #expect(!entry.arrays.isEmpty && !entry.file.contains("/"), "\(entry.name)")
      #expect(entry.page == true || url.lastPathComponent == entry.file, "\(entry.name)")
      #expect(addresses.insert(entry.address + entry.file).inserted, "\(entry.name)")
      #expect(entry.dimension == 2048, "\(entry.name)")
      // Whoever says in which way the features were made also says how they were summed.
      #expect((entry.dialect == nil) == (entry.ddof == nil), "\(entry.name)")
    }
    for part in [
      "cifar10", "imagenet-64", "imagenet-128", "imagenet-256", "imagenet-512", "celeba",
    ]
      + ["ffhq", "afhqv2", "lsun", "coco"]
    {
      #expect(registry.entries.contains { $0.name.hasPrefix(part) }, "\(part)")
    }
    // By hand, from clean-fid's README.
    let cats = try #require(registry["afhq-cat-512-clean"])
    #expect(cats.count == 5153 && cats.resolution == 512 && cats.dialect == .clean)
  }

  @Test func anUnknownNameGetsTheClosest() throws {
    let registry = try StatisticsRegistry(json: StatisticsRegistry.builtIn, subject: "built in")
    for (typed, expected) in [
      ("cifar10-emd", "cifar10-edm"), ("imagenet-256", "imagenet-256-adm"),
      ("CIFAR10-EDM2", "cifar10-edm"), ("cifar10-train", "cifar10-train-clean"),
    ] {
      do {
        _ = try registry.entry(named: typed)
        Issue.record("\(typed) is a name")
      } catch {
        #expect(error.code == .statsUnknown && error.status == .inputMissing)
        #expect(error.detail.contains(expected), "\(error)")
      }
    }
  }

  static let good = """
    {"schema": "dis-eval-registry/1", "entries": [{"name": "a-1", "dataset": {"name": "x"},
    "address": "http://x/a.npz", "file": "a.npz", "format": "npz", "arrays": ["mu", "sigma"],
    "dimension": 16, "dialect": "edm", "count": 40, "resolution": 8, "ddof": 1, "sha256": null,
    "source": "https://x"}]}
    """

  @Test(
    "a registry that cannot be is refused",
    arguments: [
      ("registry/1", "registry/2"), ("\"a-1\"", "\"../a\""), ("\"a-1\"", "\"-a\""),
      ("\"a-1\"", "\"\""), ("\"edm\"", "\"EDM\""), (": 16", ": 0"), (": 16", ": 1e9"),
      (": 40", ": 1"), (": 8", ": 0"), (": null", ": \"00\""), ("\"npz\"", "\"zip\""),
      ("\"name\": \"a-1\", ", ""), ("]}", ""),
    ])
  func refuses(old: String, new: String) throws {
    #expect(try StatisticsRegistry(json: Array(Self.good.utf8), subject: "r").entries.count == 1)
    let bad = Self.good.replacingOccurrences(of: old, with: new)
    #expect(bad != Self.good)
    #expect {
      try StatisticsRegistry(json: Array(bad.utf8), subject: "r")
    } throws: {
      ($0 as? Failure)?.code == .statsInvalid && ($0 as? Failure)?.status == .dataRefused
    }
  }

  @Test func aNameStandsOnce() throws {
    let entry = Self.good.dropFirst(46).dropLast(2)
    let twice = Self.good.replacingOccurrences(of: "}]}", with: "}, \(entry)]}")
    #expect { try StatisticsRegistry(json: Array(twice.utf8), subject: "r") } throws: {
      ($0 as? Failure)?.detail.contains("twice") ?? false
    }
  }
}
