import Files

/// The largest number of samples that can be asked for.
package let largestSampleCount = 1_000_000_000

/// Checks the number of samples that is asked for.
///
/// - Throws: `Failure` `TooFewSamples` (65) if `count` is less than 2, `SettingOutOfRange` (64) if it is
///   more than ``largestSampleCount``.
package func checkSampleCount(_ count: Int) throws(Failure) {
  try checkEnough(count, "`num`")
  guard count <= largestSampleCount else {
    throw Failure(
      .usage, .settingOutOfRange, "`num` \(count)", "expected at most \(largestSampleCount)")
  }
}

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
