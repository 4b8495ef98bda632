"""The updates of ``records.py`` and ``tallies.py`` as Redis carries them out.  A test runs both side by side."""

from __future__ import annotations

from plugins.fraud.records import CLIP, DAY, HOUR, MARK, MARKS, MONTH, SLOWEST, WEEK
from plugins.fraud.tallies import MOST, QUIET

_SHARED = """\
local RECORD, TALLY = '<dddddddddddddddddd', '<ddddddddddd'

local function milliseconds(seconds)
  return math.max(1, math.ceil(seconds * 1000))
end

local function numbers(layout, text)
  local found = {struct.unpack(layout, text)}
  found[#found] = nil
  return found
end
"""

SEEN = f"""\
{_SHARED}
local at, amount, code, kept = arguments[1], arguments[2], arguments[3], arguments[4]

local function spend(r, paid)
  for n = 7, 10 do r[n] = r[n] + paid end
  if r[11] > 0 then
    local away, clipped = paid - r[12], {CLIP} * r[13]
    away = math.max(-clipped, math.min(clipped, away))
    local weight = math.max({SLOWEST}, 1 / (r[11] + 1))
    r[12] = r[12] + weight * away
    r[13] = r[13] + weight * (math.abs(away) - r[13])
  else
    r[12], r[13] = paid, paid / 2
  end
  r[11] = r[11] + 1
end

local function fade(r)
  local gap = at - r[2]
  if gap <= 0 then return end
  local h, d = math.exp(-gap / {HOUR}), math.exp(-gap / {DAY})
  local w, m = math.exp(-gap / {WEEK}), math.exp(-gap / {MONTH})
  r[2] = at
  r[3], r[4], r[5], r[6] = r[3] * h, r[4] * d, r[5] * w, r[6] * m
  r[7], r[8], r[9], r[10] = r[7] * h, r[8] * d, r[9] * w, r[10] * m
  for n = 16, 18 do r[n] = r[n] * w end
end

local function see(key, marks)
  local text = redis.call('GET', key)
  local r, tail, before, foreign = nil, '', 0, false
  if text then
    before, r, tail = numbers(RECORD, text), numbers(RECORD, text), string.sub(text, 145)
    fade(r)
    foreign = r[14] ~= code
  else
    r = {{at, at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, code, 0, 0, 0, 0}}
  end
  for n = 3, 6 do r[n] = r[n] + 1 end
  if amount and not foreign then spend(r, amount) end
  for slot, mark in ipairs(marks) do
    if mark ~= '' and not string.find(tail, mark, 1, true) then
      if text then tail = mark .. tail else tail = tail .. mark end
      tail = string.sub(tail, 1, {MARK * MARKS})
      r[15 + slot] = r[15 + slot] + 1
    end
  end
  redis.call('SET', key, struct.pack(RECORD, unpack(r)) .. tail, 'PX', milliseconds(kept))
  return before, foreign
end

local place, found = 1, {{}}
for n = 5, #arguments do
  local marks = arguments[n]
  if marks then
    local before, foreign = see(keys[place], marks)
    local apart = false
    if foreign and amount then apart = see(keys[place + 1], {{}}) end
    found[#found + 1] = {{before, apart}}
    place = place + 2
  else
    local text = redis.call('GET', keys[place])
    found[#found + 1] = {{text and numbers(TALLY, text) or 0, false}}
    place = place + 1
  end
end
return found
"""

ANSWERED = f"""\
{_SHARED}
for _, key in ipairs(keys) do
  local text = redis.call('GET', key)
  if text then
    local r = numbers(RECORD, text)
    if arguments[1] then r[15] = r[15] + 1 else r[15] = 0 end
    redis.call('SET', key, struct.pack(RECORD, unpack(r)) .. string.sub(text, 145), 'KEEPTTL')
  end
end
return nil
"""

COUNTED = f"""\
{_SHARED}
local at, frauds, payments, kept = unpack(arguments)
for _, key in ipairs(keys) do
  local text = redis.call('GET', key)
  local t = text and numbers(TALLY, text) or {{at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
  local gap = math.max(0, at - t[1])
  t[1] = t[1] + gap
  for n, window in ipairs({{{DAY}, {WEEK}, {MONTH}}}) do
    local left = math.exp(-gap / window)
    t[1 + n] = t[1 + n] * left + frauds
    t[4 + n] = t[4 + n] * left + payments
  end
  if frauds > 0 then
    if at - t[8] > {QUIET} then t[9] = at end
    t[8], t[10], t[11] = math.max(t[8], at), t[10] + 1, 0
  elseif payments > 0 then
    t[10], t[11] = 0, math.min({MOST}, t[11] + 1)
  end
  redis.call('SET', key, struct.pack(TALLY, unpack(t)), 'PX', milliseconds(kept))
end
return nil
"""
