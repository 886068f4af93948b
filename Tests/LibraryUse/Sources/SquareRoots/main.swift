// The linear algebra of a Fréchet distance.
import GenerativeMetrics

let a = try GaussianStatistics(count: nil, mean: [0, 0], covariance: [5, 4, 4, 5])
let b = try GaussianStatistics(count: nil, mean: [3, 4], covariance: [1, 0, 0, 9])
let root = try a.squareRoot()
print("root", root.values, "within", root.errorBound)
let trace = try squareRootTrace(ofProductOf: a, and: b)
print("trace", trace.value, "within", trace.errorBound, "by", trace.factorizations[0].method)
print("distance", try frechetDistance(between: a, and: b).value)
