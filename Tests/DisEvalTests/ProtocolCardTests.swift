import DisEval
import Files
import References
import Results
import Testing

/// What published evaluations demand of images that exist.
@Suite("Protocol cards") struct ProtocolCardTests {
  @Test func haveNamesOfTheirOwnAndReferencesOfTheRegistry() throws {
    let registry = try StatisticsRegistry()
    #expect(Set(ProtocolCard.all.map(\.name)).count == ProtocolCard.all.count)
    #expect(
      Preset.all.allSatisfy { preset in ProtocolCard.all.contains { $0.name == preset.name } })
    for card in ProtocolCard.all {
      #expect(try ProtocolCard(named: card.name).name == card.name)
      let entry = try #require(registry[card.reference], "\(card.name)")
      #expect(entry.resolution == card.side, "\(card.name)")
      // U-ViT's files do not name theirs; the card does.
      #expect(entry.dialect ?? card.referenceDialect == card.referenceDialect, "\(card.name)")
      #expect((card.labels == .none) == (card.classes == nil), "\(card.name)")
      #expect(!card.unseen.isEmpty && card.published.allSatisfy { !$0.source.isEmpty })
    }
  }

  /// A few of the numbers that were published, by hand.
  @Test func areThoseOfThePublications() throws {
    let dit = try ProtocolCard(named: "dit-xl2-imagenet256")
    #expect(dit.published.map(\.metric) == ["fid", "is"])
    #expect(dit.published.map(\.value) == [2.27, 278.24])
    #expect(dit.side == 256 && dit.labels == .drawn && dit.reference == "imagenet-256-adm")
    #expect(dit.unseen.contains { $0 == ("guidance", "1.5, first 3 channels") })
    let adm = try ProtocolCard(named: "adm-g-u-imagenet256")
    #expect(adm.published.map(\.metric) == ["fid", "sfid", "is", "precision", "recall"])
    #expect(adm.published[0].value == 3.9425574129223264 && adm.dialect == .tensorFlow)
    // U-ViT alone draws classes by their frequency, and mixes two dialects.
    let uvit = try ProtocolCard(named: "uvit-m4-imagenet64")
    #expect(uvit.labels == .drawnByFrequency && uvit.dialect != uvit.referenceDialect)
    #expect(try ProtocolCard(named: "edm-cifar10-uncond").labels == .none)
  }

  /// What decides a distance besides the images, by hand from the originals' code.
  @Test(arguments: [
    ("mar-b-imagenet256", 2.31, ProtocolCard.Labels.balanced, "torch-fidelity, statistics tf"),
    ("mar-h-imagenet256", 1.55, .balanced, "torch-fidelity, statistics tf"),
    ("var-d16-imagenet256", 3.55, .balanced, "tf"),
    ("var-d36-imagenet512", 2.63, .balanced, "tf"),
    ("lightningdit-xl1-imagenet256", 2.17, .drawn, "tf"),
    ("lightningdit-xl1-guided-imagenet256", 1.35, .drawn, "tf"),
    ("edm2-xxl-guided-imagenet512", 1.81, .drawn, "edm"),
    ("edm2-s-autoguided-imagenet64", 1.01, .drawn, "edm"),
    ("edm2-s-uncond-autoguided-imagenet512", 3.86, .none, "edm"),
    ("rae-ditdh-xl-imagenet256", 1.51, .balanced, "tf"),
    ("rae-ditdh-xl-autoguided-imagenet512", 1.13, .balanced, "tf"),
  ])
  func decideTheDistance(
    name: String, fid: Double, labels: ProtocolCard.Labels, dialect: String
  ) throws {
    let card = try ProtocolCard(named: name)
    #expect(card.published.first?.metric == "fid" && card.published.first?.value == fid)
    #expect(card.labels == labels && card.classes == (labels == .none ? nil : 1000))
    #expect(card.lines.contains { $0 == ("dialect", dialect) })
    let family = dialect == "edm" ? "edm2" : "adm"
    #expect(card.reference == "imagenet-\(card.side)-\(family)")
    #expect(name.hasSuffix("imagenet\(card.side)"))
    #expect(card.unseen.contains { $0.name == "guidance" })
  }

  /// EDM2 publishes one distance for each of its settings that minimise it.
  @Test func areAsManyAsWerePublished() {
    func count(_ family: String) -> Int {
      ProtocolCard.elsewhere.count { $0.name.hasPrefix(family + "-") }
    }
    #expect(
      ["adm", "edm", "edm2", "mar", "var", "lightningdit", "rae"].map(count)
        == [2, 3, 20, 3, 5, 4, 3])
  }

  @Test func namesThatDoNotExistAreRefused() {
    #expect { try ProtocolCard(named: "dit") } throws: {
      let failure = $0 as? Failure
      return failure?.status == .usage && failure?.detail.contains("edm-imagenet64") == true
    }
    #expect { try Preset(named: "edm-imagenet64") } throws: {
      let failure = $0 as? Failure
      return failure?.code == .unknownPreset
        && failure?.detail.hasPrefix("it is for images made elsewhere") == true
    }
  }

  /// Four images of two classes.
  private func card(_ labels: ProtocolCard.Labels, classes: Int? = 2) -> ProtocolCard {
    ProtocolCard(
      name: "made-up", side: 64, classes: classes, labels: labels, reference: "imagenet-64-adm",
      dialect: .tensorFlow, published: [], source: "this test", unseen: [("sampler", "any")])
  }

  private func scored(
    published: Bool? = true,
    dialects: (features: Dialect, reference: Dialect)? = (
      .tensorFlow, .tensorFlow
    ), sha256: String? = nil
  ) -> ScoredProtocol {
    ScoredProtocol(
      extractor: ExtractorProvenance(
        name: "inception-2015", published: published, dimension: 2048), dialects: dialects,
      reference: ReferenceProvenance(
        file: "stats.npz", sha256: sha256, dataset: nil, count: nil, dialect: nil),
      hasStatistics: true)
  }

  @Test func whatIsCheckedAgreesOrDeparts() {
    var images = scored(sha256: "ab")
    images.count = 50_000
    images.sizes = "64 x 64"
    images.referenceSHA256 = ("ab", true)
    let same = card(.none, classes: nil).check(images)
    #expect(same.departures.isEmpty)
    #expect(
      same.agrees.map(\.name) == ["number", "image size", "extractor", "dialect", "reference"])
    #expect(same.notChecked.map(\.name) == ["sampler"])

    var others = scored(published: false, dialects: (.pytorchFID, .tensorFlow), sha256: "cd")
    others.count = 10
    others.sizes = "32 to 64 x 64"
    others.referenceSHA256 = ("ab", true)
    let different = card(.none, classes: nil).check(others)
    #expect(different.agrees.isEmpty)
    #expect(
      different.departures.map(\.description) == [
        "number: 10, expected 50000", "image size: 32 to 64 x 64, expected 64 x 64",
        "extractor: inception-2015, unpublished weights, expected inception-2015",
        "dialect: pytorch-fid, statistics tf, expected tf",
        "reference: 'stats.npz', SHA-256 cd, expected imagenet-64-adm, SHA-256 ab",
      ])
    let all = card(.none, classes: nil).check(scored(dialects: nil))
    #expect(all.departures.map(\.description) == ["dialect: all, expected tf"])
  }

  /// Statistics need not say how many images they are of, and how large.
  @Test func whatIsUnknownIsNotChecked() {
    let check = card(.drawn).check(scored(sha256: "ab"))
    #expect(check.departures.isEmpty)
    #expect(
      check.notChecked.map(\.name) == ["number", "image size", "labels", "reference", "sampler"])
    #expect(check.notChecked.allSatisfy { $0.found == nil && $0.reason != nil })
    #expect(
      check.notChecked[2].description
        == "labels: drawn uniformly from 2 classes (the images have no labels)")
    // A hash of the first download proves less than a published one.
    var locked = scored(sha256: "ab")
    locked.referenceSHA256 = ("ab", false)
    let first = card(.drawn).check(locked)
    #expect(first.agrees.contains { $0.name == "reference" })
    #expect(first.notChecked.contains { $0.name == "published reference" })
  }

  @Test func aReferenceOfOtherImagesDeparts() {
    var images = scored()
    images.hasStatistics = false
    var small = scored()
    small.reference.resolution = 32
    var photos = scored()
    photos.reference.dataset = Dataset(name: "photos", split: "test")
    for (other, part) in [
      (images, "the images 'stats.npz'"), (small, "of images of 32 x 32"),
      (photos, "of photos test"),
    ] {
      let check = card(.drawn).check(other)
      #expect(
        check.departures.contains { $0.name == "reference" && $0.found?.contains(part) == true })
    }
  }

  /// Two classes: 300 and 300 images are balanced; 290 and 310 may be drawn; 100 and 500 are neither.
  @Test func labelsAreComparedWithTheirRule() {
    func check(_ rule: ProtocolCard.Labels, _ first: Int, _ second: Int) -> ProtocolCheck {
      var images = scored()
      images.labels = [Int](repeating: 0, count: first) + [Int](repeating: 1, count: second)
      return card(rule).check(images)
    }
    func agrees(_ check: ProtocolCheck) -> Bool { check.agrees.contains { $0.name == "labels" } }
    func departs(_ check: ProtocolCheck) -> Bool {
      check.departures.contains { $0.name == "labels" }
    }
    #expect(agrees(check(.drawn, 290, 310)))
    #expect(departs(check(.drawn, 300, 300)) && departs(check(.drawn, 100, 500)))
    #expect(agrees(check(.balanced, 300, 300)) && departs(check(.balanced, 290, 310)))
    let frequency = check(.drawnByFrequency, 100, 500)
    #expect(!agrees(frequency) && !departs(frequency))
    var third = scored()
    third.labels = [0, 1, 2]
    #expect(departs(card(.drawn).check(third)))
  }
}
