// Judges a result by limits and against a baseline: Judging RESULT BASELINE
import Reporting

let result = try EvaluationResult(contentsOf: CommandLine.arguments[1])
let baseline = try EvaluationResult(contentsOf: CommandLine.arguments[2])
var policy = Policy()
policy.tolerance = .relative(0.05)
policy.add(.init(max: 500), to: .frechetDistance)
let report = try Gate(result, by: policy, baseline: baseline).report()
for check in report.checks { print(check.metric, check.verdict, check.reason) }
for row in try ResultComparison(baseline, result).metrics { print(row.metric, row.difference) }
print(report.verdict)
