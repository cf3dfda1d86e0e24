-- What came of a run, as one line of JSON.

function done(summary, latency)
    local bad = summary.errors
    io.write(string.format(
        '\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "refused": %d, "broken": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        bad.status, bad.connect + bad.read + bad.write + bad.timeout
    ))
end
