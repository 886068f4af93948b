import Files

/// Checks that there are enough images for a covariance.
///
/// - Parameters:
///   - count: The number of images.
///   - subject: The name of the images, for messages.
/// - Throws: `Failure` `TooFewSamples` (65) if `count` is less than 2.
package func checkEnough(_ count: Int, _ subject: String) throws(Failure) {
  guard count >= 2 else {
    throw Failure(
      .dataRefused, .tooFewSamples, subject, "\(count) images; a covariance needs at least 2")
  }
}
