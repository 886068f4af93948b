import CKernels

/// What a network multiplies in its large products.
public enum Precision: String, CaseIterable, Codable, Sendable {
  /// Floats of 32 bits everywhere.
  case float32
  /// Weights and what they are multiplied by are rounded to bfloat16, 8 significant bits; sums and
  /// everything else are float32.
  case bfloat16 = "bf16"

  var name: dis_precision { self == .float32 ? DIS_FLOAT32 : DIS_BFLOAT16 }
}
