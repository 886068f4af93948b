/// The published JSON schemas (draft 2020-12) of the files that a gate reads and writes.
public enum Schema: String, CaseIterable, Sendable {
  case baseline, gate, policy

  /// The schema's document.
  public var json: [UInt8] {
    switch self {
    case .baseline: PackageResources.baseline_schema_json
    case .gate: PackageResources.gate_schema_json
    case .policy: PackageResources.policy_schema_json
    }
  }
}
