import Files

/// - Throws: `Failure` `TooFewSamples`: a covariance needs two.
package func checkEnough(_ count: Int, _ subject: String) throws(Failure) {
  guard count >= 2 else {
    throw Failure(
      .dataRefused, .tooFewSamples, subject, "\(count) images; a covariance needs at least 2")
  }
}
