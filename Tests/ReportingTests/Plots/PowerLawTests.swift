import Foundation
import Reporting
import Testing
import _TestSupport

@Suite("Power laws") struct PowerLawTests {
  struct Golden: Decodable {
    struct Law: Decodable, Sendable {
      let x, y: [Double]
      let factor, exponent: Double
      let interval: [Double]
      let rSquared: Double
      let places, low, high: [Double]
    }
    struct Saturating: Decodable, Sendable {
      let x, y: [Double]
      let asymptote, factor, exponent: Double
    }
    let cases: [Law]
    let saturating: [Saturating]

    static func read() throws -> Golden {
      let data = try Data(
        contentsOf: URL(fileURLWithPath: Goldens(Bundle.module).path("power_law.json")))
      return try JSONDecoder().decode(Golden.self, from: data)
    }
  }

  func near(_ a: Double, _ b: Double, _ bound: Double = 1e-9) -> Bool {
    abs(a - b) <= bound * max(abs(a), abs(b))
  }

  @Test func agreesWithStatsmodels() throws {
    for golden in try Golden.read().cases {
      let law = try PowerLaw(zip(golden.x, golden.y).map { ($0, $1) })
      #expect(near(law.factor, golden.factor) && near(law.exponent, golden.exponent))
      #expect(near(law.rSquared, golden.rSquared))
      let interval = try #require(law.exponentInterval)
      #expect(near(interval.lowerBound, golden.interval[0]), "\(interval) \(golden.interval)")
      #expect(near(interval.upperBound, golden.interval[1]))
      for (place, ends) in zip(golden.places, zip(golden.low, golden.high)) {
        let band = try #require(law.band(at: place))
        #expect(near(band.lowerBound, ends.0) && near(band.upperBound, ends.1))
      }
    }
  }

  @Test func asymptotesAgreeWithScipy() throws {
    for golden in try Golden.read().saturating {
      let law = try PowerLaw(saturating: zip(golden.x, golden.y).map { ($0, $1) })
      #expect(near(law.asymptote, golden.asymptote, 1e-5), "\(law.asymptote) \(golden.asymptote)")
      #expect(near(law.exponent, golden.exponent, 1e-5), "\(law.exponent) \(golden.exponent)")
      #expect(near(law.factor, golden.factor, 1e-4), "\(law.factor) \(golden.factor)")
      #expect(law.band(at: 10) == nil && law.exponentInterval == nil)
    }
  }

  /// 12 / x² at 1, 2, 10 is on the law; its band has no width.
  @Test func exactPoints() throws {
    let law = try PowerLaw([(1, 12), (2, 3), (10, 0.12)])
    #expect(near(law.factor, 12, 1e-14) && near(law.exponent, -2, 1e-14))
    #expect(near(law.value(at: 4), 0.75, 1e-14) && near(law.rSquared, 1, 1e-14))
    #expect(law.domain == 1...10 && law.count == 3)
    let band = try #require(law.band(at: 100))
    #expect(near(band.lowerBound, band.upperBound, 1e-12))
    let flat = try PowerLaw([(1, 7), (3, 7), (10, 7)])
    #expect(abs(flat.exponent) < 1e-15 && flat.rSquared == 1)
    // 3 + 8 / x.
    let points = [1.0, 2, 4, 8, 16].map { ($0, 3 + 8 / $0) }
    let saturating = try PowerLaw(saturating: points)
    #expect(near(saturating.asymptote, 3, 1e-6) && near(saturating.exponent, -1, 1e-6))
    #expect(near(saturating.factor, 8, 1e-6))
  }

  /// Another unit of x changes the factor only.
  @Test func unitsDoNotMatter() throws {
    let golden = try #require(try Golden.read().cases.first)
    let law = try PowerLaw(zip(golden.x, golden.y).map { ($0, $1) })
    let scaled = try PowerLaw(zip(golden.x, golden.y).map { ($0 * 1024, $1) })
    #expect(near(law.exponent, scaled.exponent, 1e-12))
    #expect(near(law.value(at: 1e5), scaled.value(at: 1e5 * 1024), 1e-12))
  }

  @Test(
    arguments: [
      ([(1, 2), (100, 3)], "2 places, at least 3 are needed"),
      ([(1, 2), (1, 3), (100, 4)], "2 places, at least 3 are needed"),
      ([], "0 places, at least 3 are needed"),
      ([(1, 2), (2, 3), (9, 4)], "less than a decade"),
      ([(1, 2), (2, 0), (90, 4)], "values that are not above 0"),
      ([(-1, 2), (2, 1), (90, 4)], "values that are not above 0"),
      ([(1, 2), (2, .infinity), (90, 4)], "values that are not above 0"),
    ] as [([(Double, Double)], String)])
  func notFitted(points: [(Double, Double)], reason: String) {
    #expect {
      try PowerLaw(points.map { (x: $0.0, y: $0.1) })
    } throws: { "\($0)" == reason }
    #expect(throws: PowerLaw.NotFitted.self) {
      try PowerLaw(saturating: points.map { (x: $0.0, y: $0.1) })
    }
  }
}
