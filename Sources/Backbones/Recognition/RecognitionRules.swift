import Checkpoints
import Diffusion
import Files

/// The rules for what shapes do not show. An option decides before the arguments of training in the
/// file, and these before the rule for files that do not say; what is left is refused.
struct RecognitionRules {
  /// The path of the file, for messages.
  let path: String
  /// The texts among the arguments of training, by name.
  let arguments: [String: String]
  let choices: BackboneChoices
  /// What decided each property, by its name in results.
  private(set) var decidedBy: [String: BackboneEvidence] = [:]

  init(path: String, arguments: [String: String], choices: BackboneChoices) {
    (self.path, self.arguments, self.choices) = (path, arguments, choices)
  }

  private func ambiguous(_ detail: String) -> Failure {
    Failure(.usage, .ambiguousCheckpoint, path, detail)
  }

  private func mismatch(_ subject: String, _ detail: String) -> Failure {
    Failure(.usage, .backboneMismatch, subject, detail)
  }

  // MARK: Family

  /// Records a family that the names of the tensors show.
  mutating func settle(_ family: BackboneFamily, by evidence: BackboneEvidence) throws(Failure) {
    if let chosen = choices.family, chosen != family {
      throw mismatch(
        "`backbone` \(chosen.rawValue)", "the tensors of \(path) are those of a \(family.title)")
    }
    decidedBy["backbone"] = choices.family == nil ? evidence : .option
  }

  /// Returns which of the families with the names of DiT it is.
  ///
  /// - Parameter isREPA: Whether there are tensors that only REPA's training adds.
  mutating func family(isREPA: Bool) throws(Failure) -> BackboneFamily {
    if isREPA {
      try settle(.repa, by: .tensors)
      return .repa
    }
    if let chosen = choices.family {
      guard [.dit, .sit, .repa].contains(chosen) else {
        throw mismatch(
          "`backbone` \(chosen.rawValue)", "the tensors of \(path) are those of a DiT or a SiT")
      }
      decidedBy["backbone"] = .option
      return chosen
    }
    let model = arguments["model"] ?? ""
    if arguments["path_type"] != nil || model.hasPrefix("SiT") {
      decidedBy["backbone"] = .arguments
      return .sit
    }
    if model.hasPrefix("DiT") {
      decidedBy["backbone"] = .arguments
      return .dit
    }
    throw ambiguous(
      "DiT and SiT have the same tensors, and the file does not say which of them it is; say "
        + "`backbone` dit or `backbone` sit (or repa, whose time runs the other way)")
  }

  // MARK: Heads

  /// Returns the number of heads: 16 for a width of 1152, otherwise one for each 64 channels.
  mutating func heads(width: Int) throws(Failure) -> Int {
    if let heads = choices.heads {
      guard heads >= 1, width.isMultiple(of: heads) else {
        throw mismatch("`heads` \(heads)", "the width of a token is \(width), no multiple of it")
      }
      decidedBy["heads"] = .option
      return heads
    }
    decidedBy["heads"] = .rule
    if width == 1152 { return 16 }
    guard width.isMultiple(of: 64) else {
      throw ambiguous(
        "the tensors do not show the number of attention heads, and the width \(width) is none for "
          + "which there is a rule (1152, or a multiple of 64); say `heads`")
    }
    return width / 64
  }

  /// Checks that the size agrees with the one that the arguments of training name.
  func checkSize(_ configuration: DiTConfiguration) throws(Failure) {
    guard let model = arguments["model"], let name = model.split(separator: "-").last,
      let named = DiTConfiguration.size(
        String(name), side: configuration.imageSide, channels: configuration.channels,
        classes: configuration.classCount, learnsSigma: true)
    else { return }
    let found = (configuration.width, configuration.blockCount, configuration.patchSize)
    guard found == (named.width, named.blockCount, named.patchSize) else {
      throw Failure(
        .dataRefused, .checkpointMismatch, path,
        "the file says that it is \(model), which has \(named.blockCount) blocks of width "
          + "\(named.width) and patches of \(named.patchSize), but the tensors have \(found.1), "
          + "\(found.0) and \(found.2)")
    }
    guard configuration.heads == named.heads else {
      throw mismatch(
        "`heads` \(configuration.heads)",
        "the file says that it is \(model), which has \(named.heads)")
    }
  }

  // MARK: Process

  /// Returns the process of a SiT or REPA.
  mutating func flow(_ family: BackboneFamily) throws(Failure) -> Flow {
    func chosen<Value: CaseIterable & RawRepresentable<String>>(
      _ choice: Value?, _ argument: String, names: [String: Value], default standard: Value,
      _ property: String
    ) throws(Failure) -> (Value, BackboneEvidence) {
      if let choice { return (choice, .option) }
      guard let text = arguments[argument] else { return (standard, .rule) }
      guard let value = names[text.lowercased()] else {
        throw ambiguous(
          "the file says that \(argument) is '\(text)', which is none of "
            + "\(names.keys.sorted().joined(separator: ", ")); say `\(property)`")
      }
      return (value, .arguments)
    }
    let isREPA = family == .repa
    let (path, pathEvidence) = try chosen(
      choices.path, "path_type",
      names: isREPA
        ? ["linear": FlowPath.linear, "cosine": .gvp]
        : ["linear": .linear, "gvp": .gvp, "vp": .vp],
      default: .linear, "path")
    let (prediction, predictionEvidence) = try chosen(
      choices.flowPrediction, "prediction",
      names: isREPA
        ? ["v": FlowPrediction.velocity]
        : ["velocity": .velocity, "noise": .noise, "score": .score],
      default: .velocity, "flowPrediction")
    if isREPA, path == .vp || prediction != .velocity {
      throw mismatch(
        path == .vp ? "`path` vp" : "`flowPrediction` \(prediction.rawValue)",
        "a REPA predicts the velocity on a linear path or on one of cosines (gvp)")
    }
    (decidedBy["path"], decidedBy["prediction"]) = (pathEvidence, predictionEvidence)
    return try Flow(
      path: path, prediction: prediction, direction: isREPA ? .dataAtZero : .dataAtOne)
  }

  /// Returns the process of a U-ViT: only the one in continuous time is used for pixels.
  mutating func objective(channels: Int) throws(Failure) -> UViTObjective {
    if let objective = choices.objective {
      decidedBy["objective"] = .option
      return objective
    }
    guard [1, 3].contains(channels) else {
      throw ambiguous(
        "a U-ViT of latents is trained for one of two processes, and the file does not say which; "
          + "say `objective` vp (as the published L) or `objective` sd (as the published H)")
    }
    decidedBy["objective"] = .rule
    return .vp
  }

  // MARK: Null class

  /// Returns whether the last row of a U-ViT's label embedding stands for no class.
  mutating func hasNullClass(rows: Int) throws(Failure) -> Bool {
    if let choice = choices.nullClass {
      decidedBy["null_class"] = .option
      switch choice {
      case .none: return false
      case .label(rows - 1): return true
      case .label(let label):
        throw mismatch(
          "`nullClass` \(label)",
          "the label embedding has \(rows) rows, of which only the last, \(rows - 1), can stand for "
            + "no class")
      }
    }
    guard [1000, 1001].contains(rows) else {
      throw ambiguous(
        "the label embedding has \(rows) rows, and the file does not say whether the last one stands "
          + "for no class; say `nullClass` \(rows - 1) or `noNullClass`")
    }
    decidedBy["null_class"] = .rule
    return rows == 1001
  }

  /// Checks that the user does not say otherwise than the tensors.
  ///
  /// - Parameter label: The label that stands for no class; nil for a network without classes.
  func checkNullClass(_ label: Int?) throws(Failure) {
    let isRight =
      switch choices.nullClass {
      case nil: true
      case .some(.none): label == nil
      case .label(let chosen): chosen == label
      }
    guard !isRight else { return }
    let said =
      if case .label(let chosen) = choices.nullClass { "`nullClass` \(chosen)" } else {
        "`noNullClass`"
      }
    throw mismatch(
      said,
      label.map { "in \(path), \($0) stands for no class" }
        ?? "the network in \(path) has no classes")
  }

  // MARK: What does not apply

  /// A choice that some families do not have.
  enum Choice { case objective, path, flowPrediction, heads }

  /// Refuses choices that do not apply to a family.
  func refuse(_ inapplicable: Choice..., for family: String) throws(Failure) {
    for choice in inapplicable {
      let said: String? =
        switch choice {
        case .objective: choices.objective.map { "`objective` \($0.rawValue)" }
        case .path: choices.path.map { "`path` \($0.rawValue)" }
        case .flowPrediction: choices.flowPrediction.map { "`flowPrediction` \($0.rawValue)" }
        case .heads: choices.heads.map { "`heads` \($0)" }
        }
      if let said { throw mismatch(said, "\(path) is \(family), to which it does not apply") }
    }
  }
}
