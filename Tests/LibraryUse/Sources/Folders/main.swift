// Scores a folder of images against another: Folders IMAGES REFERENCE WEIGHTS
import DisEval

let paths = CommandLine.arguments
var request = EvaluationRequest(images: paths[1], reference: paths[2])
request.weights = paths[3]
let result = try await request.prepare().run()
for (name, metric) in result.metrics.sorted(by: { $0.key < $1.key }) {
  print(name, metric.value, metric.interval.map { "in \($0)" } ?? "")
}
for warning in result.provenance.warnings { print("warning:", warning) }
