/// The status and the headers of the last response to a request, as `curl --dump-header` writes them.
struct ResponseHead: Equatable {
  /// The status, such as 200.
  private(set) var status: Int
  private var headers: [String: String] = [:]

  /// Returns the value of a header, given by its name in lower case.
  func header(_ name: String) -> String? { headers[name] }

  /// Reads the heads of responses, line by line, until that of the last.
  ///
  /// - Parameter nextLine: Returns the next line without its end, or nil after the last.
  /// - Returns: The head, or nil if there is none; and the lines before it that belong to no head,
  ///   such as a message of curl.
  static func read(_ nextLine: () -> String?) -> (head: ResponseHead?, others: [String]) {
    var current: ResponseHead?
    var others: [String] = []
    while let line = nextLine() {
      if line.hasPrefix("HTTP/") {
        // For example: HTTP/1.1 200 OK
        let words = line.split(separator: " ")
        current = ResponseHead(status: words.count > 1 ? Int(words[1]) ?? 0 : 0)
      } else if line.isEmpty, let head = current {
        guard head.isFollowed else { return (head, others) }
        current = nil
      } else if current == nil {
        others.append(line)
      } else if let colon = line.firstIndex(of: ":") {
        let value = line[line.index(after: colon)...]
        current?.headers[line[..<colon].lowercased()] = String(
          value.drop { " \t".contains($0) }.reversed().drop { " \t".contains($0) }.reversed())
      }
    }
    return (nil, others)
  }

  /// Whether there is another response after this one: it is preliminary, or curl follows it.
  private var isFollowed: Bool {
    100..<200 ~= status || 300..<400 ~= status && !(headers["location"] ?? "").isEmpty
  }
}
