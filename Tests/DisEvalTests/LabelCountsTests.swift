import Diffusion
import DisEval
import Results
import Testing

/// When the classes of samples are said to differ from those of the reference.
@Suite struct LabelCountsTests {
  private func tally(_ labels: some Sequence<Int>, classes: Int) -> LabelTally {
    var tally = LabelTally(classes: classes)
    for label in labels { tally.append(label) }
    return tally
  }

  private func even(_ classes: Int) -> [Double] {
    [Double](repeating: 1 / Double(classes), count: classes)
  }

  @Test func countsAreThoseOfTheClasses() {
    let counts = LabelCounts([0, 2, 2, 4, 9, -1], classes: 5)
    #expect(counts.counts == [1, 0, 2, 0, 1] && counts.classes == 5 && counts.distinct == 3)
    #expect(counts.smallest == 0 && counts.largest == 2 && counts.unlabelled == 2)
    #expect(LabelCounts([1], classes: 1000).counts?.count == 1000)
    #expect(LabelCounts([1], classes: 1001).counts == nil)
  }

  /// The probability of a false alarm is 1e-6 for each of these 120.
  @Test(
    "uniform draws are not unlike uniform",
    arguments: [(2, 50), (10, 10_000), (10, 7), (1000, 50_000), (1000, 2000), (1000, 30)])
  func uniform(classes: Int, count: Int) {
    for seed in 0..<20 as Range<UInt64> {
      let labels = (0..<count).map {
        RandomStream(seed: seed, index: UInt64($0)).label(below: classes)
      }
      #expect(!tally(labels, classes: classes).isUnlike(even(classes)), "\(seed)")
    }
  }

  @Test func exactlyBalancedIsNotUnlikeUniform() {
    #expect(!tally((0..<50_000).map { $0 % 1000 }, classes: 1000).isUnlike(even(1000)))
  }

  @Test func aClassThatIsLeftOutIsFound() {
    // Chi-square alone would not see one class of a thousand.
    let labels = (0..<50_000).map { $0 % 999 }
    #expect(tally(labels, classes: 1000).isUnlike(even(1000)))
    // Of 2,000 draws some 135 classes of 1,000 are left out by chance.
    #expect(!tally((0..<2000).map { $0 % 865 }, classes: 1000).isUnlike(even(1000)))
    #expect(tally((0..<2000).map { $0 % 500 }, classes: 1000).isUnlike(even(1000)))
  }

  @Test func unevenClassesAreFound() {
    let twice = (0..<11_000).map { $0 % 11 % 10 }  // Class 0 twice as often.
    #expect(tally(twice, classes: 10).isUnlike(even(10)))
    let shares = [2.0 / 11] + [Double](repeating: 1.0 / 11, count: 9)
    #expect(!tally(twice, classes: 10).isUnlike(shares))
    #expect(tally((0..<11_000).map { $0 % 10 }, classes: 10).isUnlike(shares))
  }

  @Test func oneClassIsSaid() throws {
    let three = tally([Int](repeating: 3, count: 20), classes: 10)
    let unknown = try #require(three.warning(policy: "3", reference: nil, named: "ref.npz"))
    #expect(unknown.contains("class 3 alone") && unknown.contains("ref.npz"))
    let all = LabelCounts((0..<100).map { $0 % 10 }, classes: 10)
    let known = try #require(three.warning(policy: "3", reference: all, named: "ref"))
    #expect(known.contains("10 of 10 classes, 10 to 10 images each"), "\(known)")
    let same = LabelCounts([3, 3, 3], classes: 4)
    #expect(three.warning(policy: "3", reference: same, named: "ref") == nil)
    // Samples of no class, and a model of one class.
    let none = tally([10, 10], classes: 10)
    #expect(none.warning(policy: "10", reference: nil, named: "ref") == nil)
    #expect(tally([0, 0], classes: 1).warning(policy: "0", reference: nil, named: "r") == nil)
  }

  @Test func drawnAndBalancedLabelsAreSaidOnlyWhereTheReferenceIsKnown() {
    let labels = tally((0..<100).map { $0 % 10 }, classes: 10)
    let half = LabelCounts((0..<100).map { $0 % 5 }, classes: 5)
    let more = LabelCounts((0..<100).map { $0 % 20 }, classes: 20)
    for policy in ["uniform", "balanced"] {
      #expect(labels.warning(policy: policy, reference: nil, named: "r") == nil)
      #expect(labels.warning(policy: policy, reference: half, named: "r") != nil)
      // Of more classes than the model has: other classes, of which nothing is known.
      #expect(labels.warning(policy: policy, reference: more, named: "r") == nil)
    }
  }

  @Test func filesAreComparedWithBalance() throws {
    let uneven = tally((0..<1000).map { $0 % 100 < 91 ? 0 : $0 % 10 }, classes: 10)
    let text = try #require(uneven.warning(policy: "f.npy", reference: nil, named: "r"))
    #expect(text.contains("f.npy") && text.contains("10 of 10 classes"), "\(text)")
    let even = tally((0..<1000).map { $0 % 10 }, classes: 10)
    #expect(even.warning(policy: "f.npy", reference: nil, named: "r") == nil)
  }
}
