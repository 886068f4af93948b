// Reads a result that the command wrote: ReadResult RESULT
import DisEval

do {
  let result = try EvaluationResult(contentsOf: CommandLine.arguments[1])
  let distance = result.metrics[.fid]
  print(distance?.value ?? .nan, distance?.interval.map { "in \($0)" } ?? "without interval")
  print("debiased", distance?.debiased ?? .nan)
  print(result.provenance.dialect, result.provenance.reference.file, result.provenance.num ?? 0)
} catch {
  print(error.code == .resultInvalid ? "refused:" : "not readable:", error.detail)
}
