-- wrk's script: -- METHOD PATH HOST [NAME:VALUE]... [+KEY-HEADER] [@BODY-FILE].  Its last line is JSON, for bench/load.py.

-- Each request has a value of its own in this header; formatted once, the number alone changes.
function number_requests(header)
  math.randomseed(os.time() + tonumber(tostring({}):match("0x(%x+)"), 16) % 1000000)
  local prefix = string.format("bench-%08x%08x-", math.random(0, 0x7fffffff), math.random(0, 0x7fffffff))
  local mark, number, before, after = "@@@@@@@@@@", 0, nil, nil
  function request()
    if before == nil then
      wrk.headers[header] = prefix .. mark
      local whole = wrk.format()
      local first, last = whole:find(mark, 1, true)
      before, after = whole:sub(1, first - 1), whole:sub(last + 1)
    end
    number = number + 1
    return before .. string.format("%010d", number) .. after
  end
end

function init(args)
  wrk.method, wrk.path = args[1], args[2]
  wrk.headers["Host"] = args[3]
  for index = 4, #args do
    local name, value = args[index]:match("^([%w-]+):(.*)$")
    local key = args[index]:match("^%+([%w-]+)$")
    if name then
      wrk.headers[name] = value
    elseif key then
      number_requests(key)
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
