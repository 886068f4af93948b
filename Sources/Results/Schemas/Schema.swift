/// The published JSON schemas (draft 2020-12) of the documents of dis-eval.
public enum Schema: String, CaseIterable, Sendable {
  /// The baseline of a gate.
  case baseline
  /// The result of a benchmark.
  case benchmark
  /// The comparison of two results.
  case comparison
  /// The results of several extractors.
  case extractors
  /// The verdict of a gate.
  case gate
  /// A message between dis-eval and a generator.
  case generator
  /// A line of a ledger.
  case ledger
  /// The numbers of a drawing.
  case plot
  /// The requirements of a gate.
  case policy
  /// The result of comparing decoded images with their originals.
  case reconstruction
  /// The comparison of two training recipes.
  case recipeComparison = "recipe-comparison"
  /// The results of several seeds.
  case repeats
  /// The comparison of a result with its repetition.
  case rerun
  /// The result of an evaluation.
  case result
  /// The table of a sweep.
  case sweep

  /// The contents of the schema.
  public var json: [UInt8] {
    switch self {
    case .baseline: PackageResources.baseline_schema_json
    case .benchmark: PackageResources.benchmark_schema_json
    case .comparison: PackageResources.comparison_schema_json
    case .extractors: PackageResources.extractors_schema_json
    case .gate: PackageResources.gate_schema_json
    case .generator: PackageResources.generator_schema_json
    case .ledger: PackageResources.ledger_schema_json
    case .plot: PackageResources.plot_schema_json
    case .policy: PackageResources.policy_schema_json
    case .reconstruction: PackageResources.reconstruction_schema_json
    case .recipeComparison: PackageResources.recipe_comparison_schema_json
    case .repeats: PackageResources.repeats_schema_json
    case .rerun: PackageResources.rerun_schema_json
    case .result: PackageResources.result_schema_json
    case .sweep: PackageResources.sweep_schema_json
    }
  }
}
