import CKernels

/// The number format of a network's large products.
public enum Precision: String, CaseIterable, Codable, Sendable {
  /// 32-bit floating point everywhere.
  case float32
  /// Both factors of a product are rounded to bfloat16, which has 8 significant bits. Sums and
  /// everything else are in float32.
  case bfloat16 = "bf16"

  var name: dis_precision { self == .float32 ? DIS_FLOAT32 : DIS_BFLOAT16 }
}
