/// The published JSON schemas (draft 2020-12) of the documents of dis-eval.
public enum Schema: String, CaseIterable, Sendable {
  case baseline, benchmark, comparison, gate, ledger, plot, policy, repeats, rerun, result, sweep

  /// The contents of the schema.
  public var json: [UInt8] {
    switch self {
    case .baseline: PackageResources.baseline_schema_json
    case .benchmark: PackageResources.benchmark_schema_json
    case .comparison: PackageResources.comparison_schema_json
    case .gate: PackageResources.gate_schema_json
    case .ledger: PackageResources.ledger_schema_json
    case .plot: PackageResources.plot_schema_json
    case .policy: PackageResources.policy_schema_json
    case .repeats: PackageResources.repeats_schema_json
    case .rerun: PackageResources.rerun_schema_json
    case .result: PackageResources.result_schema_json
    case .sweep: PackageResources.sweep_schema_json
    }
  }
}
