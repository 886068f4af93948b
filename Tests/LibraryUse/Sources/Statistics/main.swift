// Makes reference statistics from feature rows, and uses them: Statistics WEIGHTS OUTPUT.npz
import DisEval

let extractor = try LoadedExtractor(path: CommandLine.arguments[1])
let count = 300 * extractor.network.featureDimension
let rows = try FeatureRows(
  (0..<count).map { Float($0 * 7919 % 1009) / 1009 }, dimension: extractor.network.featureDimension)
let made = try ReferenceStatistics(
  rows: rows, extractor: extractor, dialect: .pytorchFID, name: "made")
try made.write(to: CommandLine.arguments[2])
let read = try ReferenceStatistics(path: CommandLine.arguments[2])
print(
  "mean", read.gaussian.mean[0], "variance", read.gaussian.covariance[0], "hash",
  read.sha256 == made.sha256)
print("distance", try await made.result(against: .statistics(read)).metrics[.fid]?.value ?? .nan)
