-- wrk's script: -- METHOD PATH HOST [NAME:VALUE]... [@BODY-FILE].  Its last line is JSON, for bench/load.py.

function init(args)
  wrk.method, wrk.path = args[1], args[2]
  wrk.headers["Host"] = args[3]
  for index = 4, #args do
    local name, value = args[index]:match("^([%w-]+):(.*)$")
    if name then
      wrk.headers[name] = value
    else
      local file = assert(io.open(args[index]:sub(2), "rb"))
      wrk.body = file:read("*a")
      file:close()
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "failures": %d, "p50": %.6f, "p99": %.6f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
