import Files
import GenerativeMetrics

extension EvaluationResult {
  /// How much a metric is above that of `other`, when image i of both belongs together: of one seed,
  /// sampler and assignment of labels, say. That they do is the caller's to know.
  ///
  /// From what both results record alone. Far narrower than the difference of two unpaired values, as
  /// far as the images of a pair are alike.
  ///
  /// - Throws: `Failure` `NoInterval` if one of them has no jackknife of that metric, `CountMismatch`
  ///   if they are of different numbers of images.
  public func pairedDifference(
    of name: String, from other: EvaluationResult
  ) throws(Failure) -> Jackknife {
    let (own, others) = (try jackknife(of: name), try other.jackknife(of: name))
    do throws(MetricError) {
      return try .pairedDifference(own, others)
    } catch {
      throw Failure(error, name)
    }
  }

  private func jackknife(of name: String) throws(Failure) -> Jackknife {
    guard let metric = metrics[name], let leftOut = metric.jackknife, let count = provenance.num,
      count >= Jackknife.minimumCount, leftOut.values.count == Jackknife.groupCount,
      leftOut.values.allSatisfy(\.isFinite), metric.value.isFinite
    else {
      throw Failure(
        .dataRefused, "NoInterval", name,
        "\(metrics[name]?.intervalReason ?? "the result has no jackknife of it"); both results need "
          + "\(Jackknife.groupCount) values without a group of images")
    }
    return Jackknife(value: metric.value, leftOut: leftOut.values, count: count)
  }
}
