import GenerativeMetrics
import Testing

@Suite struct StudentTTests {
  struct Case: Decodable, Sendable {
    let p: Double
    let degreesOfFreedom: Int
    let quantile: Double
  }

  @Test("agrees with scipy.stats.t", arguments: Golden<Case>.read("student"))
  func agreement(golden: Case) {
    let degrees = golden.degreesOfFreedom
    let quantile = studentQuantile(golden.p, degreesOfFreedom: degrees)
    // What 1e-14 of the probability is worth: it is the steeper the further out.
    let tail = min(golden.p, 1 - golden.p)
    #expect(abs(quantile - golden.quantile) <= 1e-14 / tail * abs(quantile), "\(quantile)")
    #expect(abs(studentProbability(golden.quantile, degreesOfFreedom: degrees) - golden.p) <= 5e-15)
  }

  /// With one and two degrees of freedom there are closed forms.
  @Test func byHand() {
    #expect(abs(studentProbability(1, degreesOfFreedom: 1) - 0.75) <= 1e-15)
    #expect(abs(studentProbability(-1, degreesOfFreedom: 1) - 0.25) <= 1e-15)
    #expect(abs(studentQuantile(0.75, degreesOfFreedom: 1) - 1) <= 4e-15)
    // P = 1/2 + t / (2 √(2 + t²)), at √2.
    let half = 0.5 + 1 / 8.squareRoot()
    #expect(abs(studentProbability(2.squareRoot(), degreesOfFreedom: 2) - half) <= 1e-15)
  }

  @Test(arguments: [1, 2, 3, 19, 100])
  func ends(degrees: Int) {
    #expect(studentProbability(0, degreesOfFreedom: degrees) == 0.5)
    #expect(studentProbability(.infinity, degreesOfFreedom: degrees) == 1)
    #expect(studentProbability(-.infinity, degreesOfFreedom: degrees) <= 1e-16)
    #expect(studentProbability(.nan, degreesOfFreedom: degrees).isNaN)
    #expect(abs(studentQuantile(0.5, degreesOfFreedom: degrees)) <= 1e-15)
    #expect(
      (-.greatestFiniteMagnitude..<(-8)).contains(
        studentQuantile(1e-300, degreesOfFreedom: degrees)))
  }
}
