import DisEval
import Files
import Testing

/// The settings of published evaluations.
@Suite("Presets") struct PresetTests {
  @Test func haveNamesOfTheirOwnAndSettingsThatFit() throws {
    #expect(Set(Preset.all.map(\.name)).count == Preset.all.count)
    for preset in Preset.all {
      #expect(try Preset(named: preset.name).name == preset.name)
      // Also checks that the model has an architecture, and that the sampler fits it.
      #expect(preset.coreHours(gflops: 40) > 100, "\(preset.name)")
      let isDiS = preset.model.family == .dis
      #expect((preset.published == nil) == isDiS, "\(preset.name)")
      #expect(preset.lines.contains { $0.name == "published" })
    }
  }

  /// A few of the table that they follow, by hand.
  @Test func areThoseOfThePublications() throws {
    let dit = try Preset(named: "dit-xl2-imagenet256")
    #expect(dit.published?.fid == 2.27 && dit.backbone.family == .dit)
    #expect(dit.settings.guidanceScale == 1.5 && dit.settings.guidedChannels == .first3)
    let repa = try Preset(named: "repa-xl2-imagenet256")
    #expect(repa.settings.guidanceInterval == 0...0.7 && repa.settings.quantizer == .adm)
    #expect(repa.lines.contains { $0.value == "1.8, all noise, t from 0.0 to 0.7" })
    #expect(repa.settings.sampler == .flowSDE && repa.published?.fid == 1.42)
    let small = try Preset(named: "uvit-s2-cifar10")
    #expect(small.settings.sampler == .vpSDE && small.settings.respacing.timesteps.count == 1000)
    #expect(small.referenceDialect == small.dialect)
    let huge = try Preset(named: "uvit-h2-imagenet256")
    #expect(huge.settings.guidanceScale == 1.4 && huge.backbone.objective == .sd)
    // The published number compares features and statistics of two dialects.
    #expect(huge.dialect == .pytorchFID && huge.referenceDialect == .tensorFlow)
  }

  /// DiT-XL/2 takes 237.2 GFLOP; 250 steps, two predictions each, 50,000 samples.
  @Test func hoursByHand() throws {
    let hours = try Preset(named: "dit-xl2-imagenet256").coreHours(gflops: 40)
    #expect(abs(hours - 237.242843136 * 500 * 50_000 / 40 / 3600) < 1e-6)
  }
}
