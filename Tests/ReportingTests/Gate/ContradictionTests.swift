import Files
import Foundation
import GenerativeMetrics
import Reporting
import Results
import Testing
import _TestSupport

/// Results that cannot have come out of an evaluation.
@Suite("Results that contradict themselves") struct ContradictionTests {
  /// A metric with what is changed in it.
  static func metric(_ change: (inout MadeUpMetric) -> Void) -> String {
    var metric = MadeUpMetric(10, error: 0.1)
    change(&metric)
    return metric.json
  }

  static let good = metric { _ in }

  static func changed(_ old: String, _ new: String, _ text: String = ContradictionTests.good)
    -> String
  {
    precondition(text.contains(old), "\(text) has no \(old)")
    return text.replacingOccurrences(of: old, with: new)
  }

  static let leftOut = MadeUpMetric(10, error: 0.1).leftOut
  static let bias = MadeUpMetric(10, error: 0.1).jackknife?.bias ?? .nan

  @Test(
    "each is refused with its place",
    arguments: [
      (
        "fid", metric { $0.interval = "[10.1, 10.2]" },
        "fid.value: 10.0 lies outside its own interval"
      ),
      (
        "fid", metric { $0.interval = "[9.99, 10.01]" },
        "fid.interval: found [9.99, 10.01], its jackk"
      ),
      ("fid", metric { $0.interval = "[0, 1e6]" }, "fid.interval: found"),
      ("fid", metric { $0.interval = "[11, 9]" }, "fid.interval': a value that is not possible"),
      ("fid", metric { $0.interval = "[10]" }, "fid.interval.1': expected a number"),
      ("fid", metric { $0.interval = "[9, 11, 12]" }, "'metrics.fid.interval.2' is not a key"),
      ("fid", metric { $0.interval = "\"9 to 11\"" }, "fid.interval': expected a list"),
      ("fid", "{\"value\": true, \"higher_is_better\": false}", "fid.value': expected a number"),
      ("fid", "{\"value\": 3, \"interval\": null}", "fid.higher_is_better': is missing"),
      ("fid", "3", "fid': expected an object"),
      // Of a metric that is never negative the interval is that of the logarithm.
      (
        "fid",
        metric { metric in
          let interval = metric.jackknife?.interval ?? 0...0
          metric.interval = "[\(interval.lowerBound), \(interval.upperBound)]"
        }, "fid.interval: found"
      ),
      ("fd", changed("\"bias\": \(bias)", "\"bias\": 0.5"), "fd.bias: found 0.5"),
      ("fd", changed("0.95", "0.5"), "fd.confidence: found 0.5"),
      ("fd", metric { $0.leftOut.removeLast() }, "fd.jackknife: found 19 values"),
      ("fd", metric { $0.leftOut += [10] }, "fd.jackknife: found 21 values"),
      (
        "fd", changed("\"groups\": 20", "\"groups\": 5"),
        "fd.jackknife: found 20 values of 5 groups"
      ),
      (
        "fid", changed(": false", ": true"), "fid.higher_is_better: found true, for fid it is false"
      ),
      ("kid", changed(": false", ": true"), "kid.higher_is_better"),
      ("is", good, "is.higher_is_better: found false"),
      ("precision", changed(": false", ": true"), "precision.value: found 10.0"),
      (
        "fid", "{\"value\": -1e-9, \"interval\": null, \"higher_is_better\": false}",
        "fid.value: found -1e-09"
      ),
      ("sfid", "{\"value\": -2, \"interval\": null, \"higher_is_better\": false}", "at least 0"),
      ("cs", "{\"value\": 0.5, \"interval\": null, \"higher_is_better\": true}", "cs.value"),
      (
        "fid", changed("\"interval\"", "\"value\": 3, \"interval\""),
        "fid': the key 'value' occurs twice"
      ),
      (
        "fid", changed("\"interval\"", "\"Value\": 3, \"interval\""),
        "fid': the key 'Value' occurs twice"
      ),
    ])
  func refused(name: String, metric: String, part: String) throws {
    for (role, status) in [
      (RecordedEvaluation.Role.result, ExitStatus.dataRefused), (.baseline, .invalidConfiguration),
    ] {
      let failure = #expect(throws: Failure.self) {
        try MadeUp.read(MadeUp.document([name: metric]), as: role)
      }
      #expect(failure?.status == status)
      #expect(failure?.detail.contains(part) == true, "\(failure?.detail ?? "")")
    }
  }

  @Test(
    "provenance has to agree too",
    arguments: [
      ("50000", "\"50000\"", "'provenance.num': "), ("50000", "0", "provenance.num: found 0"),
      ("50000", "39", "fid.jackknife: it needs at least 40 samples, provenance.num is 39"),
      ("\"num\": 50000, ", "", "provenance.num is not there"),
      (
        "\"inception-2015\"", "\"inception\"", "fid.value: fid is by the extractor 'inception-2015'"
      ),
      ("\"name\": \"inception-2015\", ", "", "'provenance.extractor.name'"),
      ("\"dialect\": \"tf\", \"num\"", "\"dialekt\": \"tf\", \"num\"", "'provenance.dialect'"),
      (
        "\"count\": 9", "\"count\": 9, \"cuont\": 8",
        "'provenance.reference.cuont' is not a key of a result"
      ),
      // Other numbers of samples make groups of other sizes.
      ("50000", "41", "fid."),
      (
        "\"dialect\": \"tf\", \"num\"", "\"dialect\": \"tf\", \"dialect\": \"clean\", \"num\"",
        "'dialect'"
      ),
    ])
  func provenance(old: String, new: String, part: String) throws {
    let failure = #expect(throws: Failure.self) {
      try MadeUp.read(MadeUp.document(["fid": Self.good], changing: (old, new)))
    }
    #expect(failure?.code == .resultInvalid)
    #expect(failure?.detail.contains(part) == true, "\(failure?.detail ?? "")")
  }

  @Test func everySampleHasADigest() throws {
    func read(_ digests: String) throws {
      _ = try MadeUp.read(
        MadeUp.document(["fid": Self.good]).replacingOccurrences(
          of: "\"samples_sha256\": null", with: "\"sample_digests\": \"\(digests)\""))
    }
    try read(String(repeating: "AAAA", count: 50_000))
    let failure = #expect(throws: Failure.self) { try read("AAAABBBB") }
    #expect(failure?.detail.contains("those of 2 samples, provenance.num is 50000") == true)
  }

  @Test func whatAgreesIsRead() throws {
    let far = MadeUpMetric(0.001, error: 0.1)
    #expect(far.ends?[0] == 0)
    for (name, metric) in [
      ("fid", Self.good), ("fid", far.json), ("later", Self.good),
      ("is", Self.changed(": false", ": true")),
      // What kid and others are without an interval.
      ("kid", "{\"value\": -0.001, \"interval\": null, \"higher_is_better\": false}"),
      ("fid", "{\"value\": 0, \"interval\": null, \"higher_is_better\": false}"),
    ] {
      _ = try MadeUp.read(MadeUp.document([name: metric]))
    }
    // A name that this version does not know may have an interval of either kind.
    var other = MadeUpMetric(10, error: 0.1)
    let interval = other.jackknife?.interval ?? 0...0
    other.interval = "[\(interval.lowerBound), \(interval.upperBound)]"
    _ = try MadeUp.read(MadeUp.document(["later": other.json]))
  }
}
