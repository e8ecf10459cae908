import Testing

@testable import Control

@Suite struct MetricsFormatTests {
  @Test(
    arguments: [
      (nil, MetricsFormat.prometheus),
      ("", .prometheus),
      ("*/*", .prometheus),
      ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", .prometheus),
      ("text/plain;version=0.0.4", .prometheus),
      ("application/openmetrics-text", .openMetrics),
      ("Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", .openMetrics),
      ("application/openmetrics-text;version=1.0.0,*/*", .openMetrics),
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*;q=0.1",
        .openMetrics
      ),
      ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", .openMetrics),
      ("application/openmetrics-text;q=0.2,text/plain;q=0.7", .prometheus),
      ("application/openmetrics-text;q=0", .prometheus),
      ("application/openmetrics-text;q=none", .prometheus),
    ] as [(String?, MetricsFormat)])
  func acceptPicksTheForm(accept: String?, format: MetricsFormat) {
    #expect(MetricsFormat(accept: accept) == format)
  }

  @Test func theMediaTypesNameTheirVersions() {
    #expect(MetricsFormat.prometheus.contentType == "text/plain; version=0.0.4; charset=utf-8")
    #expect(MetricsFormat.openMetrics.contentType == "application/openmetrics-text; version=1.0.0; charset=utf-8")
  }
}
